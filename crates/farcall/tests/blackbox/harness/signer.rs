//! Somebody who signs tokens.

use std::{
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use farcall::json;
use serde_json::Value;

/// A pair of RSA keys with a name.
pub(crate) struct Signer {
    pub(crate) kid: &'static str,
    pair: RsaKeyPair,
}

/// Made once for each process: a pair costs a good part of a second.
static SIGNERS: LazyLock<[Signer; 3]> = LazyLock::new(|| {
    ["of-today", "of-tomorrow", "of-a-stranger"].map(|kid| Signer {
        kid,
        pair: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
    })
});

impl Signer {
    /// The one whose key is published.
    pub(crate) fn today() -> &'static Self {
        &SIGNERS[0]
    }

    /// The one whose key is published later.
    pub(crate) fn tomorrow() -> &'static Self {
        &SIGNERS[1]
    }

    /// The one whose key is published elsewhere.
    pub(crate) fn stranger() -> &'static Self {
        &SIGNERS[2]
    }

    /// The public key, as it is published.
    pub(crate) fn jwk(&self) -> Value {
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid,
            "n": encoded(self.modulus()), "e": "AQAB",
        })
    }

    /// `SEQUENCE { INTEGER n, INTEGER e }`, of which `n` has 2048 bits.
    pub(crate) fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    fn modulus(&self) -> &[u8] {
        &self.public_key()[9..][..256]
    }

    /// The header that its tokens have.
    pub(crate) fn header(&self) -> Value {
        json!({"alg": "RS256", "kid": self.kid, "typ": "JWT"})
    }

    /// A token with these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.signed(&self.header().to_string(), &claims.to_string())
    }

    /// A token of these texts, which may be anything.
    pub(crate) fn signed(&self, header: &str, claims: &str) -> String {
        self.signed_with(&RSA_PKCS1_SHA256, header, claims)
    }

    pub(crate) fn signed_with(
        &self,
        how: &'static dyn RsaEncoding,
        header: &str,
        claims: &str,
    ) -> String {
        let message = format!("{}.{}", encoded(header), encoded(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        self.pair
            .sign(how, &random, message.as_bytes(), &mut signature)
            .unwrap();
        format!("{message}.{}", encoded(signature))
    }
}

/// As parts of tokens are written.
pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The time of day `later` seconds from now, as tokens have it.
#[expect(
    clippy::disallowed_methods,
    reason = "the server under test has the machine's clock, too"
)]
pub(crate) fn seconds(later: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap() + later
}
