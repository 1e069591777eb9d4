//! What a client sends, as JSON has it.

use std::fmt;
use std::marker::PhantomData;

use async_graphql::Variables;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::error::{AppError, AppResult};

/// What a client asks for, whatever transport it came by.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// The document's text.
    #[serde(default)]
    pub query: Option<String>,
    /// The name of a trusted document.
    #[serde(default)]
    pub document_id: Option<String>,
    /// Which of the document's operations.
    #[serde(default)]
    pub operation_name: Option<String>,
    /// Values of its variables.
    #[serde(default)]
    pub variables: Option<Variables>,
    /// More about the request.
    #[serde(default)]
    pub extensions: Option<Object<Extensions>>,
}

impl Asked {
    /// The hash that stands for a text, or beside it.
    #[must_use]
    pub fn persisted(&self) -> Option<&PersistedQuery> {
        Some(&self.extensions.as_ref()?.0.persisted_query.as_ref()?.0)
    }

    /// Whether anything names a document.
    ///
    /// # Errors
    /// Bad input when nothing does.
    pub fn check_named(&self) -> AppResult<()> {
        let query = self.query.as_ref().is_some_and(|query| !query.is_empty());
        if query || self.persisted().is_some() || self.document_id.is_some() {
            return Ok(());
        }
        Err(AppError::bad_input("The request has no `query`."))
    }
}

/// The extensions of a request that Plaza knows; others are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extensions {
    /// An automatic persisted query.
    #[serde(default)]
    pub persisted_query: Option<Object<PersistedQuery>>,
}

/// An automatic persisted query: the hash in place of the text, or beside it to make it known.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersistedQuery {
    /// 1.
    pub version: u32,
    /// Of the document's text, in hexadecimal digits.
    pub sha256_hash: String,
}

/// Something that is a JSON object and nothing else: serde would read a list into the fields of a struct.
#[derive(Debug, Default)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Only<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Only<T> {
            type Value = Object<T>;

            fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
                text.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Only(PhantomData))
    }
}
