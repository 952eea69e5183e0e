//! Tokens that nobody has had before.

use std::time::Duration;

use farcall_store::{NewToken, SECRET, TokenId};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::Failure;

const OF_IDS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

const OF_SECRETS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A token, and what the store keeps of it.
pub(super) struct Fresh {
    token: SecretString,
    pub(super) kept: NewToken,
}

impl Fresh {
    /// A token that lives so long; until somebody ends it, where that is not said.
    pub(super) fn new(lives_for: Option<Duration>) -> Result<Self, Failure> {
        let id = characters(OF_IDS, TokenId::LENGTH)?;
        let id = TokenId::parse(&id)
            .ok_or_else(|| Failure::failed(format!("`{id}` cannot be the id of a token")))?;
        let token = id.with(&characters(OF_SECRETS, SECRET)?);
        Ok(Self {
            kept: NewToken {
                id,
                digest: Sha256::digest(&token).into(),
                lives_for,
            },
            token: token.into(),
        })
    }

    /// The token, for the one place where it is shown.
    pub(super) fn token(&self) -> &str {
        self.token.expose_secret()
    }
}

/// So many characters of `alphabet`, each as likely as any other.
fn characters(alphabet: &[u8], length: usize) -> Result<String, Failure> {
    // The largest multiple of the alphabet's length that a byte holds; what is above it would make the first
    // characters likelier.
    let fair = 256 / alphabet.len() * alphabet.len();
    let mut text = String::with_capacity(length);
    let mut bytes = [0; 64];
    while text.len() < length {
        getrandom::fill(&mut bytes).map_err(|error| {
            Failure::failed(format!("the system gives no random bytes: {error}"))
        })?;
        let fair = bytes
            .iter()
            .map(|byte| usize::from(*byte))
            .filter(|byte| *byte < fair);
        let wanted = length - text.len();
        text.extend(
            fair.take(wanted)
                .map(|byte| char::from(alphabet[byte % alphabet.len()])),
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_token_is_known_by_its_id_and_its_digest() {
        let fresh = Fresh::new(None).unwrap();
        assert_eq!(TokenId::within(fresh.token()), Some(fresh.kept.id.as_str()));
        let digest: [u8; 32] = Sha256::digest(fresh.token()).into();
        assert_eq!(fresh.kept.digest, digest);
    }

    #[test]
    fn every_character_comes_up_and_no_token_twice() {
        let tokens: HashSet<_> = (0..500)
            .map(|_| characters(OF_SECRETS, SECRET).unwrap())
            .collect();
        assert_eq!(tokens.len(), 500);
        let seen: HashSet<_> = tokens.iter().flat_map(|token| token.bytes()).collect();
        assert_eq!(seen.len(), OF_SECRETS.len());
    }
}
