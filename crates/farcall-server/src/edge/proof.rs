//! The proof that a path leads to this very server: whoever has its keys sends a question to `/healthz` or `/mcp`, and
//! only a server with the same keys can answer it. Both are asked, because a proxy may send them to different places.
//!
//! It is for the operator, who asks the public URL from beside the job store. A question is a nonce and what only
//! somebody with the keys can make of it: answered to everybody, two addresses with the same answer would show that
//! both are one server, and so who is behind a tunnel. The key is for this alone.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use axum::response::Response;
use farcall_core::artifact::hexadecimal;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Carries the question: a nonce of 32 hexadecimal digits, small ones, a dot, and HMAC-SHA-256 of it, 64 such digits.
pub(crate) const NONCE: HeaderName = HeaderName::from_static("farcall-nonce");

/// Carries the answer: HMAC-SHA-256 of the nonce as an answer, 64 such digits, or [`Proof::OTHER`].
pub(crate) const PROOF: HeaderName = HeaderName::from_static("farcall-proof");

/// So many digits has a nonce.
const DIGITS: usize = 32;

/// What is signed besides the nonce, so that a question is no answer.
const ASKED: &[u8] = b"asked ";
const ANSWERED: &[u8] = b"answered ";

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

    /// What is answered to a question that was not made with the key, whichever it is.
    pub const OTHER: &str = "other";

    /// What somebody with this key asks, and what a server with it answers; `None` where that is no nonce.
    pub fn of(key: &[u8; 32], nonce: &str) -> Option<(String, String)> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if nonce.len() != DIGITS || !nonce.bytes().all(is_digit) {
            return None;
        }
        let signed = |purpose: &[u8]| {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
            mac.update(purpose);
            mac.update(nonce.as_bytes());
            Some(hexadecimal(&mac.finalize().into_bytes()))
        };
        Some((format!("{nonce}.{}", signed(ASKED)?), signed(ANSWERED)?))
    }

    /// The answer to the question of a request, where it has one.
    pub(super) fn answer(&self, asked: &HeaderMap) -> Option<HeaderValue> {
        let question = asked.get(NONCE)?;
        let key = *self.0.read().unwrap_or_else(PoisonError::into_inner);
        let proof = answer(&key, question.as_bytes());
        let proof = proof.and_then(|proof| HeaderValue::from_str(&proof).ok());
        Some(proof.unwrap_or(HeaderValue::from_static(Self::OTHER)))
    }

    /// Adds such an answer to what a request is answered.
    pub(super) fn show(proof: HeaderValue, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(PROOF, proof);
        // The answer to another question would be none.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// The answer to a question of somebody who has the key.
fn answer(key: &[u8; 32], question: &[u8]) -> Option<String> {
    let nonce = std::str::from_utf8(question.get(..DIGITS)?).ok()?;
    let (expected, answer) = Proof::of(key, nonce)?;
    // In constant time, so that nobody finds the digits one by one.
    bool::from(expected.as_bytes().ct_eq(question)).then_some(answer)
}

impl fmt::Debug for Proof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Proof").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_nonce_has_its_form() {
        let (question, answer) = Proof::of(&[1; 32], ID).unwrap();
        assert_eq!((question.len(), answer.len()), (32 + 1 + 64, 64));
        assert!(!question.contains(&answer));
        assert_ne!(Proof::of(&[2; 32], ID), Some((question, answer)));
        for other in [
            "",
            &ID[1..],
            "0123456789ABCDEF0123456789ABCDEF",
            "0123456789abcdef0123456789abcdeg",
            "0123456789abcdef0123456789abcdef0",
        ] {
            assert_eq!(Proof::of(&[1; 32], other), None, "{other}");
        }
        assert!(!format!("{:?}", Proof::new([171; 32])).contains("171"));
    }

    #[test]
    fn only_who_has_the_key_is_answered() {
        let key = [1; 32];
        let (question, expected) = Proof::of(&key, ID).unwrap();
        assert_eq!(answer(&key, question.as_bytes()), Some(expected.clone()));
        let (of_another, _) = Proof::of(&[2; 32], ID).unwrap();
        let changed = question.replacen('0', "1", 1);
        for strange in [
            "",
            ID,
            &of_another,
            &changed,
            &question[..question.len() - 1],
            &format!("{ID}.{expected}"),
            &"ä".repeat(40),
        ] {
            assert_eq!(answer(&key, strange.as_bytes()), None, "{strange}");
        }
    }

    #[test]
    fn strangers_get_the_same_word_of_every_server() {
        let shown = |key: u8, question: &str| {
            let mut asked = HeaderMap::new();
            asked.insert(NONCE, question.parse().unwrap());
            let proof = Proof::new([key; 32]).answer(&asked).unwrap();
            let mut response = Response::default();
            Proof::show(proof, &mut response);
            response.headers().get(PROOF).cloned().unwrap()
        };
        assert_eq!(shown(1, ID), shown(2, ID));
        assert_eq!(shown(1, ID), "other");
        let (question, answer) = Proof::of(&[1; 32], ID).unwrap();
        assert_eq!(shown(1, &question), answer.as_str());
        assert_eq!(Proof::new([1; 32]).answer(&HeaderMap::new()), None);
    }
}
