//! async-graphql as its macros are pointed to it (`crate_path`): the library, but an object is resolved without a future
//! of its own per field.
//!
//! The library boxes a future for every field of every object, and collects the values in a map. Here the fields of an object
//! are polled where they stand, in order. What is ready is written to the object's JSON at once; only a field that really
//! waits, for a loader or a statement, takes part in a join with those behind it.
//!
//! Invariants:
//! - A field is polled before anything waits, so a level's loads are one batch, as in the library.
//! - The JSON of an object is a [`Value::Binary`] in the response. No output type of ours is binary, and
//!   [`super::json`] writes it as it is.
//! - A selection has one field per response key and no directives, which the document pipeline guarantees. Selections with
//!   fragments, of unions and interfaces, are left to the library.

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use ::async_graphql::parser::types::{Field, Selection};
use ::async_graphql::registry::Registry;
use ::async_graphql::resolver_utils as library;
pub use ::async_graphql::*;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, try_join};

use super::json;

/// The library's resolvers, but for objects.
pub mod resolver_utils {
    pub use ::async_graphql::resolver_utils::*;

    pub use super::{resolve_container, resolve_field_async};
}

/// Bytes that an object's JSON takes at first.
const OBJECT_BYTES: usize = 256;

/// Resolves a field of an object. Boxed, so that the future of any one field is no larger than what that field needs, and the
/// future of an object not as large as its largest field.
pub fn resolve_field_async<'a, T, E, F>(ctx: &'a Context<'a>, field: F) -> BoxFuture<'a, ServerResult<Option<Value>>>
where
    T: OutputType + Send,
    E: Into<Error> + Send + Sync,
    F: Future<Output = Result<T, E>> + Send + 'a,
{
    library::resolve_field_async(ctx, field).boxed()
}

/// Resolves an object's fields concurrently, to JSON.
pub fn resolve_container<'a: 'b, 'b, T: library::ContainerType + ?Sized>(
    ctx: &'b ContextSelectionSet<'a>,
    root: &'a T,
) -> BoxFuture<'b, ServerResult<Value>> {
    let selections = &ctx.item.node.items;
    if ctx.path_node.is_none() || selections.iter().any(|selection| !matches!(selection.node, Selection::Field(_))) {
        return library::resolve_container(ctx, root).boxed();
    }
    async move {
        let mut out = Vec::with_capacity(OBJECT_BYTES);
        out.push(b'{');
        resolve_fields(ctx, root, selections, &mut out).await?;
        out.push(b'}');
        Ok(Value::Binary(out.into()))
    }
    .boxed()
}

/// Writes the fields of these selections.
async fn resolve_fields<'a, T: library::ContainerType + ?Sized>(
    ctx: &ContextSelectionSet<'a>,
    root: &'a T,
    selections: &'a [Positioned<Selection>],
    out: &mut Vec<u8>,
) -> ServerResult<()> {
    for (n, selection) in selections.iter().enumerate() {
        let Selection::Field(field) = &selection.node else { continue };
        if out.last() != Some(&b'{') {
            out.push(b',');
        }
        json::write_key(out, &field.node.response_key().node);
        if field.node.name.node == "__typename" {
            json::write_text(out, &root.introspection_type_name());
            continue;
        }
        let ctx_field = ctx.with_field(field);
        let mut value = pin!(root.resolve_field(&ctx_field));
        match poll_fn(|cx| Poll::Ready(value.as_mut().poll(cx))).await {
            Poll::Ready(value) => json::write_value(out, &value?.unwrap_or_default()),
            Poll::Pending => {
                let rest = selections.get(n + 1..).unwrap_or_default();
                let (value, rest) = try_join(value, resolve_rest(ctx, root, rest)).await?;
                json::write_value(out, &value.unwrap_or_default());
                out.extend_from_slice(&rest);
                break;
            }
        }
    }
    Ok(())
}

/// The fields behind one that waits, each after a comma.
fn resolve_rest<'a: 'b, 'b, T: library::ContainerType + ?Sized>(
    ctx: &'b ContextSelectionSet<'a>,
    root: &'a T,
    selections: &'a [Positioned<Selection>],
) -> BoxFuture<'b, ServerResult<Vec<u8>>> {
    async move {
        let mut out = Vec::with_capacity(OBJECT_BYTES);
        resolve_fields(ctx, root, selections, &mut out).await?;
        Ok(out)
    }
    .boxed()
}

/// A list whose items are resolved in the same way.
pub struct List<T>(pub Vec<T>);

impl<T: OutputType> OutputType for List<T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<T>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let mut values: Vec<Value> = Vec::with_capacity(self.0.len());
        let mut waiting = Vec::new();
        for (n, item) in self.0.iter().enumerate() {
            let mut value: BoxFuture<'_, ServerResult<Value>> = Box::pin(async move {
                let ctx = ctx.with_index(n);
                item.resolve(&ctx, field).await.map_err(|error| ctx.set_error_path(error))
            });
            match poll_fn(|cx| Poll::Ready(value.as_mut().poll(cx))).await {
                Poll::Ready(value) => values.push(value?),
                Poll::Pending => {
                    values.push(Value::Null);
                    waiting.push((n, value));
                }
            }
        }
        poll_fn(|cx| poll_waiting(&mut waiting, &mut values, cx)).await?;
        Ok(Value::List(values))
    }
}

/// An item that waits, with its place.
type WaitingItem<'a> = (usize, BoxFuture<'a, ServerResult<Value>>);

/// Polls every item that waits. They wait for the same batches, so that one wake-up mostly serves all.
fn poll_waiting(
    waiting: &mut Vec<WaitingItem<'_>>,
    values: &mut [Value],
    cx: &mut std::task::Context<'_>,
) -> Poll<ServerResult<()>> {
    let mut failed = None;
    waiting.retain_mut(|(n, item)| match item.as_mut().poll(cx) {
        Poll::Pending => true,
        Poll::Ready(Ok(value)) => {
            if let Some(place) = values.get_mut(*n) {
                *place = value;
            }
            false
        }
        Poll::Ready(Err(error)) => {
            failed.get_or_insert(error);
            false
        }
    });
    match failed {
        Some(error) => Poll::Ready(Err(error)),
        None if waiting.is_empty() => Poll::Ready(Ok(())),
        None => Poll::Pending,
    }
}
