//! The request parameters of GraphQL over HTTP, as JSON.

use std::fmt;
use std::marker::PhantomData;

use async_graphql::Variables;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::error::{AppError, AppResult};

/// Request parameters, from any transport.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphqlRequest {
    /// Text of the document.
    #[serde(default)]
    pub query: Option<String>,
    /// Id of a trusted document.
    #[serde(default)]
    pub document_id: Option<String>,
    /// Name of the operation to run.
    #[serde(default)]
    pub operation_name: Option<String>,
    /// Variables.
    #[serde(default)]
    pub variables: Option<Variables>,
    /// Extensions.
    #[serde(default)]
    pub extensions: Option<Object<Extensions>>,
}

impl GraphqlRequest {
    /// The persisted query extension.
    #[must_use]
    pub fn persisted_query(&self) -> Option<&PersistedQuery> {
        Some(&self.extensions.as_ref()?.0.persisted_query.as_ref()?.0)
    }

    /// Checks that a document is given by text, hash or id.
    pub fn check_named(&self) -> AppResult<()> {
        let query = self.query.as_ref().is_some_and(|query| !query.is_empty());
        if query || self.persisted_query().is_some() || self.document_id.is_some() {
            return Ok(());
        }
        Err(AppError::bad_input("The request has no `query`."))
    }
}

/// Supported extensions; others are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extensions {
    /// An automatic persisted query.
    #[serde(default)]
    pub persisted_query: Option<Object<PersistedQuery>>,
}

/// Automatic persisted query: a hash instead of the text, or with it to register it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersistedQuery {
    /// Always 1.
    pub version: u32,
    /// SHA-256 of the text, in hex.
    pub sha256_hash: String,
}

/// Deserialises from JSON objects only: serde would accept a list for a struct.
#[derive(Debug, Default)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
                text.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}
