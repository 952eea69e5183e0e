//! Waiting, as long as the job is wanted.

use std::time::Duration;

use farcall_core::{
    job::JobContext,
    problem::{ErrorCode, Problem},
};

/// What `work` comes to, unless the job should stop first; then the work is dropped.
///
/// # Errors
/// The problem that says why the job stops.
pub(super) async fn unless_stopped<T>(
    context: &JobContext,
    work: impl Future<Output = T>,
) -> Result<T, Problem> {
    tokio::select! {
        biased;
        () = context.cancellation().cancelled() => {
            context.check()?;
            Err(Problem::new(ErrorCode::Cancelled, "the job was stopped"))
        }
        done = work => Ok(done),
    }
}

/// The pauses between two polls: even ones while answers come, and growing ones while they do not.
#[derive(Debug)]
pub(super) struct Pauses {
    interval: Duration,
    failures: u32,
}

/// How many polls in a row may fail; with the pauses between them a service has some ten minutes to
/// come back.
const MAX_FAILURES: u32 = 16;

/// The longest pause that farcall makes by itself; an interval may be longer.
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// The longest pause that a service can ask for.
const MAX_ASKED: Duration = Duration::from_hours(1);

impl Pauses {
    /// Pauses of `interval`.
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            failures: 0,
        }
    }

    /// The pause after a poll that was answered; `asked` is what the service asks for.
    pub(super) fn after_answer(&mut self, asked: Option<Duration>) -> Duration {
        self.failures = 0;
        at_least(self.interval, asked)
    }

    /// The pause after a poll that failed; `None` where there were too many.
    pub(super) fn after_failure(&mut self, asked: Option<Duration>) -> Option<Duration> {
        self.failures += 1;
        if self.failures > MAX_FAILURES {
            return None;
        }
        let grown = self.interval.saturating_mul(1 << self.failures.min(6));
        let pause = grown.min(MAX_PAUSE.max(self.interval));
        Some(at_least(pause, asked))
    }
}

fn at_least(pause: Duration, asked: Option<Duration>) -> Duration {
    pause.max(asked.unwrap_or_default().min(MAX_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_grow_while_polls_fail_and_shrink_when_one_is_answered() {
        let mut pauses = Pauses::new(SECOND);
        assert_eq!(pauses.after_answer(None), SECOND);
        let grown: Vec<_> = (0..8)
            .map(|_| pauses.after_failure(None).unwrap().as_secs())
            .collect();
        assert_eq!(grown, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(pauses.after_answer(None), SECOND);
        assert_eq!(pauses.after_failure(None), Some(2 * SECOND));
    }

    #[test]
    fn a_service_that_does_not_come_back_is_given_up() {
        let mut pauses = Pauses::new(SECOND);
        let pauses: Vec<_> = std::iter::from_fn(|| pauses.after_failure(None)).collect();
        assert_eq!(pauses.len(), 16);
        let all: Duration = pauses.iter().sum();
        assert!((8 * 60..15 * 60).contains(&all.as_secs()), "{all:?}");
    }

    #[test]
    fn what_a_service_asks_for_is_a_least_and_has_a_limit() {
        let mut pauses = Pauses::new(SECOND);
        assert_eq!(pauses.after_answer(Some(10 * SECOND)), 10 * SECOND);
        assert_eq!(pauses.after_answer(Some(Duration::ZERO)), SECOND);
        assert_eq!(pauses.after_failure(Some(30 * SECOND)), Some(30 * SECOND));
        assert_eq!(pauses.after_answer(Some(Duration::MAX)), MAX_ASKED);
    }

    #[test]
    fn a_long_interval_is_not_cut() {
        let hour = Duration::from_hours(1);
        assert_eq!(Pauses::new(hour).after_failure(None), Some(hour));
        assert_eq!(
            Pauses::new(Duration::MAX).after_failure(None),
            Some(Duration::MAX)
        );
    }
}
