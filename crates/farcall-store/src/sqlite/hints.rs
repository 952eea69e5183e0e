//! Tells whoever listens in this process what has happened.

use tokio::sync::broadcast;

use crate::Hint;

/// How many hints a slow listener may be behind; then it hears that it missed some.
const BACKLOG: usize = 1_024;

/// Where hints are sent; nobody has to listen.
#[derive(Debug)]
pub(super) struct Hints(broadcast::Sender<Hint>);

impl Hints {
    pub(super) fn new() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.0.subscribe()
    }

    pub(super) fn tell(&self, hints: impl IntoIterator<Item = Hint>) {
        for hint in hints {
            // Without listeners there is nobody to tell.
            let _ = self.0.send(hint);
        }
    }
}
