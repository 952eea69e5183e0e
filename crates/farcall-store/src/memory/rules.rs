//! The state machine of jobs and nothing else, small enough to be seen to be right.

use farcall_core::{
    job::state::JobState::{self, Failed, Queued, Running, Succeeded},
    problem::ErrorCode,
};

use crate::StoreError;

/// What the rules are about: all of a job that is counted.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) state: JobState,
    pub(super) error: Option<ErrorCode>,
    pub(super) stage: u32,
    pub(super) total_stages: u32,
    pub(super) checkpoint: Option<u32>,
    pub(super) epoch: i64,
    pub(super) attempt: u32,
    pub(super) losses: u32,
    pub(super) counted_losses: u32,
    pub(super) max_losses: u16,
    /// Its last attempt lost its worker: it runs alone.
    pub(super) is_suspect: bool,
    pub(super) is_alone: bool,
    pub(super) is_cancelled: bool,
}

/// What can happen to a job.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Claim,
    Report(u32),
    Checkpoint(u32),
    Restart(u32),
    Succeed,
    Fail(ErrorCode),
    Retry,
    Release,
    Lose,
    Cancel,
    GiveUp(ErrorCode),
}

/// Lets `event` happen. With an error, `job` is what it was.
pub(super) fn apply(job: &mut Standing, event: Event) -> Result<(), StoreError> {
    match (job.state, event) {
        (Queued, Event::Claim) => {
            (job.epoch, job.attempt) = (job.epoch + 1, job.attempt + 1);
            (job.state, job.is_alone) = (Running, job.is_suspect);
        }
        (Queued, Event::Cancel) => fail(job, ErrorCode::Cancelled),
        (Queued, Event::GiveUp(code)) | (Running, Event::Fail(code)) => fail(job, code),
        (Running, Event::Cancel) => job.is_cancelled = true,
        (Running, Event::Report(stage)) => {
            must(stage <= job.total_stages, "a stage is at most the total")?;
            job.stage = job.stage.max(stage);
        }
        (Running, Event::Checkpoint(stage)) => {
            must(
                stage <= job.total_stages,
                "a checkpoint is of a finished stage",
            )?;
            let is_ahead = Some(stage) >= job.checkpoint;
            must(is_ahead, "a checkpoint never goes backwards")?;
            (job.checkpoint, job.stage) = (Some(stage), job.stage.max(stage));
        }
        (Running, Event::Restart(total_stages)) => {
            must(total_stages >= 1, "there is a stage")?;
            (job.stage, job.total_stages, job.checkpoint) = (0, total_stages, None);
        }
        (Running, Event::Succeed) => {
            (job.state, job.is_alone, job.stage) = (Succeeded, false, job.total_stages);
        }
        (Running, Event::Release | Event::Retry) if job.is_cancelled => {
            fail(job, ErrorCode::Cancelled);
        }
        (Running, Event::Release) => {
            job.attempt -= 1;
            wait(job);
        }
        (Running, Event::Retry) => {
            job.is_suspect = false;
            wait(job);
        }
        (Running, Event::Lose) => {
            (job.losses, job.counted_losses) =
                (job.losses + 1, job.counted_losses + u32::from(job.is_alone));
            if job.is_cancelled {
                fail(job, ErrorCode::Cancelled);
            } else if job.max_losses == 0 || job.counted_losses >= job.max_losses.into() {
                fail(job, ErrorCode::WorkerLost);
            } else {
                job.is_suspect = true;
                wait(job);
            }
        }
        _ => return Err(StoreError::StaleClaim),
    }
    Ok(())
}

/// Goes back into the queue, to the last checkpoint.
fn wait(job: &mut Standing) {
    (job.state, job.is_alone, job.stage) = (Queued, false, job.checkpoint.unwrap_or(0));
}

fn fail(job: &mut Standing, code: ErrorCode) {
    (job.state, job.is_alone, job.error) = (Failed, false, Some(code));
}

/// Refuses what breaks `rule`.
pub(super) fn must(is_right: bool, rule: &str) -> Result<(), StoreError> {
    if is_right {
        return Ok(());
    }
    Err(StoreError::Refused {
        rule: rule.to_owned(),
    })
}
