//! Lists.

use std::borrow::Cow;
use std::pin::pin;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::parts::{Attempted, Parts, resolve_parts};
use super::plain::{PlainContext, WritePlain, Written};
use crate::attempt::{self, Obstacle};
use crate::graphql::json;
use crate::graphql::loaders::Loaders;

/// Bytes that an item's JSON takes at first.
const ITEM_BYTES: usize = 256;

/// A list whose items are attempted in the same way.
pub struct List<T>(pub Vec<T>);

/// The items of a list.
struct Items<'a, 'b, T> {
    ctx: &'b ContextSelectionSet<'a>,
    field: &'a Positioned<Field>,
    list: &'b [T],
}

impl<T: OutputType + WritePlain> Parts for Items<'_, '_, T> {
    fn count(&self) -> usize {
        self.list.len()
    }

    fn context(&self) -> &ContextSelectionSet<'_> {
        self.ctx
    }

    fn attempt(&self, n: usize) -> Attempted {
        let Some(item) = self.list.get(n) else { return Err(Obstacle::Other) };
        let mut out = Vec::with_capacity(ITEM_BYTES);
        match self.write_plain(item, &mut out) {
            Ok(()) => return Ok(Ok(Value::Binary(out.into()))),
            Err(Obstacle::Batch) => return Err(Obstacle::Batch),
            Err(Obstacle::Other) => {}
        }
        self.attempt_item(n, item)
    }

    fn resolve(&self, n: usize) -> BoxFuture<'_, ServerResult<Value>> {
        let item = self.list.get(n);
        async move {
            let Some(item) = item else { return Ok(Value::Null) };
            let ctx = self.ctx.with_index(n);
            item.resolve(&ctx, self.field).await.map_err(|error| ctx.set_error_path(error))
        }
        .boxed()
    }
}

impl<T: OutputType + WritePlain> Items<'_, '_, T> {
    fn attempt_item(&self, n: usize, item: &T) -> Attempted {
        let ctx = self.ctx.with_index(n);
        let value = attempt::poll(pin!(item.resolve(&ctx, self.field)))?;
        Ok(value.map_err(|error| ctx.set_error_path(error)))
    }

    fn write_plain(&self, item: &T, out: &mut Vec<u8>) -> Written {
        let loaders = self.ctx.data_opt::<Loaders>().ok_or(Obstacle::Other)?;
        let ctx = self.ctx.with_field(self.field);
        item.write_plain(PlainContext { ctx: &ctx, loaders }, &self.field.node, out)
    }

    /// Writes the list if nothing of it has to wait.
    fn attempt_all(&self) -> Attempted {
        let mut out = Vec::with_capacity(ITEM_BYTES * self.list.len());
        let mut met = None;
        for n in 0..self.list.len() {
            let Some(item) = self.list.get(n) else { break };
            out.push(if n == 0 { b'[' } else { b',' });
            let before = out.len();
            match self.write_plain(item, &mut out) {
                Ok(()) => continue,
                Err(Obstacle::Batch) => {
                    met = Some(Obstacle::Batch);
                    continue;
                }
                Err(Obstacle::Other) => out.truncate(before),
            }
            match self.attempt_item(n, item) {
                Ok(Ok(value)) if met.is_none() => json::write_value(&mut out, &value),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Ok(Err(error)),
                Err(Obstacle::Other) => return Err(Obstacle::Other),
                Err(Obstacle::Batch) => met = Some(Obstacle::Batch),
            }
        }
        met.map_or_else(|| Ok(Ok(end_list(out))), Err)
    }
}

/// Writes an item of a list, with what comes before it.
fn write_item(out: &mut Vec<u8>, n: usize, value: &Value) {
    out.push(if n == 0 { b'[' } else { b',' });
    json::write_value(out, value);
}

fn end_list(mut out: Vec<u8>) -> Value {
    if out.is_empty() {
        out.push(b'[');
    }
    out.push(b']');
    Value::Binary(out.into())
}

impl<T: OutputType + WritePlain> OutputType for List<T> {
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
        let items = Items { ctx, field, list: &self.0 };
        if attempt::is_on() {
            return match items.attempt_all() {
                Ok(value) => value,
                Err(obstacle) => attempt::stop(obstacle).await,
            };
        }
        let values = resolve_parts(&items).await?;
        let mut out = Vec::with_capacity(ITEM_BYTES * values.len());
        for (n, value) in values.iter().enumerate() {
            write_item(&mut out, n, value);
        }
        Ok(end_list(out))
    }
}

impl<T: WritePlain> WritePlain for List<T> {
    fn write_plain(&self, cx: PlainContext<'_>, field: &Field, out: &mut Vec<u8>) -> Written {
        self.0.write_plain(cx, field, out)
    }
}
