//! Who is calling.

use std::{collections::BTreeSet, sync::Arc};

use crate::clock::Timestamp;

/// A right of a [`Principal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// May see the server's inside: details of readiness, everyone's jobs.
    Admin,
    /// May call tools and fetch its own files.
    Call,
}

/// The caller that an authenticator recognised.
///
/// Jobs and files belong to the principal that started them; another principal
/// cannot tell them from ones that never existed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    id: Arc<str>,
    scopes: BTreeSet<Scope>,
}

impl Principal {
    /// A principal with the scope `call`. Two principals with the same `id` are the same owner.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self {
            id: id.into(),
            scopes: BTreeSet::from([Scope::Call]),
        }
    }

    /// The caller of a server that authenticates nobody; it has every scope.
    pub fn anonymous() -> Self {
        Self::new("anonymous").with_scope(Scope::Admin)
    }

    /// The same principal with one more scope.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scopes.insert(scope);
        self
    }

    /// The stable identity, recorded as the owner of jobs and files.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it may see what belongs to `owner` and expires at `expires_at`: its own, or
    /// everyone's with the scope `admin`; never what has expired.
    pub fn may_see(&self, owner: &str, expires_at: Option<Timestamp>, now: Timestamp) -> bool {
        let is_expired = expires_at.is_some_and(|end| end <= now);
        !is_expired && (owner == self.id() || self.has(Scope::Admin))
    }

    /// Whether this principal has `scope`.
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}
