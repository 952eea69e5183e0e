//! Tells the code of a job that it should stop, and why.

use std::sync::{Arc, OnceLock};

use farcall_core::job::StopReason;
use tokio_util::sync::CancellationToken;

/// The wish that one attempt ends early; cheap to clone. The first reason counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    token: CancellationToken,
    reason: Arc<OnceLock<StopReason>>,
}

impl Stop {
    pub(crate) fn because(&self, reason: StopReason) {
        // In this order, so that whoever is woken finds the reason.
        let _ = self.reason.set(reason);
        self.token.cancel();
    }

    pub(crate) fn reason(&self) -> Option<StopReason> {
        self.reason.get().copied()
    }

    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_counts() {
        let stop = Stop::default();
        assert_eq!(stop.reason(), None);
        stop.because(StopReason::Lost);
        stop.because(StopReason::Stopping);
        assert_eq!(stop.reason(), Some(StopReason::Lost));
        assert!(stop.token().is_cancelled());
    }
}
