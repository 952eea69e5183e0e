//! Tells whoever listens in this process what has happened.

use farcall_core::{id::JobId, job::state::JobState};
use tokio::sync::broadcast;

use crate::{Cancelled, Hint, Lost};

/// How many hints a slow listener may be behind; then it hears that it missed some.
const BACKLOG: usize = 1_024;

/// Where hints are sent; nobody has to listen.
#[derive(Clone, Debug)]
pub(crate) struct Hints(broadcast::Sender<Hint>);

impl Hints {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.0.subscribe()
    }

    pub(crate) fn tell(&self, hints: impl IntoIterator<Item = Hint>) {
        for hint in hints {
            // Without listeners there is nobody to tell.
            let _ = self.0.send(hint);
        }
    }

    pub(crate) fn tell_of_lost(&self, lost: &[Lost]) {
        self.tell(lost.iter().map(|lost| Hint::Changed(lost.id)));
        if lost.iter().any(|lost| lost.became == JobState::Queued) {
            self.tell([Hint::Queued]);
        }
    }

    pub(crate) fn tell_of_cancel(&self, id: JobId, cancelled: Option<&Cancelled>) {
        match cancelled {
            Some(Cancelled::Now(_)) => self.tell([Hint::Changed(id)]),
            Some(Cancelled::Requested(_)) => {
                self.tell([Hint::CancelRequested(id), Hint::Changed(id)]);
            }
            Some(Cancelled::WasOver(_)) | None => {}
        }
    }
}
