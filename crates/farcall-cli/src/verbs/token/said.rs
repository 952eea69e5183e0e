//! Callers as they are shown.

use farcall_core::clock::Timestamp;
use farcall_store::{CallerName, Rights, Token};
use serde_json::{Value, json};

use super::fresh::Fresh;
use crate::terminal::{print, print_json, printable};

/// Shows a token that was made, the one time that it is shown.
pub(super) fn show_made(name: &CallerName, fresh: &Fresh, as_json: bool) {
    if as_json {
        print_json(&json!({
            "name": name.as_str(),
            "id": fresh.kept.id.as_str(),
            "token": fresh.token(),
        }));
    } else {
        print(fresh.token());
    }
}

/// What a caller may do, as fields of an object.
pub(super) fn rights(rights: &Rights) -> Value {
    let scopes: Vec<_> = rights.scopes.iter().map(|scope| scope.as_str()).collect();
    let tools = rights.tools.as_ref();
    json!({
        "scopes": scopes,
        "tools": tools.map(|tools| tools.entries().collect::<Vec<_>>()),
        "max_jobs": rights.max_open_jobs,
    })
}

/// The same in columns.
pub(super) fn in_columns(rights: &Rights) -> [String; 3] {
    let scopes: Vec<_> = rights.scopes.iter().map(|scope| scope.as_str()).collect();
    let tools = rights.tools.as_ref();
    let tools = tools.map(|tools| tools.entries().collect::<Vec<_>>().join(","));
    let limit = rights.max_open_jobs.map(|limit| limit.to_string());
    [
        scopes.join(","),
        tools.map_or_else(|| "all".to_owned(), |tools| printable(&tools).into_owned()),
        limit.unwrap_or_else(|| "-".to_owned()),
    ]
}

/// Whether a token opens, in a word.
pub(super) fn state(token: &Token, now: Timestamp) -> &'static str {
    match token {
        Token {
            revoked_at: Some(_),
            ..
        } => "revoked",
        token if token.is_over(now) => "expired",
        _ => "live",
    }
}

/// A token as an object.
pub(super) fn token(token: &Token, now: Timestamp) -> Value {
    json!({
        "id": token.id.as_str(),
        "state": state(token, now),
        "created_at": token.created_at.rfc3339(),
        "expires_at": token.expires_at.map(Timestamp::rfc3339),
        "revoked_at": token.revoked_at.map(Timestamp::rfc3339),
        "last_used_at": token.last_used_at.map(Timestamp::rfc3339),
    })
}
