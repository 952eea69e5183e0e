//! News for clients that subscribed: a resource has changed, a list has changed.

use std::sync::Arc;

use tokio::sync::broadcast;

/// What subscribers can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// The resource at this URI has changed.
    Resource(Arc<str>),
    /// The list of tools has changed.
    Tools,
    /// The list of prompts has changed.
    Prompts,
    /// The list of resources has changed.
    Resources,
}

/// Sends news to every client that subscribed to it; cheap to clone.
#[derive(Clone, Debug)]
pub struct Updates(broadcast::Sender<Update>);

/// How many pieces of news a slow subscriber may fall behind before it misses the oldest.
const BACKLOG: usize = 256;

impl Default for Updates {
    fn default() -> Self {
        Self(broadcast::channel(BACKLOG).0)
    }
}

impl Updates {
    /// Tells whoever subscribed; nothing happens where nobody did.
    pub fn send(&self, update: Update) {
        // An error only says that nobody listens.
        let _ = self.0.send(update);
    }

    /// The resource at `uri` has changed.
    pub fn resource(&self, uri: impl Into<Arc<str>>) {
        self.send(Update::Resource(uri.into()));
    }

    /// News from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Update> {
        self.0.subscribe()
    }
}
