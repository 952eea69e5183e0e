//! The judgement of tokens for the targets of `fuzz`.

use std::sync::LazyLock;

use farcall_core::{clock::Timestamp, principal::Scope};
use farcall_store::{Caller, CallerName, Callers, Edition, Rights, SECRET, Token, TokenId};
use http::HeaderMap;
use sha2::{Digest, Sha256};

use super::known::Known;
use crate::auth::bearer_token;

const NOW: Timestamp = Timestamp(2);

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let edition = Edition {
        number: 1,
        read_at: Timestamp(0),
    };
    let over = |token: Option<Token>, revoked_at: Option<i64>| {
        Some(Token {
            expires_at: Some(Timestamp(1)),
            revoked_at: revoked_at.map(Timestamp),
            ..token?
        })
    };
    let all = [
        caller("ann", [token('a'), None, None]),
        caller(
            "bob",
            [
                token('b'),
                over(token('c'), None),
                over(token('d'), Some(0)),
            ],
        ),
    ];
    let callers = all.into_iter().flatten().collect();
    Known::new(Callers { edition, callers }, &Known::default())
});

fn caller(name: &str, tokens: [Option<Token>; 3]) -> Option<Caller> {
    Some(Caller {
        name: CallerName::parse(name).ok()?,
        rights: Rights {
            scopes: [Scope::Call].into(),
            tools: None,
            max_open_jobs: None,
        },
        created_at: Timestamp(0),
        tokens: tokens.into_iter().flatten().collect(),
    })
}

fn token(letter: char) -> Option<Token> {
    let repeated = |count| std::iter::repeat_n(letter, count).collect::<String>();
    let id = TokenId::parse(&repeated(TokenId::LENGTH))?;
    Some(Token {
        digest: Sha256::digest(id.with(&repeated(SECRET))).into(),
        id,
        created_at: Timestamp(0),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    })
}

/// Whose request has these headers.
pub(crate) fn caller_of(headers: &HeaderMap) -> Option<String> {
    let token = bearer_token(headers).ok()?;
    TokenId::within(token)?;
    let entry = KNOWN.holder(token, NOW)?;
    Some(entry.caller.id().to_owned())
}
