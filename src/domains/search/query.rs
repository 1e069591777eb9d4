//! Queries of search.

use std::sync::Arc;

use async_graphql::{Context, Object};
use futures_util::future::{join_all, try_join_all};

use super::model::{Hit, HitKey, SearchKind};
use super::service;
use super::types::{SearchConnection, SearchEdge, SearchResult};
use crate::contact::Contact;
use crate::domains::accounts;
use crate::domains::accounts::loader::PersonById;
use crate::domains::accounts::model::Person;
use crate::domains::accounts::types::User;
use crate::domains::groups::loader::GroupById;
use crate::domains::groups::types::Group;
use crate::domains::items::loader::VisibleItem;
use crate::domains::items::types::Item;
use crate::domains::merchants::loader::MerchantById;
use crate::domains::merchants::types::Merchant;
use crate::domains::products::loader::PresentProduct;
use crate::domains::products::types::Product;
use crate::domains::tasks::loader::VisibleTask;
use crate::domains::tasks::types::Task;
use crate::error::AppResult;
use crate::graphql::connection::{Connection, PageInfo};
use crate::graphql::context::PlazaContext;
use crate::graphql::eager::Concrete;
use crate::ids::{GroupId, ItemId, MerchantId, ProductId, TaskId, UserId};
use crate::page::{Cursor, Page, PageArgs};

/// What a hit found; none when it went away since.
async fn found(ctx: &Context<'_>, hit: &Hit) -> AppResult<Option<SearchResult>> {
    let loaders = ctx.loaders()?;
    Ok(match hit.kind {
        SearchKind::User => {
            let user = loaders.find::<PersonById>(UserId(hit.subject_id)).await?;
            user.map(|person| SearchResult::User(User(Arc::clone(&person.user))))
        }
        SearchKind::Item => {
            let item = loaders.find::<VisibleItem>(ItemId(hit.subject_id)).await?;
            item.map(|card| SearchResult::Item(Item(card)))
        }
        SearchKind::Task => {
            let task = loaders.find::<VisibleTask>(TaskId(hit.subject_id)).await?;
            task.map(|card| SearchResult::Task(Task(card)))
        }
        SearchKind::Product => {
            let product = loaders.find::<PresentProduct>(ProductId(hit.subject_id)).await?;
            product.map(|product| SearchResult::Product(Product(product)))
        }
        SearchKind::Group => {
            let group = loaders.find::<GroupById>(GroupId(hit.subject_id)).await?;
            group.map(|group| SearchResult::Group(Group(group)))
        }
        SearchKind::Merchant => {
            let merchant = loaders.find::<MerchantById>(MerchantId(hit.subject_id)).await?;
            merchant.map(|merchant| SearchResult::Merchant(Merchant(merchant)))
        }
    })
}

/// The kinds to look for, each once.
fn kinds(wanted: Option<Vec<SearchKind>>) -> Vec<SearchKind> {
    let wanted = wanted.unwrap_or_else(|| SearchKind::ALL.to_vec());
    SearchKind::ALL.iter().copied().filter(|kind| wanted.contains(kind)).collect()
}

/// Queries of search.
#[derive(Default)]
pub struct SearchQuery;

/// Queries of search.
#[Object(crate = "crate::graphql::eager")]
impl SearchQuery {
    /// Finds things by words of them, the best first: whole words, parts of words and single characters of Chinese, Latin
    /// words by a part of them or a little mistyped, numbers; in any case, in full-width or traditional forms too.
    /// What has all the words of the query, and what has some of them where that is little. What is open stands
    /// before what is over. Of each kind at most a thousand are ranked. Error: `BAD_USER_INPUT` for more than 100 characters.
    async fn search(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to look for, at most 100 characters.")] query: String,
        #[graphql(desc = "Of which kinds; of all where none are given.")] kinds: Option<Vec<SearchKind>>,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> Option<AppResult<SearchConnection>> {
        let search = async {
            let scope = ctx.scope()?;
            let kinds = self::kinds(kinds);
            let name = serde_json::to_string(&("search", &query, &kinds)).unwrap_or_default();
            let page = PageArgs { first, after, last, before }.request::<HitKey>(name)?;
            let terms = service::terms(scope, &query, &kinds).await?.filter(|_| !kinds.is_empty());
            let Page { rows, has_next, has_previous } = match &terms {
                Some(terms) => service::search(scope, &kinds, terms, &page).await?,
                None => page.page(Vec::new(), Hit::key),
            };
            let nodes = try_join_all(rows.iter().map(|(_, hit)| found(ctx, hit))).await?;
            let page_info = PageInfo {
                has_next_page: has_next,
                has_previous_page: has_previous,
                start_cursor: rows.first().map(|(cursor, _)| cursor.encode()),
                end_cursor: rows.last().map(|(cursor, _)| cursor.encode()),
            };
            let edge = |((cursor, hit), node): ((Cursor, Hit), Option<SearchResult>)| {
                Some(SearchEdge { cursor: cursor.encode(), score: hit.fit(), node: Concrete(node?) })
            };
            let edges = rows.into_iter().zip(nodes).filter_map(edge).collect();
            Ok(SearchConnection { edges, page_info, wanted: terms.map(|terms| (kinds, terms)) })
        };
        Some(search.await)
    }

    /// Finds people: by nickname, username or account number, as `search` does; by a whole e-mail address or phone number
    /// that they have verified, which is not shown. Signed in. Errors: `BAD_USER_INPUT` for more than 100
    /// characters, `RATE_LIMITED` for more than a hundred addresses or numbers in an hour, or three hundred from one address.
    async fn search_users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to look for, at most 100 characters.")] query: String,
        #[graphql(desc = "Forward: so many, 1 to 100; 20 where neither first nor last is given.")] first: Option<i32>,
        #[graphql(desc = "Forward: behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Backward: so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Backward: before this cursor.")] before: Option<String>,
    ) -> Option<AppResult<Connection<User>>> {
        let search = async {
            ctx.viewer()?;
            let scope = ctx.scope()?;
            let kinds = &[SearchKind::User];
            let page = PageArgs { first, after, last, before }.request::<HitKey>(format!("people {query}"))?;
            if let Some(contact) = Contact::parse(query.trim()) {
                let found = accounts::service::find_by_contact(scope, contact).await?;
                let rows: Vec<_> =
                    found.into_iter().filter(|_| page.cursor.is_none()).map(std::sync::Arc::new).collect();
                let count = i64::try_from(rows.len()).unwrap_or(0);
                let people = page.page(rows, |user| (0, SearchKind::User, user.id.0));
                return Ok(Connection::new(people, User, move |_, _| Box::pin(async move { Ok(count) })));
            }
            let Some(terms) = service::terms(scope, &query, kinds).await? else {
                let empty = page.page(Vec::new(), |user: &User| (0, SearchKind::User, user.0.id.0));
                return Ok(Connection::new(empty, |user| user, |_, _| Box::pin(async { Ok(0) })));
            };
            let Page { rows, has_next, has_previous } = service::search(scope, kinds, &terms, &page).await?;
            let loaders = ctx.loaders()?;
            let look = rows.into_iter().map(async |(cursor, hit)| {
                let user = loaders.find::<PersonById>(UserId(hit.subject_id)).await;
                user.map(|user| user.map(|user| (cursor, user)))
            });
            let rows = join_all(look).await.into_iter().filter_map(Result::transpose).collect::<AppResult<_>>()?;
            let people = Page { rows, has_next, has_previous };
            let show = |person: Arc<Person>| User(Arc::clone(&person.user));
            Ok(Connection::new(people, show, move |scope, bound| {
                let terms = terms.clone();
                Box::pin(async move { service::count(scope, kinds, &terms, bound).await })
            }))
        };
        Some(search.await)
    }
}
