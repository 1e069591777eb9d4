//! Objects, and what is one of several objects.

use std::borrow::Cow;
use std::pin::pin;

use async_graphql::parser::types::{Field, Selection};
use async_graphql::registry::Registry;
use async_graphql::resolver_utils::{self as library, ContainerType};
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, Ready, ready};

use super::parts::{Attempted, Parts, resolve_parts};
use super::plain::{PlainContext, PlainObject, WritePlain, Written};
use crate::attempt::{self, Obstacle};
use crate::graphql::json;

/// Bytes that an object's JSON takes at first.
const OBJECT_BYTES: usize = 256;

/// A value that is there, or will be.
pub type Resolving<'a> = Either<Ready<ServerResult<Value>>, BoxFuture<'a, ServerResult<Value>>>;

/// Resolves an object's fields concurrently, to JSON.
pub fn resolve_container<'a: 'b, 'b, T: ContainerType + ?Sized>(
    ctx: &'b ContextSelectionSet<'a>,
    root: &'a T,
) -> Resolving<'b> {
    let selections = &ctx.item.node.items;
    let has_fragments = selections.iter().any(|selection| !matches!(selection.node, Selection::Field(_)));
    if ctx.path_node.is_none() || has_fragments {
        return Either::Right(library::resolve_container(ctx, root).boxed());
    }
    Fields { ctx, root, selected: Selected::All(selections) }.resolve()
}

/// Fields in order.
enum Selected<'a> {
    /// A selection without fragments.
    All(&'a [Positioned<Selection>]),
    /// What remains of one with fragments.
    Some(Vec<&'a Positioned<Field>>),
}

impl<'a> Selected<'a> {
    fn len(&self) -> usize {
        match self {
            Self::All(selections) => selections.len(),
            Self::Some(fields) => fields.len(),
        }
    }

    fn get(&self, n: usize) -> Option<&'a Positioned<Field>> {
        match self {
            Self::All(selections) => match &selections.get(n)?.node {
                Selection::Field(field) => Some(field),
                _ => None,
            },
            Self::Some(fields) => fields.get(n).copied(),
        }
    }
}

/// The fields that a selection has for an object of this type; none where that takes the schema to tell.
fn fields_of_type<'a>(
    selections: &'a [Positioned<Selection>],
    type_name: &str,
    is_other: fn(&str) -> bool,
) -> Option<impl Iterator<Item = &'a Positioned<Field>> + Clone> {
    let (mut has_fields, mut matched) = (false, 0);
    for selection in selections {
        match &selection.node {
            Selection::Field(_) => has_fields = true,
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref()?.node.on.node.as_str();
                let inner = &fragment.node.selection_set.node.items;
                if condition != type_name {
                    is_other(condition).then_some(())?;
                    continue;
                }
                matched += 1;
                inner.iter().all(|selection| matches!(selection.node, Selection::Field(_))).then_some(())?;
            }
            Selection::FragmentSpread(_) => return None,
        }
    }
    let fields = selections.iter().flat_map(move |selection| {
        let inner = match &selection.node {
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref().map(|condition| condition.node.on.node.as_str());
                let is_matched = condition == Some(type_name);
                if is_matched { fragment.node.selection_set.node.items.as_slice() } else { &[] }
            }
            _ => std::slice::from_ref(selection),
        };
        inner.iter().filter_map(|selection| match &selection.node {
            Selection::Field(field) => Some(field),
            _ => None,
        })
    });
    // Fields of two selections may have one response key.
    let is_unique = |field: &Positioned<Field>| {
        let key = &field.node.response_key().node;
        fields.clone().filter(|other| other.node.response_key().node == *key).count() == 1
    };
    let is_clear = matched == 0 || (matched == 1 && (!has_fields || fields.clone().all(is_unique)));
    is_clear.then_some(fields)
}

/// The fields of an object.
struct Fields<'a, 'b, T: ?Sized> {
    ctx: &'b ContextSelectionSet<'a>,
    root: &'a T,
    selected: Selected<'a>,
}

impl<'a: 'b, 'b, T: ContainerType + ?Sized> Fields<'a, 'b, T> {
    fn resolve(self) -> Resolving<'b> {
        if !attempt::is_on() {
            return Either::Right(self.resolve_all().boxed());
        }
        match self.attempt_all() {
            Ok(value) => Either::Left(ready(value)),
            Err(obstacle) => Either::Right(attempt::stop(obstacle).boxed()),
        }
    }

    fn attempt_field(&self, field: &'a Positioned<Field>) -> Attempted {
        if field.node.name.node == "__typename" {
            return Ok(Ok(Value::String(self.root.introspection_type_name().into_owned())));
        }
        let ctx = self.ctx.with_field(field);
        let value = attempt::poll(pin!(self.root.resolve_field(&ctx)))?;
        Ok(value.map(Option::unwrap_or_default))
    }

    /// Writes the object if nothing of it has to wait.
    fn attempt_all(&self) -> Attempted {
        let mut out = Vec::with_capacity(OBJECT_BYTES);
        out.push(b'{');
        let mut met = None;
        for (n, field) in (0..self.selected.len()).filter_map(|n| Some((n, self.selected.get(n)?))) {
            match self.attempt_field(field) {
                Ok(Ok(value)) if met.is_none() => write_member(&mut out, n, field, &value),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Ok(Err(error)),
                Err(Obstacle::Other) => return Err(Obstacle::Other),
                // The others go on, so that their loads are in the same batch.
                Err(Obstacle::Batch) => met = Some(Obstacle::Batch),
            }
        }
        out.push(b'}');
        met.map_or_else(|| Ok(Ok(Value::Binary(out.into()))), Err)
    }

    async fn resolve_all(self) -> ServerResult<Value> {
        let values = resolve_parts(&self).await?;
        let mut out = Vec::with_capacity(OBJECT_BYTES);
        out.push(b'{');
        for (n, value) in values.iter().enumerate() {
            if let Some(field) = self.selected.get(n) {
                write_member(&mut out, n, field, value);
            }
        }
        out.push(b'}');
        Ok(Value::Binary(out.into()))
    }
}

/// Writes a field of an object, with what comes before it.
fn write_member(out: &mut Vec<u8>, n: usize, field: &Positioned<Field>, value: &Value) {
    if n > 0 {
        out.push(b',');
    }
    json::write_key(out, &field.node.response_key().node);
    json::write_value(out, value);
}

impl<T: ContainerType + ?Sized> Parts for Fields<'_, '_, T> {
    fn count(&self) -> usize {
        self.selected.len()
    }

    fn context(&self) -> &ContextSelectionSet<'_> {
        self.ctx
    }

    fn attempt(&self, n: usize) -> Attempted {
        self.selected.get(n).map_or(Err(Obstacle::Other), |field| self.attempt_field(field))
    }

    fn resolve(&self, n: usize) -> BoxFuture<'_, ServerResult<Value>> {
        let field = self.selected.get(n);
        async move {
            let Some(field) = field else { return Ok(Value::Null) };
            let ctx = self.ctx.with_field(field);
            Ok(self.root.resolve_field(&ctx).await?.unwrap_or_default())
        }
        .boxed()
    }

    fn is_attempted(&self, n: usize) -> bool {
        self.selected.get(n).is_some_and(|field| field.node.arguments.is_empty())
    }
}

/// A type that is one of several objects.
pub trait OneOf: OutputType + ContainerType {
    /// Whether an object's type has this name.
    fn has_type(name: &str) -> bool;

    /// Resolves the object that it is.
    fn resolve_object<'a: 'b, 'b>(&'a self, ctx: &'b ContextSelectionSet<'a>) -> Resolving<'b>;

    /// Writes the object that it is.
    ///
    /// # Errors
    /// Why it can't be written so, or not yet.
    fn write_plain_object(&self, cx: PlainContext<'_>, field: &Field, out: &mut Vec<u8>) -> Written;
}

/// Resolves one of several objects.
pub fn resolve_one_of<'a: 'b, 'b, U: OneOf, T: ContainerType>(
    ctx: &'b ContextSelectionSet<'a>,
    union: &'a U,
    object: &'a T,
) -> Resolving<'b> {
    let type_name = T::type_name();
    let fields = fields_of_type(&ctx.item.node.items, &type_name, U::has_type).map(Iterator::collect);
    match fields {
        Some(fields) => Fields { ctx, root: object, selected: Selected::Some(fields) }.resolve(),
        None => Either::Right(library::resolve_container(ctx, union).boxed()),
    }
}

/// Writes one of several objects.
///
/// # Errors
/// Why it can't be written so, or not yet.
pub fn write_one_of<U: OneOf, T: PlainObject>(
    object: &T,
    cx: PlainContext<'_>,
    field: &Field,
    out: &mut Vec<u8>,
) -> Written {
    let type_name = T::type_name();
    let fields = fields_of_type(&field.selection_set.node.items, &type_name, U::has_type).ok_or(Obstacle::Other)?;
    let plain = |field: &&Positioned<Field>| field.node.arguments.is_empty();
    object.write_fields(cx, fields.map(|field| Some(field).filter(plain)), out)
}

/// Makes an enum of objects [`OneOf`] them.
macro_rules! one_of {
    ($union:ty { $($variant:ident($object:ty)),+ $(,)? }) => {
        impl $crate::graphql::eager::OneOf for $union {
            fn has_type(name: &str) -> bool {
                [$(<$object as async_graphql::OutputType>::type_name()),+].iter().any(|of_object| of_object == name)
            }

            fn resolve_object<'a: 'b, 'b>(
                &'a self,
                ctx: &'b async_graphql::ContextSelectionSet<'a>,
            ) -> $crate::graphql::eager::Resolving<'b> {
                match self {
                    $(Self::$variant(object) => $crate::graphql::eager::resolve_one_of(ctx, self, object)),+
                }
            }

            fn write_plain_object(
                &self,
                cx: $crate::graphql::eager::PlainContext<'_>,
                field: &async_graphql::parser::types::Field,
                out: &mut Vec<u8>,
            ) -> $crate::graphql::eager::Written {
                match self {
                    $(Self::$variant(object) => {
                        $crate::graphql::eager::write_one_of::<Self, $object>(object, cx, field, out)
                    }),+
                }
            }
        }
    };
}
pub(crate) use one_of;

/// A union or interface whose object is attempted as others are.
#[derive(Clone, Debug)]
pub struct Concrete<U>(pub U);

impl<U: OneOf> OutputType for Concrete<U> {
    fn type_name() -> Cow<'static, str> {
        U::type_name()
    }

    fn qualified_type_name() -> String {
        U::qualified_type_name()
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        self.0.introspection_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        U::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        self.0.resolve_object(ctx).await
    }
}

impl<U: OneOf> WritePlain for Concrete<U> {
    fn write_plain(&self, cx: PlainContext<'_>, field: &Field, out: &mut Vec<u8>) -> Written {
        self.0.write_plain_object(cx, field, out)
    }
}
