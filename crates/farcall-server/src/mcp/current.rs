//! What is offered at this moment: one immutable whole, which is exchanged as such.

use std::sync::{Arc, PoisonError, RwLock};

use farcall_core::updates::Update;
use rmcp::model::Tool;

use super::Server;

/// The server as a request finds it. Who needs it twice keeps what it got: until a request is answered, it
/// sees one and the same.
pub(super) struct Current(RwLock<Arc<Server>>);

/// What a server offers that it did not offer before.
pub struct Next(pub(super) Server);

/// Which tools are others, by their names, as clients see them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Were not there before.
    pub added: Vec<String>,
    /// Are declared in another way.
    pub changed: Vec<String>,
    /// Are not there any more.
    pub removed: Vec<String>,
}

impl Current {
    pub(super) fn new(server: Server) -> Self {
        Self(RwLock::new(Arc::new(server)))
    }

    /// The server of this moment.
    pub(super) fn get(&self) -> Arc<Server> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Exchanges it, and tells subscribers which lists are others now.
    pub(super) fn exchange(&self, Next(next): Next) -> Changes {
        let next = Arc::new(next);
        let before = {
            let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, Arc::clone(&next))
        };
        let (was, is) = (&before.presented, &next.presented);
        let news = [
            (was.tools != is.tools).then_some(Update::Tools),
            (was.prompts != is.prompts).then_some(Update::Prompts),
            (was.resources != is.resources || was.templates != is.templates)
                .then_some(Update::Resources),
        ];
        if let Some(updates) = &next.updates {
            news.into_iter()
                .flatten()
                .for_each(|update| updates.send(update));
        }
        Changes::between(&was.tools, &is.tools)
    }
}

impl Changes {
    fn between(before: &[Tool], after: &[Tool]) -> Self {
        let mut changes = Self::default();
        for tool in after {
            match before.iter().find(|known| known.name == tool.name) {
                None => changes.added.push(tool.name.to_string()),
                Some(known) if known != tool => changes.changed.push(tool.name.to_string()),
                Some(_) => {}
            }
        }
        let is_gone = |tool: &&Tool| !after.iter().any(|known| known.name == tool.name);
        let gone = before.iter().filter(is_gone);
        changes
            .removed
            .extend(gone.map(|tool| tool.name.to_string()));
        changes
    }
}
