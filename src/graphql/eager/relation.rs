//! Fields that show what a loader has.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, Error, OutputType, Positioned, ServerResult, Value};

use super::list::List;
use super::plain::{PlainContext, WritePlain, Written};
use crate::attempt::Obstacle;
use crate::error::AppResult;
use crate::graphql::loader::Batch;
use crate::graphql::loaders::{Loaders, Peeked};

/// What is shown of the value of a key.
pub enum Relation<B: Batch, T> {
    /// It was loaded along with what refers to it.
    Here(T),
    /// A foreign key guarantees that the key has a value.
    ByKey {
        /// The key.
        key: B::Key,
        /// What is shown of its value.
        show: fn(B::Value) -> T,
    },
}

fn loaders_of<'a>(ctx: &ContextSelectionSet<'a>, field: &Positioned<Field>) -> ServerResult<&'a Loaders> {
    ctx.data::<Loaders>().map_err(|error| ctx.set_error_path(error.into_server_error(field.pos)))
}

fn at_field<T>(ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>, result: AppResult<T>) -> ServerResult<T> {
    result.map_err(|error| ctx.set_error_path(Error::from(error).into_server_error(field.pos)))
}

impl<B: Batch, T: OutputType> OutputType for Relation<B, T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn qualified_type_name() -> String {
        T::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match self {
            Self::Here(shown) => shown.resolve(ctx, field).await,
            Self::ByKey { key, show } => {
                let loaders = loaders_of(ctx, field)?;
                let value = at_field(ctx, field, loaders.get::<B>(key.clone()).await)?;
                show(value).resolve(ctx, field).await
            }
        }
    }
}

impl<B: Batch, T: WritePlain> WritePlain for Relation<B, T> {
    fn write_plain(&self, cx: PlainContext<'_>, field: &Field, out: &mut Vec<u8>) -> Written {
        let (key, show) = match self {
            Self::Here(shown) => return shown.write_plain(cx, field, out),
            Self::ByKey { key, show } => (key, show),
        };
        match cx.loaders.peek::<B>(key) {
            Peeked::Value(value) => show(value).write_plain(cx, field, out),
            Peeked::Wanted => Err(Obstacle::Batch),
            // Reported the ordinary way.
            Peeked::Nothing | Peeked::Failed => Err(Obstacle::Other),
        }
    }
}

/// What is shown of the values of some keys; those without one are left out.
pub struct RelationList<B: Batch, T> {
    keys: Vec<B::Key>,
    show: fn(B::Value) -> T,
}

impl<B: Batch, T> RelationList<B, T> {
    /// What `show` makes of the values of these keys.
    #[must_use]
    pub fn new(keys: Vec<B::Key>, show: fn(B::Value) -> T) -> Self {
        Self { keys, show }
    }
}

impl<B: Batch, T: OutputType + WritePlain> OutputType for RelationList<B, T> {
    fn type_name() -> Cow<'static, str> {
        List::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        List::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        List::<T>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let loaders = loaders_of(ctx, field)?;
        let look = self.keys.iter().map(|key| loaders.find::<B>(key.clone()));
        let values = at_field(ctx, field, futures_util::future::try_join_all(look).await)?;
        List(values.into_iter().flatten().map(self.show).collect()).resolve(ctx, field).await
    }
}

impl<B: Batch, T: WritePlain> WritePlain for RelationList<B, T> {
    fn write_plain(&self, cx: PlainContext<'_>, field: &Field, out: &mut Vec<u8>) -> Written {
        let mut met = None;
        out.push(b'[');
        let mut is_first = true;
        for key in &self.keys {
            let written = match cx.loaders.peek::<B>(key) {
                Peeked::Nothing => continue,
                Peeked::Wanted => Err(Obstacle::Batch),
                Peeked::Failed => Err(Obstacle::Other),
                Peeked::Value(value) => {
                    if !std::mem::take(&mut is_first) {
                        out.push(b',');
                    }
                    (self.show)(value).write_plain(cx, field, out)
                }
            };
            match written {
                Ok(()) => {}
                Err(Obstacle::Batch) => met = Some(Obstacle::Batch),
                Err(Obstacle::Other) => return Err(Obstacle::Other),
            }
        }
        out.push(b']');
        met.map_or(Ok(()), Err)
    }
}
