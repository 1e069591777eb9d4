//! Relay connections.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::{Context, Object, ObjectType, OutputType, SimpleObject, TypeName};
use futures_util::future::BoxFuture;

use super::context::PlazaContext;
use super::eager::{List, PlainContext, PlainObject, WritePlain, Written, fields_of};
use crate::attempt::Obstacle;
use crate::error::AppResult;
use crate::page::{COUNT_BOUND, Cursor, Page};
use crate::scope::Scope;

/// Where a page lies in its list.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(crate = "crate::graphql::eager")]
pub struct PageInfo {
    /// Rows follow: ask with `after: endCursor`.
    pub has_next_page: bool,
    /// Rows precede: ask with `before: startCursor`. Going forward, this says whether `after` was given.
    pub has_previous_page: bool,
    /// Cursor of the first row, null when there is none.
    pub start_cursor: Option<String>,
    /// Cursor of the last row, null when there is none.
    pub end_cursor: Option<String>,
}

/// Counts a list, up to a bound.
type CountFn = Box<dyn for<'a> Fn(&'a Scope, i64) -> BoxFuture<'a, AppResult<i64>> + Send + Sync>;

/// A page of a list.
pub struct Connection<T: OutputType> {
    edges: Vec<Edge<T>>,
    has_next: bool,
    has_previous: bool,
    count: CountFn,
}

/// A row of a page.
pub struct Edge<T: OutputType> {
    cursor: Cursor,
    node: T,
}

impl<T: OutputType> Connection<T> {
    /// Wraps a page; `count` runs only if `totalCount` is selected.
    pub fn new<R>(
        page: Page<R>,
        wrap: impl Fn(R) -> T,
        count: impl for<'a> Fn(&'a Scope, i64) -> BoxFuture<'a, AppResult<i64>> + Send + Sync + 'static,
    ) -> Self {
        let Page { rows, has_next, has_previous } = page;
        let edges = rows.into_iter().map(|(cursor, row)| Edge { cursor, node: wrap(row) }).collect();
        Self { edges, has_next, has_previous, count: Box::new(count) }
    }
}

/// A page of a list.
#[Object(crate = "crate::graphql::eager", name_type)]
impl<T: OutputType + ObjectType + WritePlain> Connection<T> {
    /// The rows with their cursors.
    async fn edges(&self) -> List<&Edge<T>> {
        List(self.edges.iter().collect())
    }

    /// The rows alone.
    async fn nodes(&self) -> List<&T> {
        List(self.edges.iter().map(|edge| &edge.node).collect())
    }

    /// Where the page lies in its list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.has_next,
            has_previous_page: self.has_previous,
            start_cursor: self.edges.first().map(|edge| edge.cursor.encode()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.encode()),
        }
    }

    /// Rows of the whole list. Counted only when selected, in a statement of its own; stops at 10,000.
    async fn total_count(&self, ctx: &Context<'_>) -> AppResult<i64> {
        (self.count)(ctx.scope()?, COUNT_BOUND).await
    }
}

impl<T: OutputType + ObjectType + WritePlain> TypeName for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", T::type_name()).into()
    }
}

/// A row of a page.
#[Object(crate = "crate::graphql::eager", name_type)]
impl<T: OutputType + ObjectType + WritePlain> Edge<T> {
    /// Names the row's place in this list, for `after` and `before`.
    async fn cursor(&self) -> String {
        self.cursor.encode()
    }

    /// The row.
    async fn node(&self) -> &T {
        &self.node
    }
}

impl<T: OutputType + ObjectType + WritePlain> TypeName for Edge<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", T::type_name()).into()
    }
}

impl<T: OutputType + ObjectType + WritePlain> WritePlain for Edge<T> {
    fn write_plain(&self, cx: PlainContext<'_>, field: &Field, out: &mut Vec<u8>) -> Written {
        self.write_fields(cx, fields_of(field), out)
    }
}

impl<T: OutputType + ObjectType + WritePlain> PlainObject for Edge<T> {
    fn write_field(&self, cx: PlainContext<'_>, field: &Field, out: &mut Vec<u8>) -> Written {
        match field.name.node.as_str() {
            "cursor" => self.cursor.encode().write_plain(cx, field, out),
            "node" => self.node.write_plain(cx, field, out),
            _ => Err(Obstacle::Other),
        }
    }
}
