//! Keys as they are shown: by what they are called, and what they do.

use farcall_core::clock::Timestamp;
use farcall_jobs::links::key_id;
use farcall_store::{JobStore, Secret, Secrets};
use serde_json::{Value, json};

use crate::{
    Failure,
    running::keys::stored::{Purpose, next},
    terminal::print_json,
};

/// The live keys for one purpose.
pub(super) struct Kept {
    pub(super) purpose: Purpose,
    pub(super) secrets: Secrets,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Is accepted, and signs from then on.
    Next(Timestamp),
    /// Has signed, and is accepted.
    Previous,
    /// Signs.
    Signs,
}

/// Those in the store.
pub(super) async fn kept(store: &dyn JobStore) -> Result<Vec<Kept>, Failure> {
    let mut all = Vec::new();
    for purpose in Purpose::ALL {
        let secrets = store.secrets(purpose.name()).await?;
        all.push(Kept { purpose, secrets });
    }
    Ok(all)
}

impl Kept {
    /// The newest first.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&Secret, State)> {
        let next = next(&self.secrets);
        let live = self.secrets.live.iter().enumerate();
        live.map(move |(place, secret)| {
            let state = match (place, next) {
                (0, Some(from)) => State::Next(from),
                (0, None) | (_, Some(_)) => State::Signs,
                (_, None) => State::Previous,
            };
            (secret, state)
        })
    }
}

/// When it was made, where that was kept.
pub(super) fn made_at(secret: &Secret) -> Option<Timestamp> {
    Some(secret.made_at).filter(|at| *at != Timestamp(0))
}

/// Prints all of them as one object.
pub(super) fn show_as_json(all: &[Kept]) {
    let keys = all.iter().flat_map(|kept| {
        let purpose = kept.purpose.name();
        kept.keys()
            .map(move |(secret, state)| object(purpose, secret, state))
    });
    print_json(&json!({"keys": keys.collect::<Vec<_>>()}));
}

fn object(purpose: &str, secret: &Secret, state: State) -> Value {
    let (state, signs_from) = match state {
        State::Next(from) => ("next", Some(from)),
        State::Previous => ("previous", None),
        State::Signs => ("signs", None),
    };
    json!({
        "purpose": purpose,
        "id": key_id(&secret.value),
        "state": state,
        "made_at": made_at(secret).map(Timestamp::rfc3339),
        "signs_from": signs_from.map(Timestamp::rfc3339),
    })
}
