//! What a store keeps about those who call, and what can be done with it.

mod name;
pub(crate) mod written;

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use farcall_core::{allowance::ToolAllowance, clock::Timestamp, principal::Scope};

pub use self::name::{CallerName, NameFault, SECRET, TokenId};
use crate::StoreError;

/// How many tokens a store holds at most that are not over, so that all of them fit into a process.
pub const MAX_TOKENS: u32 = 10_000;

/// How long a token that is over stays in the list.
pub(crate) const REMEMBERED: Duration = Duration::from_hours(30 * 24);

/// Keeps named callers and the tokens by which they are known.
///
/// Of a token there is its SHA-256 and never the token itself. As [`JobStore`](crate::JobStore), every
/// method is atomic, what it has answered is durable, and all times are the store's own.
#[async_trait]
pub trait CallerStore: Send + Sync {
    /// Makes a caller, with its first token. `false` where there is one of that name with a token that
    /// is not over; where all of them are, it is the same caller with other rights.
    async fn admit(
        &self,
        name: &CallerName,
        rights: &Rights,
        token: &NewToken,
    ) -> Result<bool, StoreError>;

    /// Gives a caller one more token; the others are over when `overlap` has passed, at once where that
    /// is no time at all. `false` where there is no such caller.
    async fn rotate(
        &self,
        name: &CallerName,
        token: &NewToken,
        overlap: Duration,
    ) -> Result<bool, StoreError>;

    /// Ends tokens for good, and says how many of them were not over.
    async fn revoke(&self, which: &Revoked) -> Result<u64, StoreError>;

    /// All callers, in the order of their names, at one moment.
    async fn callers(&self) -> Result<Callers, StoreError>;

    /// Which state of the callers this is.
    async fn callers_edition(&self) -> Result<Edition, StoreError>;

    /// Notes that a token was used now. No [edition](Edition) is new by that.
    async fn used(&self, token: &TokenId) -> Result<(), StoreError>;
}

/// What a caller may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Its scopes, at least one.
    pub scopes: BTreeSet<Scope>,
    /// The tools that there are for it; `None` where that is all of them.
    pub tools: Option<ToolAllowance>,
    /// How many of its jobs may wait or run at any moment, at least 1; `None` where there is no limit.
    pub max_open_jobs: Option<u32>,
}

/// A token as it is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// What it is known by.
    pub id: TokenId,
    /// SHA-256 of all of it.
    pub digest: [u8; 32],
    /// How long it is good; `None` where it is until somebody ends it.
    pub lives_for: Option<Duration>,
}

/// Which tokens are revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// All of a caller's.
    Caller(CallerName),
    /// This one.
    Token(TokenId),
}

/// Which state of the callers something was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edition {
    /// Another number after every change.
    pub number: i64,
    /// When it was read, on the store's clock.
    pub read_at: Timestamp,
}

/// Everybody who has ever been named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callers {
    /// Of what this is the state.
    pub edition: Edition,
    /// Who they are, in the order of their names.
    pub callers: Vec<Caller>,
}

/// A caller that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name, which is the owner of its jobs.
    pub name: CallerName,
    /// What it may do, whichever of its tokens it brings.
    pub rights: Rights,
    /// When it was named first.
    pub created_at: Timestamp,
    /// Its tokens, oldest first. One that has been over for thirty days may be missing.
    pub tokens: Vec<Token>,
}

/// A token of a caller, without what only its holder knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is known by.
    pub id: TokenId,
    /// SHA-256 of all of it.
    pub digest: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, or ended, by itself.
    pub expires_at: Option<Timestamp>,
    /// When somebody ended it.
    pub revoked_at: Option<Timestamp>,
    /// When it was used last, to about a minute.
    pub last_used_at: Option<Timestamp>,
}

impl Token {
    /// Whether it opens nothing any more at `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.revoked_at.is_some() || self.expires_at.is_some_and(|end| end <= now)
    }
}
