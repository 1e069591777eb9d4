//! Plain fields: written to JSON by a function call each, without futures, contexts or values in between.
//!
//! An object lists its plain fields with `plain!`: resolvers that are no `async fn` and take no arguments. What they return
//! is written as it is; a [`Relation`](super::Relation) is written once its loader has the value. An object of which
//! anything else is selected is resolved the ordinary way, with the same resolvers.

use async_graphql::parser::types::{Field, Selection};
use async_graphql::resolver_utils::EnumType;
use async_graphql::{Context, ID, Positioned};

use crate::attempt::Obstacle;
use crate::graphql::json;
use crate::graphql::loaders::Loaders;
use crate::graphql::scalars::{Date, DateTime, Decimal, Url};

/// What plain fields are written with.
#[derive(Clone, Copy)]
pub struct PlainContext<'a> {
    /// A context of the execution, whose field and path are those of the list.
    pub ctx: &'a Context<'a>,
    /// The execution's loaders.
    pub loaders: &'a Loaders,
}

/// Whether something was written; where it was not, anything may have been, and the caller takes it back.
pub type Written = Result<(), Obstacle>;

/// What can be written as the value of a plain field.
pub trait WritePlain {
    /// Writes the value, of which a field selects something.
    ///
    /// # Errors
    /// Why it can't be written so, or not yet.
    fn write_plain(&self, cx: PlainContext<'_>, field: &Field, out: &mut Vec<u8>) -> Written;
}

/// Writes an object of these fields.
///
/// # Errors
/// Why a field can't be written, or not yet.
pub fn write_object<'a>(
    fields: impl Iterator<Item = Option<&'a Positioned<Field>>>,
    type_name: &str,
    out: &mut Vec<u8>,
    mut write_field: impl FnMut(&'a Field, &mut Vec<u8>) -> Written,
) -> Written {
    out.push(b'{');
    let mut met = None;
    for (n, field) in fields.enumerate() {
        let field = &field.ok_or(Obstacle::Other)?.node;
        if n > 0 {
            out.push(b',');
        }
        json::write_key(out, &field.response_key().node);
        if field.name.node == "__typename" {
            json::write_text(out, type_name);
            continue;
        }
        match write_field(field, out) {
            Ok(()) => {}
            // The others go on, so that their loads are in the same batch.
            Err(Obstacle::Batch) => met = Some(Obstacle::Batch),
            Err(Obstacle::Other) => return Err(Obstacle::Other),
        }
    }
    out.push(b'}');
    met.map_or(Ok(()), Err)
}

/// The fields of a selection; none for a fragment.
pub fn fields_of(field: &Field) -> impl Iterator<Item = Option<&Positioned<Field>>> {
    field.selection_set.node.items.iter().map(|selection| match &selection.node {
        Selection::Field(field) if field.node.arguments.is_empty() => Some(field),
        _ => None,
    })
}

/// Makes an object with plain fields the value of one.
macro_rules! write_as_object {
    ($object:ty) => {
        impl $crate::graphql::eager::WritePlain for $object {
            fn write_plain(
                &self,
                cx: $crate::graphql::eager::PlainContext<'_>,
                field: &async_graphql::parser::types::Field,
                out: &mut Vec<u8>,
            ) -> $crate::graphql::eager::Written {
                let fields = $crate::graphql::eager::fields_of(field);
                $crate::graphql::eager::PlainObject::write_fields(self, cx, fields, out)
            }
        }
    };
}
pub(crate) use write_as_object;

/// Lists an object's plain fields, by the names that clients know, with the resolver of each. An object that others refer to
/// says what its id is made of.
macro_rules! plain {
    ($object:ty $([$id:expr])? { $($name:literal => $resolver:ident),* $(,)? }) => {
        $crate::graphql::eager::write_as_object!($object);

        impl $crate::graphql::eager::PlainObject for $object {
            fn write_field(
                &self,
                cx: $crate::graphql::eager::PlainContext<'_>,
                field: &async_graphql::parser::types::Field,
                out: &mut Vec<u8>,
            ) -> $crate::graphql::eager::Written {
                match field.name.node.as_str() {
                    $("id" => {
                        let (type_name, key) = ($id)(self);
                        $crate::ids::write_global_id(out, type_name, key);
                        Ok(())
                    })?
                    $($name => $crate::graphql::eager::WritePlain::write_plain(&self.$resolver(cx.ctx), cx, field, out),)*
                    _ => Err($crate::attempt::Obstacle::Other),
                }
            }
        }
    };
}
pub(crate) use plain;

/// As `plain!`, for an object whose fields are those of its struct.
macro_rules! plain_struct {
    ($object:ty { $($name:literal => $field:ident),+ $(,)? }) => {
        $crate::graphql::eager::write_as_object!($object);

        impl $crate::graphql::eager::PlainObject for $object {
            fn write_field(
                &self,
                cx: $crate::graphql::eager::PlainContext<'_>,
                field: &async_graphql::parser::types::Field,
                out: &mut Vec<u8>,
            ) -> $crate::graphql::eager::Written {
                match field.name.node.as_str() {
                    $($name => $crate::graphql::eager::WritePlain::write_plain(&self.$field, cx, field, out),)+
                    _ => Err($crate::attempt::Obstacle::Other),
                }
            }
        }
    };
}
pub(crate) use plain_struct;

/// An object with plain fields.
pub trait PlainObject: async_graphql::OutputType {
    /// Writes a field's value.
    ///
    /// # Errors
    /// Why it can't be written, or not yet.
    fn write_field(&self, cx: PlainContext<'_>, field: &Field, out: &mut Vec<u8>) -> Written;

    /// Writes an object of some of its fields.
    ///
    /// # Errors
    /// Why one can't be written, or not yet.
    fn write_fields<'a>(
        &self,
        cx: PlainContext<'_>,
        fields: impl Iterator<Item = Option<&'a Positioned<Field>>>,
        out: &mut Vec<u8>,
    ) -> Written {
        write_object(fields, &Self::type_name(), out, |field, out| self.write_field(cx, field, out))
    }
}

impl<T: WritePlain + ?Sized> WritePlain for &T {
    fn write_plain(&self, cx: PlainContext<'_>, field: &Field, out: &mut Vec<u8>) -> Written {
        T::write_plain(self, cx, field, out)
    }
}

impl<T: WritePlain> WritePlain for Option<T> {
    fn write_plain(&self, cx: PlainContext<'_>, field: &Field, out: &mut Vec<u8>) -> Written {
        if let Some(value) = self {
            return value.write_plain(cx, field, out);
        }
        out.extend_from_slice(b"null");
        Ok(())
    }
}

/// An error is reported the ordinary way.
impl<T: WritePlain, E> WritePlain for Result<T, E> {
    fn write_plain(&self, cx: PlainContext<'_>, field: &Field, out: &mut Vec<u8>) -> Written {
        self.as_ref().map_err(|_| Obstacle::Other)?.write_plain(cx, field, out)
    }
}

impl<T: WritePlain> WritePlain for Vec<T> {
    fn write_plain(&self, cx: PlainContext<'_>, field: &Field, out: &mut Vec<u8>) -> Written {
        out.push(b'[');
        let mut met = None;
        for (n, item) in self.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            match item.write_plain(cx, field, out) {
                Ok(()) => {}
                Err(Obstacle::Batch) => met = Some(Obstacle::Batch),
                Err(Obstacle::Other) => return Err(Obstacle::Other),
            }
        }
        out.push(b']');
        met.map_or(Ok(()), Err)
    }
}

macro_rules! write_with_serde {
    ($($scalar:ty),+) => {
        $(impl WritePlain for $scalar {
            fn write_plain(&self, _: PlainContext<'_>, _: &Field, out: &mut Vec<u8>) -> Written {
                json::write(out, self);
                Ok(())
            }
        })+
    };
}
write_with_serde!(i32, i64, f64, bool);

macro_rules! write_as_text {
    ($($scalar:ty => |$this:ident| $text:expr),+ $(,)?) => {
        $(impl WritePlain for $scalar {
            fn write_plain(&self, _: PlainContext<'_>, _: &Field, out: &mut Vec<u8>) -> Written {
                let $this = self;
                json::write_text(out, $text);
                Ok(())
            }
        })+
    };
}
write_as_text!(
    str => |text| text,
    String => |text| text,
    ID => |id| &id.0,
    Url => |url| &url.0,
    Date => |day| &day.0.to_string(),
);

impl WritePlain for Decimal {
    fn write_plain(&self, _: PlainContext<'_>, _: &Field, out: &mut Vec<u8>) -> Written {
        out.push(b'"');
        self.0.write(out);
        out.push(b'"');
        Ok(())
    }
}

impl WritePlain for DateTime {
    fn write_plain(&self, _: PlainContext<'_>, _: &Field, out: &mut Vec<u8>) -> Written {
        out.push(b'"');
        self.write(out);
        out.push(b'"');
        Ok(())
    }
}

/// Writes the name of an enum's value.
///
/// # Errors
/// None; the value is one of the enum's.
pub fn write_enum<T: EnumType>(value: T, out: &mut Vec<u8>) -> Written {
    let item = T::items().iter().find(|item| item.value == value).ok_or(Obstacle::Other)?;
    json::write_text(out, item.name);
    Ok(())
}

/// Makes enums writable as plain values.
macro_rules! plain_enums {
    ($($name:ty),+ $(,)?) => {
        $(impl $crate::graphql::eager::WritePlain for $name {
            fn write_plain(
                &self,
                _: $crate::graphql::eager::PlainContext<'_>,
                _: &async_graphql::parser::types::Field,
                out: &mut Vec<u8>,
            ) -> $crate::graphql::eager::Written {
                $crate::graphql::eager::write_enum(*self, out)
            }
        })+
    };
}
pub(crate) use plain_enums;
