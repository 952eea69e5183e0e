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

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

    fn one_an_hour() -> Failures {
        Failures::new(Rate {
            count: std::num::NonZeroU32::MIN,
            per: Duration::from_hours(1),
        })
    }

    /// A request with these values of `Authorization` and of an assertion, where they are not empty.
    fn attempt(failures: &Failures, token: &str, assertion: &str, path: &str) -> Option<Attempt> {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::AUTHORIZATION, token),
            (CF_ACCESS_JWT_ASSERTION, assertion),
        ] {
            if !value.is_empty() {
                headers.insert(name, HeaderValue::from_str(value).unwrap());
            }
        }
        failures.attempt(HERE, &headers, &path.parse().unwrap())
    }

    #[test]
    fn a_credential_is_all_that_was_sent() {
        let failures = one_an_hour();
        let sent = [
            ("a", "", "/"),
            ("", "a", "/"),
            ("a", "b", "/"),
            ("b", "a", "/"),
            ("ab", "", "/"),
            ("", "ab", "/"),
            ("", "", "/files/x?exp=1&kid=1&sig=a"),
            ("", "", "/files/x?exp=1&kid=1&sig=b"),
            ("", "", "/files/x?exp=2&kid=1&sig=a"),
            ("", "", "/files/x?exp=1&kid=2&sig=a"),
        ];
        let credential = |(token, assertion, path): &(&str, &str, &str)| {
            let attempt = attempt(&failures, token, assertion, path).unwrap();
            attempt.credential
        };
        let all: HashSet<_> = sent.iter().map(credential).collect();
        assert_eq!(all.len(), sent.len());
        assert!(sent.iter().all(|sent| all.contains(&credential(sent))));
        for nothing in ["/", "/files/x", "/files/x?name=y"] {
            assert!(attempt(&failures, "", "", nothing).is_none(), "{nothing}");
        }
    }

    #[test]
    fn who_shares_a_part_of_a_right_credential_has_not_been_let_in() {
        let failures = one_an_hour();
        let of = |token, assertion| attempt(&failures, token, assertion, "/").unwrap();
        failures.note(of("stray", "right"), true, 0);
        failures.note(of("guess", ""), false, 0);
        assert!(failures.admit(of("stray", "right"), 0).is_ok());
        for (token, assertion) in [
            ("stray", ""),
            ("stray", "guess"),
            ("", "right"),
            ("x", "right"),
        ] {
            assert!(
                failures.admit(of(token, assertion), 0).is_err(),
                "{token} {assertion}"
            );
        }
    }

    #[test]
    fn what_was_right_and_is_wrong_now_is_a_guess() {
        let failures = one_an_hour();
        let revoked = attempt(&failures, "revoked", "", "/").unwrap();
        failures.note(revoked, true, 0);
        failures.note(revoked, false, 0);
        assert!(failures.admit(revoked, 0).is_err());
    }

    #[test]
    fn not_more_is_remembered_than_fits() {
        let failures = one_an_hour();
        for number in 0..3 * MAX_RIGHT {
            let right = attempt(&failures, &number.to_string(), "", "/").unwrap();
            failures.note(right, true, 0);
            assert!(failures.right().len() <= MAX_RIGHT);
        }
    }
}
