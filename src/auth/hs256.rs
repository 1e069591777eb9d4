//! HS256 for `jsonwebtoken`, by the HMAC that Plaza uses anyway. The library's own provider brings RSA and elliptic curves
//! with it: thirty crates to build, none of which Plaza's tokens use.

use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{self, ErrorKind};
use jsonwebtoken::signature::{Error, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use sha2::Sha256;

/// Signs and verifies HS256 and refuses every other algorithm.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key: &EncodingKey| {
        check(*algorithm, key.family())?;
        Ok(Box::new(Hs256::new(key.as_bytes())?))
    },
    verifier_factory: |algorithm, key: &DecodingKey| {
        check(*algorithm, key.family())?;
        Ok(Box::new(Hs256::new(key.try_get_as_bytes()?)?))
    },
    // For key sets, which Plaza has none of.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes it the process's provider; does nothing where there is one already.
pub(super) fn install() {
    let _ = PROVIDER.install_default();
}

fn check(algorithm: Algorithm, family: AlgorithmFamily) -> errors::Result<()> {
    match (algorithm, family) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => Ok(()),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(key: &[u8]) -> errors::Result<Self> {
        Hmac::new_from_slice(key).map(Self).map_err(|_| ErrorKind::InvalidKeyFormat.into())
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.0.clone().chain_update(message).finalize().into_bytes().to_vec())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    /// Compares in constant time.
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Error> {
        self.0.clone().chain_update(message).verify_slice(signature).map_err(Error::from_source)
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::crypto::{sign, verify};

    use super::*;

    /// RFC 7515, appendix A.1.
    #[test]
    fn the_example_of_the_specification_is_signed_as_it_says() {
        install();
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==";
        let message = b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let signing = EncodingKey::from_urlsafe_base64_secret(key).unwrap();
        let verifying = DecodingKey::from_secret(signing.as_bytes());
        assert_eq!(sign(message, &signing, Algorithm::HS256).unwrap(), signature);
        assert!(verify(signature, message, &verifying, Algorithm::HS256).unwrap());
        assert!(!verify(signature, b"another message", &verifying, Algorithm::HS256).unwrap());
        for algorithm in [Algorithm::HS512, Algorithm::RS256, Algorithm::EdDSA] {
            assert!(
                sign(message, &signing, algorithm).is_err()
                    && verify(signature, message, &verifying, algorithm).is_err()
            );
        }
    }
}
