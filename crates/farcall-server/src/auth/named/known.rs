//! Everybody who is known at one moment, by their tokens.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use farcall_core::{clock::Timestamp, principal::Principal};
use farcall_store::{Caller, Callers, Edition, Token, TokenId};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How exactly the last use of a token is kept, in milliseconds.
const NOTED: i64 = 60_000;

/// What a token is compared with that nobody has; no text has it as its SHA-256, as far as anyone knows.
const NOBODYS: [u8; 32] = [0; 32];

/// The tokens that may still open, and whose they are.
#[derive(Default)]
pub(super) struct Known {
    /// Of what this is the state; none before a store was read.
    edition: Option<i64>,
    tokens: HashMap<TokenId, Entry>,
    has_callers: bool,
}

/// A token.
pub(super) struct Entry {
    pub(super) caller: Principal,
    digest: [u8; 32],
    expires_at: Option<Timestamp>,
    /// When its use was noted last.
    noted: AtomicI64,
}

impl Known {
    /// What `callers` says, where `before` was known before.
    pub(super) fn new(callers: Callers, before: &Self) -> Self {
        let now = callers.edition.read_at;
        // Names do not go away. Were they ever to, by a hand in the database, that would open nothing.
        let has_callers = before.has_callers || !callers.callers.is_empty();
        let mut tokens = HashMap::new();
        for caller in callers.callers {
            let principal = principal(&caller);
            let live = caller
                .tokens
                .into_iter()
                .filter(|token| !token.is_over(now));
            tokens.extend(live.map(|token| {
                let noted = before.tokens.get(&token.id).map(Entry::noted);
                let entry = Entry::new(&principal, &token, noted);
                (token.id, entry)
            }));
        }
        Self {
            edition: Some(callers.edition.number),
            tokens,
            has_callers,
        }
    }

    pub(super) fn has_callers(&self) -> bool {
        self.has_callers
    }

    /// Whether this is still the state of the store.
    pub(super) fn is_of(&self, edition: Edition) -> bool {
        self.edition == Some(edition.number)
    }

    /// Who has `token`, whose id is `id`. What is done for one that nobody has is what is done for a wrong
    /// secret: a search, a digest, a comparison.
    pub(super) fn holder(&self, id: &str, token: &str, now: Timestamp) -> Option<&Entry> {
        let entry = self.tokens.get(id);
        let expected = entry.map_or(&NOBODYS, |entry| &entry.digest);
        let sent: [u8; 32] = Sha256::digest(token).into();
        let is_it = bool::from(sent.ct_eq(expected));
        entry.filter(|entry| is_it && entry.expires_at.is_none_or(|end| end > now))
    }
}

impl Entry {
    fn new(caller: &Principal, token: &Token, noted: Option<i64>) -> Self {
        let last_used_at = token.last_used_at.map_or(i64::MIN, |at| at.0);
        Self {
            caller: caller.clone(),
            digest: token.digest,
            expires_at: token.expires_at,
            noted: AtomicI64::new(noted.map_or(last_used_at, |noted| noted.max(last_used_at))),
        }
    }

    fn noted(&self) -> i64 {
        self.noted.load(Ordering::Relaxed)
    }

    /// Whether its use at `now` is worth a write; of all who ask at once, one is told so.
    pub(super) fn is_to_be_noted(&self, now: Timestamp) -> bool {
        let last = self.noted();
        let is_due = now.0.saturating_sub(last) >= NOTED;
        is_due
            && self
                .noted
                .compare_exchange(last, now.0, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

fn principal(caller: &Caller) -> Principal {
    let rights = &caller.rights;
    let mut principal =
        Principal::new(caller.name.as_str()).with_scopes(rights.scopes.iter().copied());
    if let Some(tools) = &rights.tools {
        principal = principal.with_tools(Arc::new(tools.clone()));
    }
    if let Some(limit) = rights.max_open_jobs {
        principal = principal.with_max_open_jobs(limit);
    }
    principal
}
