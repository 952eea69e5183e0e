//! The proof that a path leads to this very server: whoever has its keys sends a nonce to `/healthz`, and only a
//! server with the same keys can answer it.
//!
//! It says nothing to anybody else, and nothing of a caller: it is for the operator, who asks the public URL from beside
//! the job store. The key is for this alone.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use axum::response::Response;
use farcall_core::artifact::hexadecimal;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use sha2::Sha256;

/// Carries the nonce: 32 hexadecimal digits, small ones.
pub(crate) const NONCE: HeaderName = HeaderName::from_static("farcall-nonce");

/// Carries the answer: HMAC-SHA-256 of it, 64 such digits.
pub(crate) const PROOF: HeaderName = HeaderName::from_static("farcall-proof");

/// So many digits has a nonce; others are not answered, so that nobody chooses what is signed.
const DIGITS: usize = 32;

/// Answers nonces with a key, which is exchanged here and in every clone; it cannot be printed.
#[derive(Clone)]
pub struct Proof(Arc<RwLock<[u8; 32]>>);

impl Proof {
    /// With this key.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Arc::new(RwLock::new(key)))
    }

    /// With another one from now on.
    pub fn exchange(&self, key: [u8; 32]) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = key;
    }

    /// What a server with this key answers to `nonce`; `None` where that is no nonce.
    pub fn of(key: &[u8; 32], nonce: &str) -> Option<String> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if nonce.len() != DIGITS || !nonce.bytes().all(is_digit) {
            return None;
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
        mac.update(nonce.as_bytes());
        Some(hexadecimal(&mac.finalize().into_bytes()))
    }

    /// Adds the answer to the nonce of a request, where it has one.
    pub(super) fn shown(&self, asked: &HeaderMap, mut response: Response) -> Response {
        let Some(nonce) = asked.get(NONCE).and_then(|nonce| nonce.to_str().ok()) else {
            return response;
        };
        let key = *self.0.read().unwrap_or_else(PoisonError::into_inner);
        let proof = Self::of(&key, nonce).and_then(|proof| HeaderValue::from_str(&proof).ok());
        if let Some(proof) = proof {
            let headers = response.headers_mut();
            headers.insert(PROOF, proof);
            // The answer to another nonce would be none.
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        response
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Proof").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_of_its_form_is_answered_and_nothing_else() {
        let nonce = "0123456789abcdef0123456789abcdef";
        let proof = Proof::of(&[1; 32], nonce).unwrap();
        assert_eq!(proof.len(), 64);
        assert_ne!(Proof::of(&[2; 32], nonce), Some(proof));
        for other in [
            "",
            &nonce[1..],
            "0123456789ABCDEF0123456789ABCDEF",
            "0123456789abcdef0123456789abcdeg",
            "0123456789abcdef0123456789abcdef0",
        ] {
            assert_eq!(Proof::of(&[1; 32], other), None, "{other}");
        }
        assert!(!format!("{:?}", Proof::new([171; 32])).contains("171"));
    }
}
