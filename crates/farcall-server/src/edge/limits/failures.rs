//! Slows down whoever tries out credentials.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use farcall_core::rate::Rate;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use super::buckets::Buckets;

const CF_ACCESS_JWT_ASSERTION: HeaderName = HeaderName::from_static("cf-access-jwt-assertion");

/// How many credentials are remembered of each kind.
const MAX_REMEMBERED: usize = 4_096;

/// What was found about the credential of a request: an extension of its response, from whoever has
/// judged it. A response without one says nothing about it, whatever its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    Right,
    Wrong,
}

/// Wrong credentials by address, each of them once. Past the limit nothing from that address is looked
/// at any more, but for those who were let in from there before: a colleague behind the same address
/// keeps working.
pub(super) struct Failures {
    wrong: Buckets,
    was_right: Remembered,
    was_counted: Remembered,
    hasher: RandomState,
}

/// A credential that is being tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    network: IpAddr,
    /// The hash of all of it, and of where it comes from.
    credential: u64,
}

impl Failures {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            wrong: Buckets::new(rate),
            was_right: Remembered::default(),
            was_counted: Remembered::default(),
            hasher: RandomState::new(),
        }
    }

    /// What a request brings to be let in; `None` where it brings nothing.
    pub(super) fn attempt(
        &self,
        network: IpAddr,
        headers: &HeaderMap,
        uri: &Uri,
    ) -> Option<Attempt> {
        let sent = [header::AUTHORIZATION, CF_ACCESS_JWT_ASSERTION].map(|name| {
            let value = headers.get(name);
            value.map(HeaderValue::as_bytes)
        });
        let link = if sent == [None, None] {
            let query = uri.query()?;
            Some(query).filter(|query| query.contains("sig="))?
        } else {
            ""
        };
        Some(Attempt {
            network,
            // All of it: one that counts for nothing must not stand for another.
            credential: self.hasher.hash_one((network, sent, link)),
        })
    }

    /// # Errors
    /// Where it is not looked at: for how long.
    pub(super) fn admit(&self, attempt: Attempt, now: u64) -> Result<(), Duration> {
        match self.wrong.look(attempt.network, now) {
            Err(_) if self.was_right.has(attempt.credential) => Ok(()),
            admitted => admitted,
        }
    }

    /// Remembers what became of it.
    pub(super) fn note(&self, attempt: Attempt, judged: Judged, now: u64) {
        match judged {
            Judged::Right => {
                self.was_right.keep(attempt.credential);
            }
            Judged::Wrong => {
                self.was_right.forget(attempt.credential);
                // The same once more is no guess, but a program that nobody has told.
                if self.was_counted.keep(attempt.credential) {
                    // Who was admitted together with others may be one too many, and that is all.
                    let _ = self.wrong.take(attempt.network, now);
                }
            }
        }
    }
}

/// The hashes of credentials, and never more than so many.
#[derive(Default)]
struct Remembered(Mutex<HashSet<u64>>);

impl Remembered {
    fn has(&self, credential: u64) -> bool {
        self.all().contains(&credential)
    }

    /// Whether it was not there. Where there is no room, half of the others are forgotten.
    fn keep(&self, credential: u64) -> bool {
        let mut all = self.all();
        if all.len() >= MAX_REMEMBERED && !all.contains(&credential) {
            let mut is_kept = false;
            all.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
        }
        all.insert(credential)
    }

    fn forget(&self, credential: u64) {
        self.all().remove(&credential);
    }

    fn all(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn failures() -> Failures {
        Failures::new(Rate {
            count: NonZeroU32::new(2).unwrap(),
            per: Duration::from_mins(1),
        })
    }

    fn attempt(failures: &Failures, network: &str, token: &str) -> Attempt {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, token.parse().unwrap());
        let network = network.parse().unwrap();
        failures
            .attempt(network, &headers, &Uri::from_static("/"))
            .unwrap()
    }

    #[test]
    fn the_same_wrong_credential_counts_once() {
        let failures = failures();
        let stale = attempt(&failures, "203.0.113.7", "Bearer stale");
        for _ in 0..100 {
            failures.note(stale, Judged::Wrong, 0);
        }
        let other = attempt(&failures, "203.0.113.7", "Bearer other");
        assert_eq!(failures.admit(other, 0), Ok(()));
        failures.note(other, Judged::Wrong, 0);
        assert!(failures.admit(stale, 0).is_err());
    }

    #[test]
    fn what_was_right_from_elsewhere_is_not_looked_at() {
        let failures = failures();
        let at_home = attempt(&failures, "203.0.113.7", "Bearer good");
        let abroad = attempt(&failures, "198.51.100.1", "Bearer good");
        failures.note(at_home, Judged::Right, 0);
        for guess in ["Bearer a", "Bearer b"] {
            for network in ["203.0.113.7", "198.51.100.1"] {
                failures.note(attempt(&failures, network, guess), Judged::Wrong, 0);
            }
        }
        assert_eq!(failures.admit(at_home, 0), Ok(()));
        assert!(failures.admit(abroad, 0).is_err());
        // It is over now.
        failures.note(at_home, Judged::Wrong, 0);
        assert!(failures.admit(at_home, 0).is_err());
    }

    #[test]
    fn however_many_come_only_so_many_are_remembered() {
        let remembered = Remembered::default();
        for credential in 0..10_000 {
            assert!(remembered.keep(credential));
            assert!(remembered.all().len() <= MAX_REMEMBERED);
        }
        assert!(remembered.has(9_999));
    }
}
