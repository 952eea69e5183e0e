//! Who is calling.

use std::{collections::BTreeSet, sync::Arc};

use crate::{allowance::ToolAllowance, clock::Timestamp};

/// A right of a [`Principal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// May see the server's inside: details of readiness, everyone's jobs.
    Admin,
    /// May call tools and fetch its own files.
    Call,
}

impl Scope {
    /// All of them, by their names.
    pub const ALL: [Self; 2] = [Self::Admin, Self::Call];

    /// Its name, as operators write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Call => "call",
        }
    }

    /// The scope called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

/// The caller that an authenticator recognised.
///
/// Jobs and files belong to the principal that started them; another principal
/// cannot tell them from ones that never existed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    id: Arc<str>,
    scopes: BTreeSet<Scope>,
    tools: Option<Arc<ToolAllowance>>,
    withheld: Arc<BTreeSet<String>>,
    max_open_jobs: Option<u32>,
}

impl Principal {
    /// A principal with the scope `call`. Two principals with the same `id` are the same owner.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self {
            id: id.into(),
            scopes: BTreeSet::from([Scope::Call]),
            tools: None,
            withheld: Arc::default(),
            max_open_jobs: None,
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

    /// The same principal with these scopes and no others.
    #[must_use]
    pub fn with_scopes(mut self, scopes: impl IntoIterator<Item = Scope>) -> Self {
        self.scopes = scopes.into_iter().collect();
        self
    }

    /// The same principal, for which there are no tools but these, and neither prompts nor resources.
    #[must_use]
    pub fn with_tools(mut self, tools: impl Into<Arc<ToolAllowance>>) -> Self {
        self.tools = Some(tools.into());
        self
    }

    /// The same principal with a credential that is not enough for these tools. They are there for it, so
    /// that it can ask for more; what others would do with its jobs in their place is out of its reach.
    #[must_use]
    pub fn without(mut self, tools: BTreeSet<String>) -> Self {
        if !tools.is_empty() {
            self.withheld = Arc::new(tools);
        }
        self
    }

    /// The same principal, of whose jobs at most `limit` may wait or run at any moment.
    #[must_use]
    pub fn with_max_open_jobs(mut self, limit: u32) -> Self {
        self.max_open_jobs = Some(limit);
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

    /// The tools that there are for it; `None` where that is all of them.
    pub fn tools(&self) -> Option<&ToolAllowance> {
        self.tools.as_deref()
    }

    /// Whether the tool called `name` exists for it.
    pub fn may_call(&self, name: &str) -> bool {
        self.tools().is_none_or(|tools| tools.allows(name))
    }

    /// Whether what the tool called `name` does is withheld from it, by whichever way.
    pub fn is_withheld(&self, name: &str) -> bool {
        self.withheld.contains(name)
    }

    /// Whether everything that is offered exists for it, also what is no tool.
    pub fn is_unrestricted(&self) -> bool {
        self.tools.is_none()
    }

    /// How many of its jobs may wait or run at any moment, where there is a limit.
    pub fn max_open_jobs(&self) -> Option<u32> {
        self.max_open_jobs
    }

    /// Whether this principal has `scope`.
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}
