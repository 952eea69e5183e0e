//! `keys list`: which keys there are, and what they do.

use farcall_jobs::links::key_id;
use farcall_store::JobStore;

use super::said::{Kept, State, kept, made_at, show_as_json};
use crate::{
    Failure, table,
    terminal::{print, talk, width},
    words::span,
};

/// What `keys list` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Flags {
    /// Print one JSON object: {"keys": [{"purpose": "links", "id": "...", "state": "signs"}]}
    #[arg(long)]
    json: bool,
}

const HEAD: [&str; 4] = ["PURPOSE", "KEY", "AGE", "STATE"];

pub(super) async fn list(store: &dyn JobStore, flags: Flags) -> Result<(), Failure> {
    let all = kept(store).await?;
    if flags.json {
        show_as_json(&all);
        return Ok(());
    }
    let rows: Vec<_> = all.iter().flat_map(rows).collect();
    if rows.is_empty() {
        talk("there are no keys yet; the first server of this store makes them");
        return Ok(());
    }
    for line in table::lines(HEAD, &rows, width()) {
        print(&line);
    }
    Ok(())
}

fn rows(kept: &Kept) -> impl Iterator<Item = [String; 4]> {
    let now = kept.secrets.read_at;
    kept.keys().map(move |(secret, state)| {
        let age = made_at(secret).map(|at| span(now.0 - at.0));
        let state = match state {
            State::Next(from) => format!("signs in {}", span(from.0 - now.0)),
            State::Previous => "accepted".to_owned(),
            State::Signs => "signs".to_owned(),
        };
        [
            kept.purpose.name().to_owned(),
            key_id(&secret.value),
            age.unwrap_or_else(|| "-".to_owned()),
            state,
        ]
    })
}
