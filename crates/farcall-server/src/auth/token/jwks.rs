//! The keys that somebody signs tokens with, as they publish them (RFC 7517).
//!
//! They are fetched when a token names a key that is not known, at most once a minute however many
//! such tokens come, and when they are an hour old. While they cannot be had, the last ones hold.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use farcall_core::clock::{Clock, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard};
use url::Url;

use super::signature::{Algorithm, PublicKey};
use crate::auth::outbound::{NoAnswer, Outbound};

/// After this time keys are fetched again, so that one that was withdrawn opens nothing for long.
const FRESH: Duration = Duration::from_hours(1);

/// Between two fetches lies at least this time: an unknown key costs its sender nothing.
const PAUSE: Duration = Duration::from_mins(1);

/// The same as long as no keys are there at all, and so nobody is let in: who signs may have been
/// started together with this server.
const PAUSE_WITHOUT: Duration = Duration::from_secs(5);

/// How many keys of a set are looked at. Those in use have two to ten.
const MOST: usize = 64;

/// Where keys are published.
#[async_trait]
pub(crate) trait Source: Send + Sync {
    /// A JWK Set, as JSON.
    async fn fetch(&self) -> Result<Bytes, NoAnswer>;
}

/// Keys at a URL.
pub(crate) struct Published {
    outbound: Outbound,
    url: Url,
}

impl Published {
    /// The keys at `url`.
    ///
    /// # Errors
    /// Why nothing can be fetched from there.
    pub(crate) fn at(url: Url) -> Result<Self, NoAnswer> {
        Ok(Self {
            outbound: Outbound::new(&url)?,
            url,
        })
    }
}

#[async_trait]
impl Source for Published {
    async fn fetch(&self) -> Result<Bytes, NoAnswer> {
        self.outbound.get(&self.url).await
    }
}

/// The keys of one source, as they were last seen.
pub(crate) struct Keys {
    source: Box<dyn Source>,
    clock: Arc<dyn Clock>,
    known: RwLock<Option<Known>>,
    /// When keys may be fetched next; held by whoever fetches them.
    next: Arc<Mutex<Timestamp>>,
}

/// No key was ever seen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoKeys;

#[derive(Clone)]
struct Known {
    keys: Arc<[Arc<PublicKey>]>,
    since: Timestamp,
}

impl Keys {
    pub(crate) fn new(source: impl Source + 'static, clock: Arc<dyn Clock>) -> Arc<Self> {
        let next = Arc::new(Mutex::new(clock.steady()));
        Arc::new(Self {
            source: Box::new(source),
            clock,
            known: RwLock::default(),
            next,
        })
    }

    /// The key called `id`, where it may be used with `algorithm`.
    ///
    /// # Errors
    /// [`NoKeys`] where none were ever had, so that nothing can be said.
    pub(crate) async fn find(
        self: &Arc<Self>,
        id: &str,
        algorithm: &Algorithm,
    ) -> Result<Option<Arc<PublicKey>>, NoKeys> {
        let known = self.known();
        let found = known.as_ref().and_then(|known| known.find(id, algorithm));
        let is_fresh = known.is_some_and(|known| self.age(&known) < FRESH);
        match found {
            Some(key) if is_fresh => return Ok(Some(key)),
            // While another caller waits for the newer ones, the old ones will do.
            Some(_) => {
                if let Ok(turn) = Arc::clone(&self.next).try_lock_owned() {
                    self.renew(turn).await;
                }
            }
            None => self.renew(Arc::clone(&self.next).lock_owned().await).await,
        }
        let known = self.known().ok_or(NoKeys)?;
        Ok(known.find(id, algorithm))
    }

    fn known(&self) -> Option<Known> {
        let known = self.known.read();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn age(&self, known: &Known) -> Duration {
        let age = self.clock.steady().0 - known.since.0;
        Duration::from_millis(u64::try_from(age).unwrap_or(0))
    }

    /// Fetches the keys, unless it is too early for that.
    async fn renew(self: &Arc<Self>, turn: OwnedMutexGuard<Timestamp>) {
        if self.clock.steady() < *turn {
            return;
        }
        // A task of its own: a caller that goes away must not take the minute's only fetch with it.
        let fetching = tokio::spawn(Arc::clone(self).fetch(turn));
        if let Err(error) = fetching.await {
            tracing::error!(%error, "fetching keys ended badly");
        }
    }

    async fn fetch(self: Arc<Self>, mut turn: OwnedMutexGuard<Timestamp>) {
        *turn = later(self.clock.steady(), PAUSE);
        let fetched = self.source.fetch().await;
        match fetched.and_then(|set| read(&set)) {
            Ok(keys) => {
                tracing::debug!(keys = keys.len(), "the keys of tokens are fetched");
                let known = Known {
                    keys,
                    since: self.clock.steady(),
                };
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
            }
            Err(reason) => {
                let is_without = self.known().is_none();
                if is_without {
                    *turn = later(self.clock.steady(), PAUSE_WITHOUT);
                }
                tracing::warn!(%reason, is_without, "the keys of tokens cannot be fetched; those seen last hold");
            }
        }
    }
}

impl Known {
    fn find(&self, id: &str, algorithm: &Algorithm) -> Option<Arc<PublicKey>> {
        let fits = |key: &&Arc<PublicKey>| key.id == id && key.fits(algorithm);
        self.keys.iter().find(fits).cloned()
    }
}

/// The keys of a set that verify signatures. Others are passed over, as RFC 7517 section 5 wants
/// it: a set may hold what was invented after this program.
fn read(set: &[u8]) -> Result<Arc<[Arc<PublicKey>]>, NoAnswer> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }

    let set: Set = serde_json::from_slice(set)
        .map_err(|error| NoAnswer::because(format!("what is published is no JWK Set: {error}")))?;
    let keys = set.keys.iter().take(MOST).filter_map(PublicKey::read);
    let keys: Arc<[_]> = keys.map(Arc::new).collect();
    if keys.is_empty() {
        return Err(NoAnswer::because(
            "the JWK Set has no key that verifies signatures",
        ));
    }
    Ok(keys)
}

fn later(moment: Timestamp, by: Duration) -> Timestamp {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Timestamp(moment.0.saturating_add(by))
}

#[cfg(test)]
mod tests;
