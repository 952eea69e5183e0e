//! `keys rotate`: another key for each purpose, and in time an end for the one before.

use farcall_jobs::links::key_id;
use farcall_store::{JobStore, Rotation};

use super::said::{Kept, State, kept, show_as_json};
use crate::{
    Failure,
    running::keys::stored::{APART, Purpose, fresh},
    terminal::{print, talk},
    words::{moment, span},
};

/// What `keys rotate` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Flags {
    /// End the keys before at once, and what they have signed: where one was stolen
    #[arg(long)]
    now: bool,
    /// Print one JSON object: {"keys": [{"purpose": "links", "id": "...", "state": "next"}]}
    #[arg(long)]
    json: bool,
}

pub(super) async fn rotate(store: &dyn JobStore, flags: Flags) -> Result<(), Failure> {
    let mut keys = Vec::new();
    for purpose in Purpose::ALL {
        keys.push((purpose.name(), fresh()?));
    }
    let rotation = if flags.now {
        Rotation::AtOnce
    } else {
        Rotation::Overlapping(APART)
    };
    let is_done = store.rotate_secrets(&keys, rotation).await?;
    let all = kept(store).await?;
    if !is_done {
        return Err(too_soon(&all));
    }
    if flags.json {
        show_as_json(&all);
    } else {
        for kept in &all {
            print(&line(kept));
        }
    }
    talk(if flags.now {
        "servers take them up within seconds; then no earlier link opens anything, and each result has new ones"
    } else {
        "before the next time, wait for FARCALL_LINK_LIFETIME, and an hour at least: it ends what the previous keys have signed"
    });
    Ok(())
}

/// What has become of the keys for one purpose.
fn line(kept: &Kept) -> String {
    let said = kept.keys().map(|(secret, state)| {
        let id = key_id(&secret.value);
        match state {
            State::Next(from) => format!("{id} signs from {} on", moment(from)),
            State::Previous => format!("{id} is accepted until the next rotation"),
            State::Signs if kept.secrets.live.len() == 1 => {
                format!("{id} signs, and no other is accepted")
            }
            State::Signs => {
                format!("{id} signs until then, and is accepted until the next rotation")
            }
        }
    });
    let said: Vec<_> = said.collect();
    format!("{}: {}", kept.purpose.name(), said.join("; "))
}

fn too_soon(all: &[Kept]) -> Failure {
    let ages = all.iter().filter_map(|kept| {
        let newest = kept.secrets.live.first()?;
        Some(kept.secrets.read_at.0 - newest.made_at.0)
    });
    let age = ages.min().unwrap_or(0);
    let apart = i64::try_from(APART.as_millis()).unwrap_or(i64::MAX);
    // Rounded up, so that whoever does what is said need not wait a second time.
    let left = (apart - age).max(0).saturating_add(999);
    Failure::failed(format!(
        "there is a key that was made {} ago, and servers may not sign with it yet",
        span(age)
    ))
    .hint(format!(
        "do it again in {}; where a key was stolen, `keys rotate --now` ends all that are there",
        span(left)
    ))
}
