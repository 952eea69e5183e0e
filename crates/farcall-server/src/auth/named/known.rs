//! Everybody who is known at one moment, by their tokens.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use farcall_core::{clock::Timestamp, principal::Principal};
use farcall_store::{Caller, CallerName, Callers, Edition, Token};
use sha2::{Digest, Sha256};

/// How exactly the last use of a token is kept, in milliseconds.
const NOTED: i64 = 60_000;

/// SHA-256 of all of a token, by which it is looked for. So it makes no difference to the time that takes
/// whether there is another token of its id; and nobody comes closer to a digest by trying.
type TokenDigest = [u8; 32];

/// The tokens that may still open, and whose they are.
#[derive(Default)]
pub(super) struct Known {
    /// Of what this is the state; none before a store was read.
    edition: Option<i64>,
    tokens: HashMap<TokenDigest, Entry>,
    /// Of each caller the token that ends last.
    lasting: HashMap<CallerName, TokenDigest>,
    has_callers: bool,
}

/// A token.
pub(super) struct Entry {
    pub(super) caller: Principal,
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
        let (mut tokens, mut lasting) = (HashMap::new(), HashMap::new());
        for caller in callers.callers {
            let principal = principal(&caller);
            let live = caller.tokens.into_iter();
            let live: Vec<_> = live.filter(|token| !token.is_over(now)).collect();
            let last = live.iter().max_by_key(|token| {
                let end = token.expires_at;
                end.map_or(i64::MAX, |end| end.0)
            });
            lasting.extend(last.map(|token| (caller.name, token.digest)));
            tokens.extend(live.into_iter().map(|token| {
                let noted = before.tokens.get(&token.digest).map(Entry::noted);
                let entry = Entry::new(&principal, &token, noted);
                (token.digest, entry)
            }));
        }
        Self {
            edition: Some(callers.edition.number),
            tokens,
            lasting,
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

    /// Who has `token`.
    pub(super) fn holder(&self, token: &str, now: Timestamp) -> Option<&Entry> {
        let digest: TokenDigest = Sha256::digest(token).into();
        self.tokens.get(&digest).filter(|entry| entry.is_live(now))
    }

    /// The caller called `name`, as long as it has a token.
    pub(super) fn called(&self, name: &str, now: Timestamp) -> Option<&Principal> {
        let entry = self.tokens.get(self.lasting.get(name)?)?;
        entry.is_live(now).then_some(&entry.caller)
    }
}

impl Entry {
    fn new(caller: &Principal, token: &Token, noted: Option<i64>) -> Self {
        let last_used_at = token.last_used_at.map_or(i64::MIN, |at| at.0);
        Self {
            caller: caller.clone(),
            expires_at: token.expires_at,
            noted: AtomicI64::new(noted.map_or(last_used_at, |noted| noted.max(last_used_at))),
        }
    }

    fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| end > now)
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

#[cfg(test)]
mod timing;
