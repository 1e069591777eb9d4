//! What the schema says of its types, read from its SDL: enough to cost a document and to check variables.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, OperationType, ServiceDocument, Type, TypeKind,
    TypeSystemDefinition,
};
use async_graphql::{Name, Positioned};

use crate::error::{AppError, AppResult};

/// The types of a schema, by name.
#[derive(Debug, Default)]
pub struct SchemaTypes {
    types: HashMap<Name, Kind>,
    query: Option<Name>,
    mutation: Option<Name>,
    subscription: Option<Name>,
}

/// What a type is.
#[derive(Debug)]
pub enum Kind {
    /// A leaf that the server reads as it likes.
    Scalar,
    /// A leaf with these values.
    Enum(HashSet<Name>),
    /// What arguments are made of.
    Input(Input),
    /// An object, an interface, or a union, which has no fields.
    Output(Output),
}

/// An input object.
#[derive(Debug)]
pub struct Input {
    /// Exactly one field is given.
    pub one_of: bool,
    /// Its fields.
    pub fields: HashMap<Name, Argument>,
}

/// An argument or an input field.
#[derive(Debug)]
pub struct Argument {
    /// Its type.
    pub ty: Type,
    /// Whether it may be left out whatever its type.
    pub has_default: bool,
}

/// A type with fields to select.
#[derive(Debug)]
pub struct Output {
    /// A page of a list: its lists are as long as the page.
    pub is_connection: bool,
    /// Its fields.
    pub fields: HashMap<Name, Field>,
}

/// A field to select.
#[derive(Debug)]
pub struct Field {
    /// Name of its type, without lists.
    pub type_name: Name,
    /// Whether it is a list.
    pub is_list: bool,
    /// Its arguments.
    pub arguments: HashMap<Name, Argument>,
}

impl SchemaTypes {
    /// Reads a schema's SDL.
    ///
    /// # Errors
    /// Internal when it is no SDL.
    pub fn parse(sdl: &str) -> AppResult<Self> {
        let ServiceDocument { definitions } = parse_schema(sdl).map_err(AppError::internal)?;
        let mut types = Self::default();
        for definition in definitions {
            match definition {
                TypeSystemDefinition::Schema(schema) => {
                    let name = |name: Option<Positioned<Name>>| name.map(|name| name.node);
                    types.query = name(schema.node.query);
                    types.mutation = name(schema.node.mutation);
                    types.subscription = name(schema.node.subscription);
                }
                TypeSystemDefinition::Type(definition) => {
                    let one_of = definition.node.directives.iter().any(|directive| directive.node.name.node == "oneOf");
                    let name = definition.node.name.node;
                    let kind = kind(&name, definition.node.kind, one_of);
                    types.types.insert(name, kind);
                }
                TypeSystemDefinition::Directive(_) => {}
            }
        }
        Ok(types)
    }

    /// A type by name; none for the five built-in scalars and for what does not exist.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Kind> {
        self.types.get(name)
    }

    /// A type with fields by name.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&Output> {
        match self.types.get(name) {
            Some(Kind::Output(output)) => Some(output),
            _ => None,
        }
    }

    /// The type in which an operation starts.
    #[must_use]
    pub fn root(&self, operation: OperationType) -> Option<&Output> {
        let name = match operation {
            OperationType::Query => &self.query,
            OperationType::Mutation => &self.mutation,
            OperationType::Subscription => &self.subscription,
        };
        self.output(name.as_deref()?)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.types.len()
    }
}

fn kind(name: &str, kind: TypeKind, one_of: bool) -> Kind {
    let output = |fields: Vec<Positioned<FieldDefinition>>| {
        let fields = fields.into_iter().map(|field| field_of(field.node)).collect();
        Kind::Output(Output { is_connection: name.ends_with("Connection"), fields })
    };
    match kind {
        TypeKind::Scalar => Kind::Scalar,
        TypeKind::Enum(values) => Kind::Enum(values.values.into_iter().map(|value| value.node.value.node).collect()),
        TypeKind::InputObject(input) => Kind::Input(Input { one_of, fields: arguments(input.fields) }),
        TypeKind::Object(object) => output(object.fields),
        TypeKind::Interface(interface) => output(interface.fields),
        TypeKind::Union(_) => output(Vec::new()),
    }
}

fn field_of(definition: FieldDefinition) -> (Name, Field) {
    let ty = definition.ty.node;
    let is_list = matches!(ty.base, BaseType::List(_));
    let field = Field { type_name: named(&ty).clone(), is_list, arguments: arguments(definition.arguments) };
    (definition.name.node, field)
}

fn arguments(definitions: Vec<Positioned<InputValueDefinition>>) -> HashMap<Name, Argument> {
    let argument = |definition: InputValueDefinition| {
        let has_default = definition.default_value.is_some();
        (definition.name.node, Argument { ty: definition.ty.node, has_default })
    };
    definitions.into_iter().map(|definition| argument(definition.node)).collect()
}

/// The name at the heart of a type.
#[must_use]
pub fn named(ty: &Type) -> &Name {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => named(inner),
    }
}
