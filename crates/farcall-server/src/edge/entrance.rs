//! Where every request comes in: it gets an id, the probe for life its answer, and a foreign `Host`
//! or `Origin` is refused before any route is looked for.

use std::{
    convert::Infallible,
    future::ready,
    net::IpAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::{Router, extract::Request, response::Response};
use farcall_metrics::{Metrics, Refused, Route};
use futures_util::{FutureExt, future::Either};
use http::{HeaderMap, HeaderName, HeaderValue};
use tower::Service;

use super::{
    Guard, Limits, Networks, Proof,
    address::ClientAddress,
    guard,
    limits::{Attempt, Trial, too_many},
    sensitive,
};
use crate::{health, router::MCP};

/// Carries the id of a request: unique within the life of the process, and told apart from other
/// processes by its first half. It stands in the answer, and in the log where something fails; one
/// that a client sends is overwritten.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request with these headers.
pub(crate) fn request_id(headers: &HeaderMap) -> &str {
    let id = headers.get(X_REQUEST_ID);
    id.and_then(|id| id.to_str().ok()).unwrap_or_default()
}

/// The first half, in hexadecimal digits.
static PROCESS: LazyLock<[u8; 8]> = LazyLock::new(|| {
    let mut bits = [0; 4];
    // Without randomness ids are still unique within this process.
    let _ = getrandom::fill(&mut bits);
    let mut digits = [0; 8];
    write_hex(u32::from_ne_bytes(bits).into(), &mut digits);
    digits
});
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A fresh id, for example `8f3a01c2-00000000002a`; written by hand, because every request has one.
fn fresh_id() -> Option<HeaderValue> {
    let mut id = [b'-'; 21];
    id[..8].copy_from_slice(&*PROCESS);
    write_hex(NEXT.fetch_add(1, Ordering::Relaxed), &mut id[9..]);
    HeaderValue::from_bytes(&id).ok()
}

/// Fills `digits` with the last ones of `number`.
fn write_hex(mut number: u64, digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 0xf) as usize];
        number >>= 4;
    }
}

/// All routes, behind what holds for every one of them. It is no layer: a layer costs each request
/// two allocations.
#[derive(Clone)]
pub struct Entrance {
    guard: Arc<Guard>,
    proxies: Arc<Networks>,
    limits: Option<Limits>,
    /// Answers the nonces of the operator.
    proof: Option<Proof>,
    metrics: Metrics,
    routes: Router,
    /// Whether it was said that a proxy is not trusted.
    has_warned: Arc<AtomicBool>,
}

impl Entrance {
    /// Puts `guard` before `routes`.
    pub fn new(guard: Guard, routes: Router) -> Self {
        Self {
            guard: Arc::new(guard),
            proxies: Arc::default(),
            limits: None,
            proof: None,
            metrics: Metrics::default(),
            routes,
            has_warned: Arc::default(),
        }
    }

    /// What is behind it.
    #[cfg(test)]
    pub(crate) fn routes(&self) -> &Router {
        &self.routes
    }

    /// Slows down who tries out credentials; `proxies` say for whom they ask.
    #[must_use]
    pub fn limited(mut self, limits: Limits, proxies: Networks) -> Self {
        self.limits = Some(limits);
        self.proxies = Arc::new(proxies);
        self
    }

    /// Shows who has the keys of this server that it is the one.
    #[must_use]
    pub fn proving(mut self, proof: Proof) -> Self {
        self.proof = Some(proof);
        self
    }

    /// Counts requests in `metrics`.
    #[must_use]
    pub(crate) fn counted(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// Answers a request that came from `peer`.
    pub(crate) fn answer(
        &self,
        mut request: Request,
        peer: IpAddr,
    ) -> impl Future<Output = Response> + Send + use<> {
        let begun = Instant::now();
        let route = Route::of(request.uri().path());
        let id = fresh_id();
        let mut attempt = None;
        let is_probe = health::asks_whether_alive(&request);
        let proof = self.proof.as_ref();
        let proof = proof.filter(|_| is_probe || request.uri().path() == MCP);
        let proof = proof.and_then(|proof| proof.answer(request.headers()));
        let at_once = if is_probe {
            // Whether the process takes requests shows here, and depends on nothing further in.
            Some(health::alive())
        } else if let Some(refusal) = guard::refusal(&self.guard, &request) {
            Some(refusal)
        } else {
            sensitive::mark(request.headers_mut());
            self.warn(peer, request.headers());
            let address = ClientAddress::of(peer, &self.proxies, request.headers());
            request.extensions_mut().insert(address);
            attempt = self.attempt(address, &request);
            if let Some(trying) = &attempt {
                request.extensions_mut().insert(trying.trial.clone());
            }
            let path = request.uri().path();
            let refusal = attempt.as_ref().and_then(|trying| trying.refusal(path));
            if refusal.is_some() {
                self.metrics.refusals().count(Refused::Throttled);
            }
            refusal
        };
        let answered = if let Some(response) = at_once {
            Either::Left(ready(Ok(response)))
        } else {
            if let Some(id) = &id {
                request.headers_mut().insert(X_REQUEST_ID, id.clone());
            }
            // Routes are always ready.
            Either::Right(self.routes.clone().call(request))
        };
        let metrics = self.metrics.clone();
        answered.map(move |answered: Result<Response, Infallible>| {
            let Ok(mut response) = answered;
            if let Some(attempt) = attempt {
                attempt.note();
            }
            if let Some(id) = id {
                response.headers_mut().insert(X_REQUEST_ID, id);
            }
            if let Some(proof) = proof {
                Proof::show(proof, &mut response);
            }
            let status = response.status().as_u16();
            metrics.requests().count(route, status, begun.elapsed());
            response
        })
    }
}

/// A credential that is being tried, where wrong ones count.
struct Trying {
    limits: Limits,
    attempt: Attempt,
    trial: Trial,
}

impl Entrance {
    /// Says once that a proxy's word does not count: behind it, all clients are one address.
    fn warn(&self, peer: IpAddr, headers: &HeaderMap) {
        if !self.has_warned.load(Ordering::Relaxed)
            && ClientAddress::is_disregarded(peer, &self.proxies, headers)
            && !self.has_warned.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                %peer,
                "requests name clients for whom they ask, and nobody was told to believe that; if this is \
                 your own proxy or tunnel, name it in FARCALL_TRUSTED_PROXIES, or all clients behind it are \
                 one address to every limit"
            );
        }
    }

    fn attempt(&self, address: ClientAddress, request: &Request) -> Option<Trying> {
        let limits = self.limits.as_ref()?;
        let attempt = limits.attempt(address, request.headers(), request.uri())?;
        Some(Trying {
            limits: limits.clone(),
            attempt,
            trial: Trial::default(),
        })
    }
}

impl Trying {
    fn refusal(&self, path: &str) -> Option<Response> {
        let wait = self.limits.admit_attempt(self.attempt).err()?;
        let what = "too many wrong credentials came from this address";
        Some(too_many(path, None, what, wait))
    }

    fn note(&self) {
        if let Some(was_right) = self.trial.told() {
            self.limits.note_attempt(self.attempt, was_right);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_each_other_in_hexadecimal_digits() {
        let mut digits = [0; 12];
        write_hex(0x1_0000_00ab, &mut digits);
        assert_eq!(&digits, b"0001000000ab");
        let (one, two) = (fresh_id().unwrap(), fresh_id().unwrap());
        assert_eq!(one.len(), 21);
        assert_ne!(one, two);
        assert_eq!(one.as_bytes()[..9], two.as_bytes()[..9]);
    }
}
