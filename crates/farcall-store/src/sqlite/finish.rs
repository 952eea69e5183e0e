//! How a claim comes to its end: for good, or back in the queue.

use std::time::Duration;

use farcall_core::{id::JobId, job::state::JobState, problem::ErrorCode};
use sqlx::SqliteConnection;

use super::{
    artifacts,
    fence::{self, held},
    row::{self, record_columns},
    writer::Write,
};
use crate::{
    Cancelled, Fence, Hint, JobError, JobRecord, Reach, StoreError, Success, hints::Hints,
    limits::milliseconds, message, moment::Moment, text,
};

// Nothing goes on from the checkpoint any more.
const SUCCEED: &str = concat!(
    "UPDATE jobs SET
         state = 'succeeded', worker = NULL, alone = 0, is_asking = 0, stage = total_stages,
         message = ?3, progress = NULL, result = ?4,
         finished_at = ?5, updated_at = ?5, expires_at = ?5 + keep_ms
     WHERE ",
    held!(),
    " RETURNING sequence;
     UPDATE artifacts SET state = 'published'
     WHERE state = 'staged'
       AND job = (SELECT sequence FROM jobs WHERE id = ?1 AND epoch = ?2 AND state = 'succeeded');
     DELETE FROM checkpoints
     WHERE job = (SELECT sequence FROM jobs WHERE id = ?1 AND epoch = ?2 AND state = 'succeeded')"
);

/// The largest result that gets of the ballast, in bytes.
const SMALL: usize = 64 << 10;

/// With how many files at most.
const FEW: usize = 100;

pub(super) struct Succeed {
    pub(super) fence: Fence,
    pub(super) success: Success,
}

impl Write for Succeed {
    type Answer = ();
    const NAME: &'static str = "succeed";

    /// A large result might take the room that others need for their end.
    fn is_vital(&self) -> bool {
        let value = self.success.value.as_ref();
        let value = value.map_or(0, |value| value.to_string().len());
        value <= SMALL && self.success.artifacts.len() <= FEW
    }

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<(), StoreError> {
        let value = self.success.value.as_ref().map(text::written).transpose()?;
        let epoch = fence::epoch(connection, self.fence).await?;
        let fence = Fence {
            epoch,
            ..self.fence
        };
        artifacts::stage(connection, fence, &self.success.artifacts).await?;
        let ended = sqlx::query(SUCCEED)
            .bind(fence.id.to_string())
            .bind(epoch)
            .bind(message::DONE)
            .bind(value)
            .bind(at.now.0)
            .fetch_all(connection)
            .await?;
        fence::held_by(&ended)
    }

    fn tell(&self, (): &(), hints: &Hints) {
        hints.tell([Hint::Changed(self.fence.id)]);
    }
}

// One update in place and nothing else: on a full disk this must have the best chance. The
// checkpoint and the staged artifacts go when the job is deleted.
const FAIL: &str = concat!(
    "UPDATE jobs SET
         state = 'failed', worker = NULL, alone = 0, is_asking = 0,
         error_code = ?3, error_message = ?4,
         finished_at = ?5, updated_at = ?5, expires_at = ?5 + keep_ms
     WHERE ",
    held!(),
    " RETURNING sequence"
);

pub(super) struct Fail {
    pub(super) fence: Fence,
    pub(super) error: JobError,
}

impl Write for Fail {
    type Answer = ();
    const NAME: &'static str = "fail";

    fn is_vital(&self) -> bool {
        true
    }

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<(), StoreError> {
        let ended = sqlx::query(FAIL)
            .bind(self.fence.id.to_string())
            .bind(fence::epoch(connection, self.fence).await?)
            .bind(self.error.code.as_str())
            .bind(text::readable(&self.error.message))
            .bind(at.now.0)
            .fetch_all(connection)
            .await?;
        fence::held_by(&ended)
    }

    fn tell(&self, (): &(), hints: &Hints) {
        hints.tell([Hint::Changed(self.fence.id)]);
    }
}

/// The way back into the queue, with these changes. Whatever was cancelled meanwhile has failed
/// as that, because nobody would tell its next worker.
macro_rules! wait_again {
    ($changes:literal) => {
        concat!(
            "UPDATE jobs SET
                 state = 'queued', worker = NULL, alone = 0, is_asking = 0, progress = NULL,
                 message = ?3, updated_at = ?4, ",
            $changes,
            ", stage = coalesce((SELECT stage FROM checkpoints WHERE job = sequence), 0)
             WHERE ",
            held!(),
            " AND cancel_requested_at IS NULL
             RETURNING sequence;
             UPDATE jobs SET
                 state = 'failed', worker = NULL, alone = 0, is_asking = 0, progress = NULL,
                 error_code = ?5, error_message = ?6,
                 finished_at = ?4, updated_at = ?4, expires_at = ?4 + keep_ms
             WHERE ",
            held!(),
            " AND cancel_requested_at IS NOT NULL
             RETURNING sequence"
        )
    };
}

const RETRY: &str = wait_again!("suspect = 0, run_at = ?4 + ?7");

pub(super) struct Retry {
    pub(super) fence: Fence,
    pub(super) after: Duration,
    pub(super) message: String,
}

impl Write for Retry {
    type Answer = ();
    const NAME: &'static str = "retry";

    fn is_vital(&self) -> bool {
        true
    }

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<(), StoreError> {
        let waits = sqlx::query(RETRY)
            .bind(self.fence.id.to_string())
            .bind(fence::epoch(connection, self.fence).await?)
            .bind(text::readable(&self.message))
            .bind(at.now.0)
            .bind(ErrorCode::Cancelled.as_str())
            .bind(message::CANCELLED)
            .bind(milliseconds(self.after))
            .fetch_all(connection)
            .await?;
        fence::held_by(&waits)
    }

    fn tell(&self, (): &(), hints: &Hints) {
        hints.tell([Hint::Queued, Hint::Changed(self.fence.id)]);
    }
}

const RELEASE: &str = wait_again!("attempt = attempt - 1, run_at = min(run_at, ?4)");

pub(super) struct Release {
    pub(super) fence: Fence,
}

impl Write for Release {
    type Answer = ();
    const NAME: &'static str = "release";

    fn is_vital(&self) -> bool {
        true
    }

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<(), StoreError> {
        let waits = sqlx::query(RELEASE)
            .bind(self.fence.id.to_string())
            .bind(fence::epoch(connection, self.fence).await?)
            .bind(message::QUEUED)
            .bind(at.now.0)
            .bind(ErrorCode::Cancelled.as_str())
            .bind(message::CANCELLED)
            .fetch_all(connection)
            .await?;
        fence::held_by(&waits)
    }

    fn tell(&self, (): &(), hints: &Hints) {
        hints.tell([Hint::Queued, Hint::Changed(self.fence.id)]);
    }
}

const CANCEL: &str = concat!(
    "UPDATE jobs SET
         state = CASE state WHEN 'queued' THEN 'failed' ELSE state END,
         error_code = CASE state WHEN 'queued' THEN ?3 END,
         error_message = CASE state WHEN 'queued' THEN ?4 END,
         finished_at = CASE state WHEN 'queued' THEN ?5 END,
         expires_at = CASE state WHEN 'queued' THEN ?5 + keep_ms END,
         cancel_requested_at = CASE state WHEN 'running' THEN coalesce(cancel_requested_at, ?5) END,
         updated_at = ?5
     WHERE id = ?1 AND (?2 IS NULL OR owner = ?2) AND state IN ('queued', 'running')
     RETURNING ",
    record_columns!()
);

const IS_OVER: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM jobs WHERE id = ?1 AND (?2 IS NULL OR owner = ?2) AND expires_at > ?3"
);

pub(super) struct Cancel {
    id: JobId,
    owner: Option<String>,
}

impl Cancel {
    pub(super) fn new(id: JobId, reach: Reach<'_>) -> Self {
        Self {
            id,
            owner: reach.owner().map(str::to_owned),
        }
    }
}

impl Write for Cancel {
    type Answer = Option<Cancelled>;
    const NAME: &'static str = "cancel";

    fn is_vital(&self) -> bool {
        true
    }

    async fn run(
        &self,
        connection: &mut SqliteConnection,
        at: Moment,
    ) -> Result<Option<Cancelled>, StoreError> {
        let row = sqlx::query(CANCEL)
            .bind(self.id.to_string())
            .bind(&self.owner)
            .bind(ErrorCode::Cancelled.as_str())
            .bind(message::CANCELLED)
            .bind(at.now.0)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(row) = row {
            let record: JobRecord = row::record(&row, at.now)?;
            return Ok(Some(if record.state == JobState::Running {
                Cancelled::Requested(record)
            } else {
                Cancelled::Now(record)
            }));
        }
        let row = sqlx::query(IS_OVER)
            .bind(self.id.to_string())
            .bind(&self.owner)
            .bind(at.now.0)
            .fetch_optional(connection)
            .await?;
        let record = row.map(|row| row::record(&row, at.now)).transpose()?;
        Ok(record.map(Cancelled::WasOver))
    }

    fn tell(&self, cancelled: &Option<Cancelled>, hints: &Hints) {
        hints.tell_of_cancel(self.id, cancelled.as_ref());
    }
}
