//! Which signatures count (RFC 7518), and the keys that they are verified with (RFC 7517).
//!
//! The table below is all there is: a token that names something else, `none` and everything with a
//! shared secret among it, names nothing.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

/// A way to sign, and so to verify.
pub(crate) struct Algorithm {
    pub(crate) name: &'static str,
    kind: Kind,
    method: Method,
}

/// What keys are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ed25519,
    P256,
    P384,
    Rsa,
}

enum Method {
    Point(&'static dyn VerificationAlgorithm),
    Rsa(&'static RsaParameters),
}

const fn rsa(name: &'static str, parameters: &'static RsaParameters) -> Algorithm {
    Algorithm {
        name,
        kind: Kind::Rsa,
        method: Method::Rsa(parameters),
    }
}

const fn point(
    name: &'static str,
    kind: Kind,
    verification: &'static dyn VerificationAlgorithm,
) -> Algorithm {
    Algorithm {
        name,
        kind,
        method: Method::Point(verification),
    }
}

static ALL: [Algorithm; 9] = [
    point("EdDSA", Kind::Ed25519, &ED25519),
    point("ES256", Kind::P256, &ECDSA_P256_SHA256_FIXED),
    point("ES384", Kind::P384, &ECDSA_P384_SHA384_FIXED),
    rsa("PS256", &RSA_PSS_2048_8192_SHA256),
    rsa("PS384", &RSA_PSS_2048_8192_SHA384),
    rsa("PS512", &RSA_PSS_2048_8192_SHA512),
    rsa("RS256", &RSA_PKCS1_2048_8192_SHA256),
    rsa("RS384", &RSA_PKCS1_2048_8192_SHA384),
    rsa("RS512", &RSA_PKCS1_2048_8192_SHA512),
];

impl Algorithm {
    /// The one called `name`, to the letter.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|algorithm| algorithm.name == name)
    }
}

/// A key as somebody publishes it.
pub(crate) struct PublicKey {
    pub(crate) id: String,
    kind: Kind,
    /// The one algorithm that it is for, where that is said.
    only: Option<String>,
    material: Material,
}

enum Material {
    Point(Vec<u8>),
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
}

impl PublicKey {
    /// The key of a JWK, where it verifies signatures of ours.
    pub(crate) fn read(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(text(name)?).ok();
        let coordinate =
            |name: &str, length: usize| bytes(name).filter(|read| read.len() == length);
        let point = |length: usize| {
            // As SEC 1 section 2.3.3 writes it without compression.
            let both = [coordinate("x", length)?, coordinate("y", length)?].concat();
            Some(Material::Point([vec![4], both].concat()))
        };
        let verifies = |operations: &Value| {
            let mut listed = operations.as_array().into_iter().flatten();
            listed.any(|operation| operation == "verify")
        };
        let is_for_us = jwk.get("use").is_none_or(|used| used == "sig")
            && jwk.get("key_ops").is_none_or(verifies);
        if !is_for_us {
            return None;
        }
        let (kind, material) = match (text("kty")?, text("crv")) {
            ("EC", Some("P-256")) => (Kind::P256, point(32)?),
            ("EC", Some("P-384")) => (Kind::P384, point(48)?),
            ("OKP", Some("Ed25519")) => (Kind::Ed25519, Material::Point(coordinate("x", 32)?)),
            ("RSA", _) => {
                let (n, e) = (bytes("n")?, bytes("e")?);
                (Kind::Rsa, Material::Rsa(RsaPublicKeyComponents { n, e }))
            }
            _ => return None,
        };
        let only = jwk.get("alg").filter(|only| !only.is_null());
        Some(Self {
            id: text("kid")?.to_owned(),
            kind,
            only: only.map(|only| only.as_str().unwrap_or_default().to_owned()),
            material,
        })
    }

    /// Whether it may verify what was signed like this.
    pub(crate) fn fits(&self, algorithm: &Algorithm) -> bool {
        self.kind == algorithm.kind && self.only.as_ref().is_none_or(|only| only == algorithm.name)
    }

    /// Whether `signature` is of `message`, and made by the holder of this key.
    pub(crate) fn verifies(&self, algorithm: &Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if !self.fits(algorithm) {
            return false;
        }
        let verified = match (&self.material, &algorithm.method) {
            (Material::Rsa(key), Method::Rsa(parameters)) => {
                key.verify(parameters, message, signature)
            }
            (Material::Point(key), Method::Point(verification)) => {
                UnparsedPublicKey::new(*verification, key).verify(message, signature)
            }
            _ => return false,
        };
        verified.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{
            ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
            EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
        },
    };
    use serde_json::json;

    use super::*;

    fn encoded(bytes: &[u8]) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A curve's key as it is published, and its signature of `message`.
    fn ecdsa(
        curve: &str,
        how: &'static EcdsaSigningAlgorithm,
        message: &[u8],
    ) -> (PublicKey, Vec<u8>) {
        let pair = EcdsaKeyPair::generate(how).unwrap();
        let (x, y) =
            pair.public_key().as_ref()[1..].split_at(if curve == "P-256" { 32 } else { 48 });
        let jwk = json!({"kty": "EC", "crv": curve, "kid": "k", "x": encoded(x), "y": encoded(y)});
        let signature = pair.sign(&SystemRandom::new(), message).unwrap();
        (PublicKey::read(&jwk).unwrap(), signature.as_ref().to_vec())
    }

    #[test]
    fn each_kind_of_key_verifies_what_its_holder_signed_and_nothing_else() {
        let message = b"header.claims";
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = encoded(pair.public_key().as_ref());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x});
        let edwards = (
            PublicKey::read(&jwk).unwrap(),
            pair.sign(message).as_ref().to_vec(),
        );
        for (name, (key, signature)) in [
            ("EdDSA", edwards),
            (
                "ES256",
                ecdsa("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING, message),
            ),
            (
                "ES384",
                ecdsa("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING, message),
            ),
        ] {
            for algorithm in &ALL {
                let counts = key.verifies(algorithm, message, &signature);
                assert_eq!(
                    counts,
                    algorithm.name == name,
                    "{name} as {}",
                    algorithm.name
                );
            }
            let algorithm = Algorithm::named(name).unwrap();
            assert!(
                !key.verifies(algorithm, b"header.other", &signature),
                "{name}"
            );
            for cut in [0, 1, signature.len() - 1] {
                assert!(
                    !key.verifies(algorithm, message, &signature[..cut]),
                    "{name} {cut}"
                );
            }
            let zeros = vec![0; signature.len()];
            assert!(!key.verifies(algorithm, message, &zeros), "{name}");
        }
    }

    #[test]
    fn nothing_else_is_an_algorithm() {
        for name in [
            "none", "None", "HS256", "HS384", "HS512", "rs256", "RS256 ", "ES512", "",
        ] {
            assert!(Algorithm::named(name).is_none(), "{name}");
        }
    }

    #[test]
    fn points_that_are_none_and_keys_that_are_short_verify_nothing() {
        let zeros = encoded(&[0; 32]);
        let point = json!({"kty": "EC", "crv": "P-256", "kid": "k", "x": zeros, "y": zeros});
        let short = json!({"kty": "RSA", "kid": "k", "n": encoded(&[0xff; 128]), "e": "AQAB"});
        for (jwk, name, length) in [(point, "ES256", 64), (short, "RS256", 128)] {
            let key = PublicKey::read(&jwk).unwrap();
            let algorithm = Algorithm::named(name).unwrap();
            assert!(!key.verifies(algorithm, b"", &vec![1; length]), "{name}");
        }
        let long =
            json!({"kty": "EC", "crv": "P-256", "kid": "k", "x": encoded(&[1; 33]), "y": "AA"});
        assert!(PublicKey::read(&long).is_none());
    }
}
