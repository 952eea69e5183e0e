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
    /// The hash of what may let it in, and of where it comes from: its headers, or a link without any.
    credential: u64,
    /// The hash of headers and link: what is guessed beside something that is wrong already is a guess, too.
    guess: u64,
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
        let sent = in_headers(headers);
        let query = uri.query().filter(|query| query.contains("sig="));
        let pairs = query.unwrap_or_default().split('&');
        // Nothing but these, in one order: whoever has a link has one credential, however it is written.
        let mut link: Vec<_> = pairs.filter(|pair| is_of_link(pair)).collect();
        link.sort_unstable();
        if sent == [None, None] && link.is_empty() {
            return None;
        }
        let guess = self.hasher.hash_one((network, sent, &link));
        if sent != [None, None] {
            link.clear();
        }
        Some(Attempt {
            network,
            // All headers: one that counts for nothing must not stand for another.
            credential: self.hasher.hash_one((network, sent, &link)),
            guess,
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
    pub(super) fn note(&self, attempt: Attempt, was_right: bool, now: u64) {
        if was_right {
            self.was_right.keep(attempt.credential);
            return;
        }
        self.was_right.forget(attempt.credential);
        // The same once more is no guess, but a program that nobody has told.
        if self.was_counted.keep(attempt.guess) {
            // Who was admitted together with others may be one too many, and that is all.
            let _ = self.wrong.take(attempt.network, now);
        }
    }
}

/// Whether these headers hold anything that may let a request in. Beside a link that opens its file nobody
/// looks at that, so it is neither right nor wrong.
pub(crate) fn has_credential(headers: &HeaderMap) -> bool {
    in_headers(headers) != [None, None]
}

fn in_headers(headers: &HeaderMap) -> [Option<&[u8]>; 2] {
    [header::AUTHORIZATION, CF_ACCESS_JWT_ASSERTION]
        .map(|name| headers.get(name).map(HeaderValue::as_bytes))
}

/// Whether a pair of a query is a part of a signed link.
fn is_of_link(pair: &str) -> bool {
    ["exp=", "kid=", "sig="]
        .iter()
        .any(|name| pair.starts_with(name))
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

    const HERE: &str = "203.0.113.7";
    const ELSEWHERE: &str = "198.51.100.1";

    fn failures(count: u32) -> Failures {
        Failures::new(Rate {
            count: NonZeroU32::new(count).unwrap(),
            per: Duration::from_hours(1),
        })
    }

    /// A request with these values of `Authorization` and of an assertion, where they are not empty.
    fn sent(
        failures: &Failures,
        network: &str,
        (token, assertion, path): (&str, &str, &str),
    ) -> Option<Attempt> {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::AUTHORIZATION, token),
            (CF_ACCESS_JWT_ASSERTION, assertion),
        ] {
            if !value.is_empty() {
                headers.insert(name, HeaderValue::from_str(value).unwrap());
            }
        }
        failures.attempt(network.parse().unwrap(), &headers, &path.parse().unwrap())
    }

    fn token(failures: &Failures, network: &str, token: &str) -> Attempt {
        sent(failures, network, (token, "", "/")).unwrap()
    }

    #[test]
    fn a_credential_is_all_that_was_sent() {
        let failures = failures(1);
        let all = [
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
        let credential = |what| sent(&failures, HERE, what).unwrap().credential;
        let different: HashSet<_> = all.into_iter().map(credential).collect();
        assert_eq!(different.len(), all.len());
        assert!(
            all.into_iter()
                .all(|what| different.contains(&credential(what)))
        );
        for same in [
            "/files/x?exp=1&kid=1&sig=a&x=1",
            "/files/x?sig=a&x=2&kid=1&exp=1",
        ] {
            let same = credential(("", "", same));
            assert_eq!(same, credential(("", "", "/files/x?exp=1&kid=1&sig=a")));
        }
        for nothing in ["/", "/files/x", "/files/x?name=y"] {
            let nothing = sent(&failures, HERE, ("", "", nothing));
            assert!(nothing.is_none(), "{nothing:?}");
        }
    }

    #[test]
    fn who_shares_a_part_of_a_right_credential_has_not_been_let_in() {
        let failures = failures(1);
        let of = |token, assertion| sent(&failures, HERE, (token, assertion, "/")).unwrap();
        failures.note(of("stray", "right"), true, 0);
        failures.note(of("guess", ""), false, 0);
        assert_eq!(failures.admit(of("stray", "right"), 0), Ok(()));
        for (token, assertion) in [
            ("stray", ""),
            ("stray", "guess"),
            ("", "right"),
            ("x", "right"),
        ] {
            let admitted = failures.admit(of(token, assertion), 0);
            assert!(admitted.is_err(), "{token} {assertion}");
        }
    }

    #[test]
    fn a_link_beside_a_token_is_a_guess_of_its_own_and_needs_no_leave_of_its_own() {
        let failures = failures(2);
        let of = |token: &str, sig: &str| {
            let path = format!("/files/x?exp=1&kid=1&sig={sig}");
            sent(&failures, HERE, (token, "", path.as_str())).unwrap()
        };
        failures.note(of("right", "a"), true, 0);
        for sig in ["a", "b"] {
            assert_eq!(failures.admit(of("wrong", sig), 0), Ok(()), "{sig}");
            failures.note(of("wrong", sig), false, 0);
        }
        assert!(failures.admit(of("wrong", "c"), 0).is_err());
        assert_eq!(failures.admit(of("right", "c"), 0), Ok(()));
    }

    #[test]
    fn the_same_wrong_credential_counts_once() {
        let failures = failures(2);
        let stale = token(&failures, HERE, "stale");
        for _ in 0..100 {
            failures.note(stale, false, 0);
        }
        let other = token(&failures, HERE, "other");
        assert_eq!(failures.admit(other, 0), Ok(()));
        failures.note(other, false, 0);
        assert!(failures.admit(stale, 0).is_err());
    }

    #[test]
    fn only_what_was_right_from_there_and_still_is_goes_on() {
        let failures = failures(1);
        let (here, elsewhere) = (
            token(&failures, HERE, "good"),
            token(&failures, ELSEWHERE, "good"),
        );
        failures.note(here, true, 0);
        for network in [HERE, ELSEWHERE] {
            failures.note(token(&failures, network, "guess"), false, 0);
        }
        assert_eq!(failures.admit(here, 0), Ok(()));
        assert!(failures.admit(elsewhere, 0).is_err());
        failures.note(here, false, 0);
        assert!(failures.admit(here, 0).is_err());
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
