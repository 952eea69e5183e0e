//! The keys in the job store: what they are for, and which of them signs.
//!
//! A server accepts a key as soon as it has read it, and signs with it half a minute after it was made, by
//! the clock of the store. So nothing is ever signed with a key that another server does not know
//! yet, and nobody has to tell them of it.

use std::time::Duration;

use farcall_core::clock::Timestamp;
use farcall_store::{JobStore, Secrets, StoreError};

use crate::Failure;

/// How old a key is when it begins to sign beside another one.
pub(crate) const SETTLING: Duration = Duration::from_secs(30);

/// How long nobody may exchange the keys again: until every server signs with the newest, and
/// the one that has to go signs nowhere.
pub(crate) const APART: Duration = Duration::from_mins(1);

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Links to files.
    Links,
    /// What travels through a client between two rounds of a call.
    RequestState,
}

impl Purpose {
    pub(crate) const ALL: [Self; 2] = [Self::Links, Self::RequestState];

    /// What its secret is called in the store.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Links => "links",
            Self::RequestState => "request-state",
        }
    }
}

/// The keys for one purpose.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Ring {
    pub(crate) signing: [u8; 32],
    /// Are accepted beside it.
    pub(crate) others: Vec<[u8; 32]>,
}

impl Ring {
    pub(crate) fn alone(signing: [u8; 32]) -> Self {
        Self {
            signing,
            others: Vec::new(),
        }
    }

    /// Those that are live; none where nobody has made one.
    fn of(secrets: &Secrets) -> Option<Self> {
        let mut keys: Vec<_> = secrets.live.iter().map(|secret| secret.value).collect();
        if next(secrets).is_some() {
            keys.rotate_left(1);
        }
        let (signing, others) = keys.split_first()?;
        Some(Self {
            signing: *signing,
            others: others.to_vec(),
        })
    }
}

/// From when the newest key signs, where another one still does.
pub(crate) fn next(secrets: &Secrets) -> Option<Timestamp> {
    let [newest, _, ..] = &secrets.live[..] else {
        return None;
    };
    let settling = i64::try_from(SETTLING.as_millis()).unwrap_or(i64::MAX);
    let from = newest.made_at.0.saturating_add(settling);
    (secrets.read_at.0 < from).then_some(Timestamp(from))
}

/// The keys for each purpose, in the order of [`Purpose::ALL`].
pub(super) async fn rings(store: &dyn JobStore) -> Result<[Ring; 2], StoreError> {
    let ring = async |purpose: Purpose| {
        let secrets = store.secrets(purpose.name()).await?;
        Ring::of(&secrets).ok_or_else(|| StoreError::Corrupt {
            what: format!("there is no secret called `{}`", purpose.name()),
        })
    };
    let [links, request_state] = Purpose::ALL;
    Ok([ring(links).await?, ring(request_state).await?])
}

/// The same; where there are none yet, they are made.
pub(super) async fn made(store: &dyn JobStore) -> Result<[Ring; 2], Failure> {
    for purpose in Purpose::ALL {
        let secrets = store.secrets(purpose.name()).await;
        if secrets.map_err(|error| failed(&error))?.live.is_empty() {
            let made = store.make_secret(purpose.name(), fresh()?).await;
            made.map_err(|error| failed(&error))?;
        }
    }
    rings(store).await.map_err(|error| failed(&error))
}

fn failed(error: &StoreError) -> Failure {
    Failure::failed(error.to_string())
}

/// A key that nobody has had before.
pub(crate) fn fresh() -> Result<[u8; 32], Failure> {
    let mut fresh = [0; 32];
    getrandom::fill(&mut fresh)
        .map_err(|error| Failure::failed(format!("the system gives no random bytes: {error}")))?;
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use farcall_store::Secret;

    use super::*;

    fn read_at(read_at: i64, live: &[(u8, i64)]) -> Secrets {
        let live = live.iter().map(|(byte, made_at)| Secret {
            value: [*byte; 32],
            made_at: Timestamp(*made_at),
        });
        Secrets {
            live: live.collect(),
            read_at: Timestamp(read_at),
        }
    }

    #[test]
    fn a_key_signs_half_a_minute_after_it_was_made_and_at_once_where_it_is_alone() {
        for (now, live, signing, others) in [
            (5_000, &[(1, 5_000)][..], 1, vec![]),
            (5_000, &[(2, 5_000), (1, 0)], 1, vec![[2; 32]]),
            (34_999, &[(2, 5_000), (1, 0)], 1, vec![[2; 32]]),
            (35_000, &[(2, 5_000), (1, 0)], 2, vec![[1; 32]]),
            // The clock was set back meanwhile.
            (-9_000, &[(2, 5_000), (1, 0)], 1, vec![[2; 32]]),
            (-9_000, &[(2, 5_000)], 2, vec![]),
        ] {
            let ring = Ring::of(&read_at(now, live)).unwrap();
            assert_eq!(
                (ring.signing, ring.others),
                ([signing; 32], others),
                "{now}"
            );
        }
        assert!(Ring::of(&read_at(0, &[])).is_none());
    }

    #[test]
    fn whoever_may_exchange_keys_finds_the_newest_signing_everywhere() {
        // A server may have looked just before the time, and may have to wait for the store once.
        assert!(APART >= SETTLING + 5 * super::super::PAUSE);
        assert!(SETTLING >= 5 * super::super::PAUSE);
    }
}
