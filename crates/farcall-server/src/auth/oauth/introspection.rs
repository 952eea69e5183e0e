//! Tokens that only their issuer can read: it is asked (RFC 7662).
//!
//! What it says of a token that counts holds for half a minute, so that an agent at work costs it two
//! questions a minute. What it says of others is not kept, because those who guess never come back; and
//! however many of them there are, they leave room for those who were let in before.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use farcall_core::{
    clock::{Clock, Timestamp},
    principal::Principal,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use url::Url;

use super::{Granted, OAuthTerms, OAuthTokens};
use crate::auth::{
    outbound::{NoAnswer, Outbound},
    token::{Fault, LONGEST, Several, Span},
};

/// How long an answer holds, in seconds; so long may a token count that was revoked.
const HOLDS: u16 = 30;

/// How many answers are kept.
const MOST: usize = 4_096;

/// How many questions may be open at once. A flood of tokens waits here, not there.
const OPEN: usize = 32;

/// How many of them may be about tokens that have never counted.
const OPEN_FOR_STRANGERS: usize = 24;

/// Asks the issuer about tokens.
pub(super) struct Introspection {
    outbound: Outbound,
    clock: Arc<dyn Clock>,
    open: Semaphore,
    open_for_strangers: Semaphore,
    /// What counted when it was asked about, also where that was too long ago to hold; by the digest of the
    /// token: no copy of a token is kept.
    known: Mutex<HashMap<[u8; 32], Known>>,
}

#[derive(Clone)]
struct Known {
    bearer: (Principal, Granted),
    /// On the steady clock.
    until: Timestamp,
}

/// What the issuer says. Everything but `active` may be missing by the RFC.
#[derive(Deserialize)]
struct Answer {
    active: bool,
    aud: Option<Several>,
    client_id: Option<String>,
    exp: Option<f64>,
    iss: Option<String>,
    nbf: Option<f64>,
    scope: Option<String>,
    sub: Option<String>,
}

impl Introspection {
    pub(super) fn new(url: &Url, clock: Arc<dyn Clock>) -> Result<Self, NoAnswer> {
        Ok(Self {
            outbound: Outbound::new(url)?,
            clock,
            open: Semaphore::new(OPEN),
            open_for_strangers: Semaphore::new(OPEN_FOR_STRANGERS),
            known: Mutex::default(),
        })
    }

    /// Who the bearer of `token` is, and what it may do.
    pub(super) async fn judge(
        &self,
        token: &str,
        terms: &OAuthTerms,
    ) -> Result<(Principal, Granted), Fault> {
        if token.len() > LONGEST {
            return Err(Fault::refused("it is longer than any token"));
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        let known = self.known().get(&digest).cloned();
        let is_strange = known.is_none();
        if let Some(known) = known
            && self.clock.steady() < known.until
        {
            return Ok(known.bearer);
        }
        let answer = self.ask(token, is_strange, &terms.tokens);
        let answer = answer.await.map_err(|reason| {
            tracing::warn!(%reason, "the issuer cannot be asked about a token");
            Fault::Unavailable
        })?;
        match self.weigh(answer, terms) {
            Ok((bearer, span)) => {
                // What is about to end does not hold; who brings it is no stranger all the same.
                let lasts = span.lasts(self.clock.now(), HOLDS);
                self.keep(digest, &bearer, if lasts { HOLDS } else { 0 });
                Ok(bearer)
            }
            Err(fault) => {
                self.known().remove(&digest);
                Err(fault)
            }
        }
    }

    async fn ask(
        &self,
        token: &str,
        is_strange: bool,
        tokens: &OAuthTokens,
    ) -> Result<Answer, NoAnswer> {
        let OAuthTokens::Introspected {
            url,
            client_id,
            client_secret,
        } = tokens
        else {
            return Err(NoAnswer::because("tokens are not introspected here"));
        };
        let _place_of_strangers = if is_strange {
            Some(self.open_for_strangers.acquire().await)
        } else {
            None
        };
        let _place = self.open.acquire().await;
        let form = [("token", token), ("token_type_hint", "access_token")];
        let answer = self
            .outbound
            .post(url, &form, client_id, client_secret)
            .await?;
        serde_json::from_slice(&answer).map_err(|_| {
            NoAnswer::because(format!(
                "`{url}` answers something that is no introspection"
            ))
        })
    }

    /// Whose token it is, and when it counts.
    fn weigh(
        &self,
        answer: Answer,
        terms: &OAuthTerms,
    ) -> Result<((Principal, Granted), Span), Fault> {
        if !answer.active {
            return Err(Fault::refused("its issuer says that it does not count"));
        }
        if answer.iss.is_some_and(|issuer| issuer != terms.issuer) {
            return Err(Fault::refused("somebody else issued it"));
        }
        // Optional in RFC 7662, but MCP lets nobody in with a token that is not for this server.
        let mut audiences = answer.aud.iter().flat_map(Several::as_slice);
        if !audiences.any(|audience| *audience == terms.audience) {
            return Err(Fault::refused("it is for somebody else"));
        }
        let span = Span {
            begin: answer.nbf,
            end: answer.exp,
        };
        span.judge(self.clock.now())?;
        let principal = terms.principal(answer.sub, answer.client_id)?;
        let scopes = answer.scope.unwrap_or_default();
        let granted: BTreeSet<_> = scopes.split_ascii_whitespace().map(str::to_owned).collect();
        Ok(((principal, Granted(Arc::new(granted))), span))
    }

    fn keep(&self, digest: [u8; 32], bearer: &(Principal, Granted), seconds: u16) {
        let now = self.clock.steady();
        let until = Timestamp(now.0 + i64::from(seconds) * 1_000);
        let mut known = self.known();
        if known.len() >= MOST {
            known.retain(|_, known| now < known.until);
        }
        if known.len() < MOST {
            let bearer = bearer.clone();
            known.insert(digest, Known { bearer, until });
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<[u8; 32], Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
