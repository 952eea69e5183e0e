//! Slows down whoever tries out credentials.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use farcall_core::rate::Rate;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use super::buckets::Buckets;

const CF_ACCESS_JWT_ASSERTION: HeaderName = HeaderName::from_static("cf-access-jwt-assertion");

/// How many credentials are remembered that were right.
const MAX_RIGHT: usize = 4_096;

/// Wrong credentials by address. Past the limit nothing from that address is looked at any more, but
/// for those who were let in before: a colleague behind the same address keeps working.
pub(super) struct Failures {
    wrong: Buckets,
    /// The hashes of credentials that were right lately.
    right: Mutex<HashSet<u64>>,
    hasher: RandomState,
}

/// A credential that is being tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    network: IpAddr,
    credential: u64,
    /// Whether it is a link to a file, and nothing else.
    pub(crate) is_link: bool,
}

impl Failures {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            wrong: Buckets::new(rate),
            right: Mutex::default(),
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
        let is_link = sent == [None, None];
        let link = if is_link {
            let query = uri.query()?;
            Some(query).filter(|query| query.contains("sig="))?
        } else {
            ""
        };
        Some(Attempt {
            network,
            is_link,
            // All of it: one that counts for nothing must not stand for another.
            credential: self.hasher.hash_one((sent, link)),
        })
    }

    /// # Errors
    /// Where it is not looked at: for how long.
    pub(super) fn admit(&self, attempt: Attempt, now: u64) -> Result<(), Duration> {
        match self.wrong.look(attempt.network, now) {
            Err(_) if self.right().contains(&attempt.credential) => Ok(()),
            admitted => admitted,
        }
    }

    /// Remembers what became of it.
    pub(super) fn note(&self, attempt: Attempt, was_right: bool, now: u64) {
        if !was_right {
            self.right().remove(&attempt.credential);
            // Who was admitted together with others may be one too many, and that is all.
            let _ = self.wrong.take(attempt.network, now);
            return;
        }
        let mut right = self.right();
        if right.len() >= MAX_RIGHT && !right.contains(&attempt.credential) {
            right.clear();
        }
        right.insert(attempt.credential);
    }

    fn right(&self) -> std::sync::MutexGuard<'_, HashSet<u64>> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
