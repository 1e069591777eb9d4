//! Signing keys: one to sign, and during a rotation a second one that is accepted.

use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

use super::hs256;
use crate::error::{AppError, AppResult};

const ISSUER: &str = "plaza";

/// See the module docs.
#[derive(Clone)]
pub struct Keys {
    signing: EncodingKey,
    accepted: Vec<DecodingKey>,
    /// For keyed hashes; the signing secret's first.
    macs: Vec<Hmac<Sha256>>,
}

impl Keys {
    /// Signs with the first secret and accepts both.
    #[must_use]
    pub fn new(secret: &str, previous: Option<&str>) -> Self {
        hs256::install();
        let secrets = || std::iter::once(secret).chain(previous).map(str::as_bytes);
        Self {
            signing: EncodingKey::from_secret(secret.as_bytes()),
            accepted: secrets().map(DecodingKey::from_secret).collect(),
            macs: secrets().filter_map(|secret| Hmac::new_from_slice(secret).ok()).collect(),
        }
    }

    /// Signs a token for an audience; the claims contain `sub` and `exp`.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign<C: Serialize>(&self, audience: &str, claims: &C) -> AppResult<String> {
        let claims = TokenClaims { iss: ISSUER, aud: audience, claims };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing).map_err(AppError::internal)
    }

    /// The claims of a valid token for this audience. The caller checks `exp`.
    #[must_use]
    pub fn read<C: DeserializeOwned + Clone>(&self, token: &str, audience: &str) -> Option<C> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "sub", "iss", "aud"]);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[audience]);
        validation.leeway = 0;
        // The caller checks it with the app's clock.
        validation.validate_exp = false;
        self.accepted
            .iter()
            .find_map(|key| jsonwebtoken::decode::<C>(token, key, &validation).ok())
            .map(|data| data.claims)
    }

    /// Keyed hash for storing a short secret, which a plain hash would not protect.
    #[must_use]
    pub fn hash(&self, parts: &[&str]) -> Vec<u8> {
        self.macs.first().map(|mac| with_parts(mac, parts).finalize().into_bytes().to_vec()).unwrap_or_default()
    }

    /// Whether a stored hash is of these parts; constant time.
    #[must_use]
    pub fn matches(&self, hash: &[u8], parts: &[&str]) -> bool {
        self.macs.iter().any(|mac| with_parts(mac, parts).verify_slice(hash).is_ok())
    }
}

/// Claims with issuer and audience.
#[derive(Serialize)]
struct TokenClaims<'a, C> {
    iss: &'a str,
    aud: &'a str,
    #[serde(flatten)]
    claims: &'a C,
}

/// Length-prefixed parts, so that the encoding is unambiguous.
fn with_parts(mac: &Hmac<Sha256>, parts: &[&str]) -> Hmac<Sha256> {
    parts.iter().fold(mac.clone(), |mac, part| {
        mac.chain_update((part.len() as u64).to_be_bytes()).chain_update(part.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_fits_its_parts_alone_and_outlives_a_rotation() {
        let old = Keys::new("the old secret", None);
        let hash = old.hash(&["LOGIN", "a@b.c", "123456"]);
        assert!(old.matches(&hash, &["LOGIN", "a@b.c", "123456"]));
        for parts in [["LOGIN", "a@b.c", "123457"], ["REGISTER", "a@b.c", "123456"], ["LOGIN", "a@b.c1", "23456"]] {
            assert!(!old.matches(&hash, &parts), "{parts:?}");
        }
        assert!(Keys::new("the new secret", Some("the old secret")).matches(&hash, &["LOGIN", "a@b.c", "123456"]));
        assert!(!Keys::new("the new secret", None).matches(&hash, &["LOGIN", "a@b.c", "123456"]));
    }
}
