//! Whether an error of a job is followed by another try, and when.

use std::time::Duration;

use farcall_core::{
    job::JobOptions,
    problem::{ErrorCode, Problem},
};
use farcall_store::Claim;

/// The longest pause, before chance has its part in it.
const MAX_PAUSE: Duration = Duration::from_mins(5);

/// How often the job is tried again where this attempt ends with an error.
pub(crate) fn tries_left(options: &JobOptions, claim: &Claim) -> u32 {
    options.retries.saturating_sub(tries_before(claim))
}

/// The pause before the next try after `problem`; `None` where there is none. `chance` is from 0
/// to 1.
pub(crate) fn pause(
    options: &JobOptions,
    claim: &Claim,
    problem: &Problem,
    chance: f64,
) -> Option<Duration> {
    if tries_left(options, claim) == 0 || !may_pass(problem) {
        return None;
    }
    let doubled = 1_u32.checked_shl(tries_before(claim)).unwrap_or(u32::MAX);
    let pause = options.retry_delay.saturating_mul(doubled).min(MAX_PAUSE);
    // Jobs that failed together, because what they all need was away, do not come back together.
    Some(pause.mul_f64(0.5 + chance.clamp(0.0, 1.0)))
}

/// Earlier attempts that ended with an error; those that lost their worker were no tries of the
/// job's own.
fn tries_before(claim: &Claim) -> u32 {
    claim.attempt.saturating_sub(claim.losses + 1)
}

/// Whether another try could come to another end.
fn may_pass(problem: &Problem) -> bool {
    let stays = matches!(
        problem.code(),
        ErrorCode::Cancelled | ErrorCode::OutputLimit | ErrorCode::StorageFull | ErrorCode::Timeout
    );
    !stays && !problem.is_final()
}

/// A number from 0 to 1; the middle where the system gives no random bytes.
pub(crate) fn chance() -> f64 {
    let mut bits = [0; 4];
    match getrandom::fill(&mut bits) {
        Ok(()) => f64::from(u32::from_ne_bytes(bits)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use farcall_core::{JsonObject, id::JobId, panic, question::Askable};
    use farcall_store::Fence;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn options(retries: u32) -> JobOptions {
        let mut options = JobOptions::default();
        options.retries = retries;
        options.retry_delay = 2 * SECOND;
        options
    }

    fn attempt(attempt: u32, losses: u32) -> Claim {
        Claim {
            fence: Fence {
                id: JobId::from_random([7; 16]),
                epoch: attempt.into(),
            },
            owner: "alice".to_owned(),
            job: "brew".to_owned(),
            arguments: JsonObject::new(),
            attempt,
            losses,
            alone: false,
            total_stages: 1,
            fingerprint: String::new(),
            checkpoint: None,
            can_ask: Askable::NOBODY,
            trace: None,
        }
    }

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let failed = Problem::user("no water");
        let pause = |number| pause(&options(100), &attempt(number, 0), &failed, 0.5).unwrap();
        assert_eq!([1, 2, 3, 4].map(pause), [2, 4, 8, 16].map(|n| n * SECOND));
        for late in [9, 31, 32, 33, 100] {
            assert_eq!(pause(late), MAX_PAUSE, "{late}");
        }
    }

    #[test]
    fn chance_makes_a_pause_half_as_long_or_longer_by_half() {
        let failed = Problem::user("no water");
        let pause = |chance| pause(&options(1), &attempt(1, 0), &failed, chance);
        assert_eq!(pause(0.0), Some(SECOND));
        assert_eq!(pause(1.0), Some(3 * SECOND));
        assert!((0..100).all(|_| (0.0..=1.0).contains(&chance())));
    }

    #[test]
    fn there_are_as_many_tries_as_were_asked_for_and_losses_are_none() {
        let failed = Problem::user("no water");
        let is_tried = |retries, claim| pause(&options(retries), &claim, &failed, 0.5).is_some();
        assert!(!is_tried(0, attempt(1, 0)));
        assert!(is_tried(2, attempt(2, 0)));
        assert!(!is_tried(2, attempt(3, 0)));
        assert!(is_tried(2, attempt(5, 3)));
        assert_eq!(tries_left(&options(2), &attempt(5, 3)), 1);
    }

    #[test]
    fn what_would_come_to_the_same_end_is_not_tried_again() {
        let is_tried =
            |problem: &Problem| pause(&options(1), &attempt(1, 0), problem, 0.5).is_some();
        for (code, expected) in [
            (ErrorCode::Cancelled, false),
            (ErrorCode::OutputLimit, false),
            (ErrorCode::StorageFull, false),
            (ErrorCode::Timeout, false),
            (ErrorCode::ExitNonzero, true),
            (ErrorCode::Internal, true),
            (ErrorCode::UserError, true),
        ] {
            assert_eq!(
                is_tried(&Problem::new(code, "it failed")),
                expected,
                "{code}"
            );
        }
        assert!(!is_tried(&Problem::user("wrong tea").no_retry()));
        let panicked = panic::contain::<()>(|| panic!("a fault of the code"));
        assert!(!is_tried(&panicked.unwrap_err()));
    }
}
