//! The schema for the document pipeline, parsed once from the SDL.

use std::collections::HashMap;

use apollo_compiler::ast::{FieldDefinition, OperationType};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};

use crate::error::{AppError, AppResult};

/// A schema with precomputed possible types.
pub struct SchemaTypes {
    schema: Valid<Schema>,
    /// Object types of each interface and union, in SDL order.
    possible: HashMap<Name, Vec<Name>>,
}

impl SchemaTypes {
    /// Parses an SDL.
    ///
    /// # Errors
    /// Internal when the SDL is not a valid schema.
    pub fn parse(sdl: &str) -> AppResult<Self> {
        let schema = Schema::parse_and_validate(sdl, "schema.graphql")
            .map_err(|refused| AppError::internal(refused.errors.to_string()))?;
        let mut possible: HashMap<Name, Vec<Name>> = HashMap::new();
        for (name, definition) in &schema.types {
            match definition {
                ExtendedType::Object(object) => {
                    for interface in &object.implements_interfaces {
                        possible.entry((**interface).clone()).or_default().push(name.clone());
                    }
                }
                ExtendedType::Union(union) => {
                    let members = union.members.iter().map(|member| (**member).clone());
                    possible.entry(name.clone()).or_default().extend(members);
                }
                ExtendedType::Interface(_) => {
                    possible.entry(name.clone()).or_default();
                }
                ExtendedType::Scalar(_) | ExtendedType::Enum(_) | ExtendedType::InputObject(_) => {}
            }
        }
        Ok(Self { schema, possible })
    }

    /// The schema itself.
    #[must_use]
    pub fn schema(&self) -> &Valid<Schema> {
        &self.schema
    }

    /// A type by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ExtendedType> {
        self.schema.types.get(name)
    }

    /// A field of a type, meta fields included.
    #[must_use]
    pub fn field(&self, type_name: &str, field: &str) -> Option<&FieldDefinition> {
        self.schema.type_field(type_name, field).ok().map(|definition| &**definition)
    }

    /// The root type of an operation type.
    #[must_use]
    pub fn root(&self, kind: OperationType) -> Option<&Name> {
        self.schema.root_operation(kind)
    }

    /// Possible types of an interface or union; none for other types.
    #[must_use]
    pub fn possible(&self, name: &str) -> Option<&[Name]> {
        self.possible.get(name).map(Vec::as_slice)
    }

    /// Whether a fragment on `condition` applies to objects of the type `object`.
    #[must_use]
    pub fn applies(&self, condition: &str, object: &str) -> bool {
        condition == object || self.possible(condition).is_some_and(|objects| objects.iter().any(|name| name == object))
    }

    /// Number of types, introspection types included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.schema.types.len()
    }
}
