//! Tells the code of a job that it should stop, and why.

use std::sync::{Arc, OnceLock};

use farcall_core::job::StopReason;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The wish that one attempt ends early; cheap to clone. The first reason counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    token: CancellationToken,
    reason: Arc<OnceLock<StopReason>>,
    given_up: CancellationToken,
    waiting: Arc<watch::Sender<u32>>,
}

impl Stop {
    /// Says why, and returns the reason that counts.
    pub(crate) fn because(&self, reason: StopReason) -> StopReason {
        // In this order, so that whoever is woken finds the reason.
        let reason = *self.reason.get_or_init(|| reason);
        self.token.cancel();
        reason
    }

    pub(crate) fn reason(&self) -> Option<StopReason> {
        self.reason.get().copied()
    }

    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Says that the work waits for its caller, until what this returns is dropped.
    pub(crate) fn wait(&self) -> Waiting {
        self.waiting.send_modify(|waiting| *waiting += 1);
        Waiting(Arc::clone(&self.waiting))
    }

    /// In how many places the work waits for its caller.
    pub(crate) fn waiting(&self) -> watch::Receiver<u32> {
        self.waiting.subscribe()
    }

    /// Says that nobody waits for the attempt any more: a future is dropped, a thread goes on.
    pub(crate) fn give_up(&self) {
        self.given_up.cancel();
    }

    pub(crate) fn given_up(&self) -> &CancellationToken {
        &self.given_up
    }
}

/// The work waits for its caller, which is no work.
pub(crate) struct Waiting(Arc<watch::Sender<u32>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_counts() {
        let stop = Stop::default();
        assert_eq!(stop.reason(), None);
        assert_eq!(stop.because(StopReason::Lost), StopReason::Lost);
        assert_eq!(stop.because(StopReason::Stopping), StopReason::Lost);
        assert_eq!(stop.reason(), Some(StopReason::Lost));
        assert!(stop.token().is_cancelled() && !stop.given_up().is_cancelled());
    }
}
