//! Refresh tokens: 32 random bytes, of which only a hash is stored.
//!
//! A token's successor is made from the token itself and a salt that is stored when it is exchanged. So a client whose
//! answer was lost gets the same successor again, and the database alone does not reveal a token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::clock::random_bytes;

/// A refresh token in the clear; only clients keep it.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

impl RefreshToken {
    /// The first token of a session.
    #[must_use]
    pub fn generate() -> Self {
        Self(URL_SAFE_NO_PAD.encode(random_bytes::<32>()))
    }

    /// A token as a client presents it.
    #[must_use]
    pub fn presented(text: String) -> Self {
        Self(text)
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0.as_bytes()).to_vec()
    }

    /// The token that follows this one under a salt.
    ///
    /// # Panics
    /// Never: HMAC takes keys of any length.
    #[must_use]
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub fn successor(&self, salt: &[u8]) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("any length is a key");
        mac.update(salt);
        Self(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    /// The text for the client.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}
