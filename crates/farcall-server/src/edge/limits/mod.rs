//! How often callers may do what: token buckets for each caller, each of its tools, its polls, and for
//! wrong credentials by address.
//!
//! Who has no name is told apart by address; who has neither, because it comes from this machine, is
//! not limited.

mod bucket;
mod buckets;
mod failures;
mod trial;

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, LazyLock},
    time::Duration,
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use farcall_core::{clock::Clock, principal::Principal, rate::Rate};
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, Uri, header};
use serde_json::{Value, json};

use self::{buckets::Buckets, failures::Failures};
pub(crate) use self::{
    failures::{Attempt, has_credential},
    trial::Trial,
};
use super::address::ClientAddress;
use crate::problem_response;

/// The rates of a server; what is `None` is not limited.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// Everything that one caller asks for, but for polls.
    pub calls: Option<Rate>,
    /// The calls of one tool by one caller.
    pub tool: Option<Rate>,
    /// How often one caller asks how its jobs are doing.
    pub polls: Option<Rate>,
    /// Wrong credentials from one address, of IPv6 from one /64.
    pub failures: Option<Rate>,
}

/// The buckets of a server; cheap to clone.
#[derive(Clone)]
pub struct Limits(Arc<Inner>);

struct Inner {
    calls: Option<Buckets>,
    tool: Option<Buckets>,
    polls: Option<Buckets>,
    failures: Option<Failures>,
    clock: Arc<dyn Clock>,
}

/// What a request asks for, as far as its limit goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    /// How a job is doing.
    Poll,
    /// A call of this tool.
    Tool(&'a str),
    /// Anything else.
    Other,
}

/// Who is told apart from others: a caller with a name, or everybody of a network.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) enum Owner<'a> {
    Caller(&'a str),
    Network(IpAddr),
}

impl<'a> Owner<'a> {
    /// Whose request it is; `None` where it has no name and may be anybody's.
    pub(crate) fn of(caller: &'a Principal, address: Option<ClientAddress>) -> Option<Self> {
        /// Made once: every request is asked.
        static NOBODY: LazyLock<Principal> = LazyLock::new(Principal::anonymous);
        if *caller != *NOBODY {
            return Some(Self::Caller(caller.id()));
        }
        let address = address.filter(|address| !address.may_be_anybodys())?;
        Some(Self::Network(address.network()))
    }
}

impl Limits {
    /// Full buckets with these rates.
    pub fn new(rates: Rates, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            calls: rates.calls.map(Buckets::new),
            tool: rates.tool.map(Buckets::new),
            polls: rates.polls.map(Buckets::new),
            failures: rates.failures.map(Failures::new),
            clock,
        }))
    }

    /// Whether a request counts at all; then it is worth the while to look what it asks for.
    pub(crate) fn concern(caller: &Principal, address: ClientAddress) -> bool {
        Owner::of(caller, Some(address)).is_some()
    }

    /// Counts a request.
    ///
    /// # Errors
    /// Where it is one too many: for how long.
    pub(crate) fn admit(
        &self,
        caller: &Principal,
        address: ClientAddress,
        kind: Kind<'_>,
    ) -> Result<(), Duration> {
        let Some(owner) = Owner::of(caller, Some(address)) else {
            return Ok(());
        };
        let now = self.now();
        let take = |buckets: &Option<Buckets>| match buckets {
            Some(buckets) => buckets.take(owner, now),
            None => Ok(()),
        };
        match (kind, &self.0.tool) {
            (Kind::Poll, _) => return take(&self.0.polls),
            (Kind::Tool(name), Some(tool)) => tool.take((owner, name), now)?,
            (Kind::Tool(_) | Kind::Other, _) => {}
        }
        take(&self.0.calls)
    }

    /// The answer to a request for `path` that is one too many, where nothing else is known about it.
    pub(crate) fn one_too_many(
        &self,
        path: &str,
        caller: &Principal,
        extensions: &Extensions,
    ) -> Option<Response> {
        let address = *extensions.get::<ClientAddress>()?;
        let wait = self.admit(caller, address, Kind::Other).err()?;
        let what = "these are more requests than a caller may make";
        Some(too_many(path, None, what, wait))
    }

    /// What a request brings to be let in, where wrong credentials from there count.
    pub(crate) fn attempt(
        &self,
        address: ClientAddress,
        headers: &HeaderMap,
        uri: &Uri,
    ) -> Option<Attempt> {
        let failures = self.0.failures.as_ref()?;
        if address.may_be_anybodys() {
            return None;
        }
        failures.attempt(address.network(), headers, uri)
    }

    /// # Errors
    /// Where it is not looked at: for how long.
    pub(crate) fn admit_attempt(&self, attempt: Attempt) -> Result<(), Duration> {
        match &self.0.failures {
            Some(failures) => failures.admit(attempt, self.now()),
            None => Ok(()),
        }
    }

    /// Remembers what was found about a credential.
    pub(crate) fn note_attempt(&self, attempt: Attempt, was_right: bool) {
        if let Some(failures) = &self.0.failures {
            failures.note(attempt, was_right, self.now());
        }
    }

    /// Microseconds, and never backwards.
    fn now(&self) -> u64 {
        self.0.clock.steady().0.unsigned_abs().saturating_mul(1_000)
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Limits")
    }
}

/// Lets a request of a known caller through, unless it is one too many.
pub(crate) async fn limited(
    State(limits): State<Limits>,
    request: Request,
    next: Next,
) -> Response {
    let (path, extensions) = (request.uri().path(), request.extensions());
    let caller = extensions.get::<Principal>();
    let refusal = caller.and_then(|caller| limits.one_too_many(path, caller, extensions));
    match refusal {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
}

/// The answer to one request too many, of JSON-RPC where it has an `id`.
pub(crate) fn too_many(path: &str, id: Option<Value>, what: &str, wait: Duration) -> Response {
    // Rounded up: whoever comes a moment early is refused once more.
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let sentence = format!("{what}; try again in {seconds} s");
    let mut response = match id {
        Some(id) => problem_response::json(
            StatusCode::TOO_MANY_REQUESTS,
            &json!({"jsonrpc": "2.0", "id": id, "error": {
                "code": -32_000, "message": sentence,
                "data": {"retry_after_ms": u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)},
            }}),
        ),
        None => problem_response::for_path(path, StatusCode::TOO_MANY_REQUESTS, &sentence),
    };
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use farcall_core::clock::{ManualClock, Timestamp};

    use super::*;

    /// So many has a caller by default, for which the command line has a test.
    #[test]
    fn five_thousand_polls_at_once_meet_no_limit() {
        let polls = Rate {
            count: NonZeroU32::new(5_000).unwrap(),
            per: Duration::from_secs(1),
        };
        let rates = Rates {
            polls: Some(polls),
            ..Rates::default()
        };
        let limits = Limits::new(rates, Arc::new(ManualClock::at(Timestamp(0))));
        let peer = "203.0.113.7".parse().unwrap();
        let address = ClientAddress::of_peer(peer);
        let (alice, bob) = (Principal::new("alice"), Principal::new("bob"));
        for poll in 0..5_000 {
            let admitted = limits.admit(&alice, address, Kind::Poll);
            assert_eq!(admitted, Ok(()), "poll {poll}");
        }
        assert!(limits.admit(&alice, address, Kind::Poll).is_err());
        assert_eq!(limits.admit(&bob, address, Kind::Poll), Ok(()));
        assert_eq!(limits.admit(&alice, address, Kind::Other), Ok(()));
    }
}
