//! GraphQL types of search.

use async_graphql::{Context, Object, SimpleObject, Union};

use super::model::SearchKind;
use super::service;
use super::terms::Terms;
use crate::domains::accounts::types::User;
use crate::domains::groups::types::Group;
use crate::domains::items::types::Item;
use crate::domains::merchants::types::Merchant;
use crate::domains::products::types::Product;
use crate::domains::tasks::types::Task;
use crate::error::AppResult;
use crate::graphql::connection::PageInfo;
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::{Concrete, List, one_of, plain_struct};
use crate::page::COUNT_BOUND;

/// Something that was found; later releases add kinds, so have a default branch.
#[derive(Clone, Union)]
#[graphql(crate = "crate::graphql::eager")]
pub enum SearchResult {
    /// A person.
    User(User),
    /// An item.
    Item(Item),
    /// A task.
    Task(Task),
    /// A product.
    Product(Product),
    /// A group.
    Group(Group),
    /// A merchant.
    Merchant(Merchant),
}

plain_struct!(SearchEdge { "cursor" => cursor, "score" => score, "node" => node });

one_of!(SearchResult { User(User), Item(Item), Task(Task), Product(Product), Group(Group), Merchant(Merchant) });

/// Something that was found, and how well it fits.
#[derive(Clone, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct SearchEdge {
    /// Names its place in this list, for `after` and `before`.
    pub cursor: String,
    /// How well it fits, 0 to 1; comparable within a query alone.
    pub score: f64,
    /// What was found.
    pub node: Concrete<SearchResult>,
}

/// A page of what was found, the best first.
pub struct SearchConnection {
    /// The page.
    pub edges: Vec<SearchEdge>,
    /// Where it lies.
    pub page_info: PageInfo,
    /// What was looked for; none when there was nothing to look for.
    pub wanted: Option<(Vec<SearchKind>, Terms)>,
}

/// A page of what was found, the best first.
#[Object(crate = "crate::graphql::eager")]
impl SearchConnection {
    /// What was found, with cursors and scores.
    async fn edges(&self) -> List<&SearchEdge> {
        List(self.edges.iter().collect())
    }

    /// What was found.
    async fn nodes(&self) -> List<&Concrete<SearchResult>> {
        List(self.edges.iter().map(|edge| &edge.node).collect())
    }

    /// Where the page lies in its list.
    async fn page_info(&self) -> &PageInfo {
        &self.page_info
    }

    /// How much was found, of each kind at most a thousand or so. Counted only when selected, in a statement of its own.
    async fn total_count(&self, ctx: &Context<'_>) -> AppResult<i64> {
        match &self.wanted {
            Some((kinds, terms)) => service::count(ctx.scope()?, kinds, terms, COUNT_BOUND).await,
            None => Ok(0),
        }
    }
}
