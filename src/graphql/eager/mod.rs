//! async-graphql as its macros are pointed to it (`crate`): the library, but what needs nothing that is not in memory is
//! resolved without a future of its own.
//!
//! The library boxes a future for every field of every object and every item of a list, and collects values in maps. Here
//! they are attempted first, in a plain loop (see [`crate::attempt`]), and an object becomes JSON at once. Parts that need
//! values of a loader are attempted again after its batch; what needs a statement of its own gets a future.
//!
//! Invariants:
//! - All parts are attempted before anything waits, so the loads of a level are one batch, as in the library.
//! - The JSON of an object is a [`Value::Binary`] in the response. No output type of ours is binary, and
//!   [`super::json`] writes it as it is.
//! - A selection has one field per response key and no directives, which the document pipeline guarantees. Selections with
//!   fragments that take the schema to resolve are left to the library.
//! - A field with arguments is not attempted: mostly it needs a statement.

mod list;
mod object;
mod parts;
mod plain;
mod relation;

pub use ::async_graphql::*;

pub use list::List;
pub(crate) use object::one_of;
pub use object::{Concrete, OneOf, Resolving, resolve_one_of, write_one_of};
pub use plain::{PlainContext, PlainObject, WritePlain, Written, fields_of, write_enum};
pub(crate) use plain::{plain, plain_enums, plain_struct, write_as_object};
pub use relation::{Relation, RelationList};

/// The library's resolvers, but for objects.
pub mod resolver_utils {
    pub use ::async_graphql::resolver_utils::*;

    pub use super::object::resolve_container;
}
