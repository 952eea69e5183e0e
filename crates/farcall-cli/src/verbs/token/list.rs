//! `token list`: who may call, and by what.

use farcall_core::clock::Timestamp;
use farcall_store::{Caller, JobStore, Token};
use serde_json::{Value, json};

use super::said::{self, in_columns};
use crate::{
    Failure, table,
    terminal::{print, print_json, talk, width},
    words::span,
};

/// What `token list` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Flags {
    /// Print one JSON object: {"callers": [{"name": "ci", "tokens": [...]}]}
    #[arg(long)]
    json: bool,
}

const HEAD: [&str; 9] = [
    "NAME", "TOKEN", "STATE", "AGE", "USED", "ENDS", "JOBS", "SCOPES", "TOOLS",
];

pub(super) async fn list(store: &dyn JobStore, flags: Flags) -> Result<(), Failure> {
    let callers = store.callers().await?;
    let now = callers.edition.read_at;
    if flags.json {
        let callers: Vec<_> = callers
            .callers
            .iter()
            .map(|caller| object(caller, now))
            .collect();
        print_json(&json!({"callers": callers}));
        return Ok(());
    }
    if callers.callers.is_empty() {
        talk("there are no callers; `token create NAME` makes the first one");
        return Ok(());
    }
    let rows = callers.callers.iter().flat_map(|caller| rows(caller, now));
    for line in table::lines(HEAD, &rows.collect::<Vec<_>>(), width()) {
        print(&line);
    }
    Ok(())
}

fn object(caller: &Caller, now: Timestamp) -> Value {
    let mut object = said::rights(&caller.rights);
    let tokens = caller.tokens.iter().map(|token| said::token(token, now));
    object["name"] = caller.name.as_str().into();
    object["created_at"] = caller.created_at.rfc3339().into();
    object["tokens"] = tokens.collect();
    object
}

/// A row for each token; one for a caller that has none.
fn rows(caller: &Caller, now: Timestamp) -> Vec<[String; 9]> {
    let nothing = || "-".to_owned();
    let row = |token: Option<&Token>| {
        let [scopes, tools, jobs] = in_columns(&caller.rights);
        let ago = |at: Timestamp| span(now.0 - at.0);
        let live = token.filter(|token| !token.is_over(now));
        let end = live.and_then(|token| token.expires_at);
        let used = token.and_then(|token| token.last_used_at);
        [
            caller.name.to_string(),
            token.map_or_else(nothing, |token| format!("{:#}", token.id)),
            token.map_or_else(nothing, |token| said::state(token, now).to_owned()),
            token.map_or_else(nothing, |token| ago(token.created_at)),
            used.map_or_else(nothing, ago),
            end.map_or_else(nothing, |end| span(end.0 - now.0)),
            jobs,
            scopes,
            tools,
        ]
    };
    if caller.tokens.is_empty() {
        return vec![row(None)];
    }
    caller.tokens.iter().map(|token| row(Some(token))).collect()
}
