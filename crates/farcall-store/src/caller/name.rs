//! Names of callers, and what tokens are known by.

use std::fmt;

/// Owners that other authenticators know.
const TAKEN: [&str; 2] = ["anonymous", "bearer"];

/// What tokens begin with, and so no name does.
const OF_TOKENS: &str = "fc_";

/// The longest name, in bytes.
const MAX_NAME: usize = 64;

/// The name of a caller: `^[a-z0-9][a-z0-9_-]{0,63}$`, so that two names that look alike are one, and
/// none is the identity that another authenticator gives to somebody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallerName(Box<str>);

/// What is wrong with the name of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// It has other characters, none, or too many.
    #[error(
        "a caller is named by 1 to {MAX_NAME} of the characters a-z, 0-9, `_` and `-`, a letter or digit first"
    )]
    Characters,
    /// It is the owner of what another authenticator lets in, or looks like a token.
    #[error("`{}` and `{}` are callers without a name, and `{OF_TOKENS}` begins a token", TAKEN[0], TAKEN[1])]
    Taken,
}

impl CallerName {
    /// # Errors
    /// [`NameFault`] where no caller can be named so.
    pub fn parse(text: &str) -> Result<Self, NameFault> {
        let is_of_names = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        let begins_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        if text.len() > MAX_NAME || !begins_well || !text.bytes().all(is_of_names) {
            return Err(NameFault::Characters);
        }
        if TAKEN.contains(&text) || text.starts_with(OF_TOKENS) {
            return Err(NameFault::Taken);
        }
        Ok(Self(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for CallerName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// How many characters of 62 kinds the secret of a token has: 256 bits.
pub const SECRET: usize = 43;

/// What a token is known by: twelve characters of `a-z` and `0-9`, which open nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(Box<str>);

impl TokenId {
    /// How many characters it has.
    pub const LENGTH: usize = 12;

    /// `None` where `text` is none.
    pub fn parse(text: &str) -> Option<Self> {
        Self::is_one(text).then(|| Self(text.into()))
    }

    /// The id within a token, `fc_<id>_<secret>`; `None` where `token` has another form.
    pub fn within(token: &str) -> Option<&str> {
        let (id, secret) = token.strip_prefix(OF_TOKENS)?.split_once('_')?;
        let is_secret =
            secret.len() == SECRET && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (is_secret && Self::is_one(id)).then_some(id)
    }

    /// The token that has this id and this secret, [`SECRET`] of `0-9`, `A-Z` and `a-z`.
    pub fn with(&self, secret: &str) -> String {
        format!("{self:#}_{secret}")
    }

    fn is_one(text: &str) -> bool {
        let is_of_ids = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9');
        text.len() == Self::LENGTH && text.bytes().all(is_of_ids)
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// With `#` as its token begins, `fc_<id>`.
impl fmt::Display for TokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if formatter.alternate() {
            formatter.write_str(OF_TOKENS)?;
        }
        formatter.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for TokenId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_by_anybody() {
        for name in ["ci", "a", "7", "build-farm_2", &"x".repeat(64)] {
            assert_eq!(CallerName::parse(name).unwrap().as_str(), name);
        }
        for name in [
            "",
            "CI",
            "-ci",
            "_ci",
            "a b",
            "a.b",
            "a:b",
            "é",
            "a\0",
            &"x".repeat(65),
        ] {
            assert_eq!(
                CallerName::parse(name),
                Err(NameFault::Characters),
                "{name:?}"
            );
        }
        for name in ["anonymous", "bearer", "fc_ci"] {
            assert_eq!(CallerName::parse(name), Err(NameFault::Taken), "{name}");
        }
    }

    #[test]
    fn a_token_holds_its_id() {
        let (id, secret) = (
            TokenId::parse("k3j2h1g0f9e8").unwrap(),
            "aZ9".repeat(14) + "x",
        );
        let token = id.with(&secret);
        assert_eq!(token, format!("fc_k3j2h1g0f9e8_{secret}"));
        assert_eq!(TokenId::within(&token), Some("k3j2h1g0f9e8"));
        for other in [
            "",
            "fc_k3j2h1g0f9e8",
            &token[1..],
            &token[..token.len() - 1],
            &format!("{token}x"),
            &token.replace("aZ9", "aZ-"),
            &token.replace("k3", "K3"),
            &token.replace("k3", "k"),
            &token.to_uppercase(),
        ] {
            assert_eq!(TokenId::within(other), None, "{other}");
        }
    }

    #[test]
    fn an_id_is_twelve_characters() {
        assert!(TokenId::parse("k3j2h1g0f9e8").is_some());
        for text in [
            "",
            "k3j2h1g0f9e",
            "k3j2h1g0f9e8d",
            "K3j2h1g0f9e8",
            "k3j2h1g0f9é",
        ] {
            assert_eq!(TokenId::parse(text), None, "{text}");
        }
    }
}
