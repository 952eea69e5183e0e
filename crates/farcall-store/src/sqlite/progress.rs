//! What a running job tells on its way.

use farcall_core::artifact::Artifact;
use sqlx::SqliteConnection;

use super::{
    artifacts,
    fence::{self, held},
    log,
    writer::Write,
};
use crate::{Checkpoint, Fence, Hint, StoreError, hints::Hints, message, moment::Moment, text};

// A late report, of an earlier stage than the record's, changes nothing.
const REPORT: &str = concat!(
    "UPDATE jobs SET
         stage = max(stage, ?3),
         message = CASE WHEN stage <= ?3 THEN ?4 ELSE message END,
         progress = CASE WHEN stage <= ?3 THEN ?5 ELSE progress END,
         updated_at = CASE WHEN stage <= ?3 THEN ?6 ELSE updated_at END
     WHERE ",
    held!(),
    " RETURNING sequence"
);

pub(super) struct Report {
    pub(super) fence: Fence,
    pub(super) report: crate::Report,
}

impl Write for Report {
    type Answer = ();
    const NAME: &'static str = "report";

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<(), StoreError> {
        let sequence = sqlx::query_scalar(REPORT)
            .bind(self.fence.id.to_string())
            .bind(fence::epoch(connection, self.fence).await?)
            .bind(self.report.stage)
            .bind(text::readable(&self.report.message))
            .bind(self.report.progress)
            .bind(at.now.0)
            .fetch_optional(&mut *connection)
            .await?
            .ok_or(StoreError::StaleClaim)?;
        log::append(connection, at.now, sequence, &self.report.log).await
    }

    fn tell(&self, (): &(), hints: &Hints) {
        hints.tell([Hint::Changed(self.fence.id)]);
    }
}

// Progress was that of the stage that is over now.
const KEEP: &str = concat!(
    "UPDATE jobs SET
         progress = CASE WHEN stage > ?3 THEN progress END,
         stage = max(stage, ?3), updated_at = ?5
     WHERE ",
    held!(),
    " RETURNING sequence;
     INSERT INTO checkpoints (job, stage, value, work)
     SELECT sequence, ?3, ?4, ?6 FROM jobs WHERE ",
    held!(),
    " ON CONFLICT (job) DO UPDATE SET
         stage = excluded.stage, value = excluded.value, work = excluded.work"
);

pub(super) struct Keep {
    pub(super) fence: Fence,
    pub(super) checkpoint: Checkpoint,
    pub(super) artifacts: Vec<Artifact>,
}

impl Write for Keep {
    type Answer = ();
    const NAME: &'static str = "checkpoint";

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<(), StoreError> {
        let value = text::written(&self.checkpoint.value)?;
        let epoch = fence::epoch(connection, self.fence).await?;
        let fence = Fence {
            epoch,
            ..self.fence
        };
        artifacts::stage(connection, fence, &self.artifacts).await?;
        let kept = sqlx::query(KEEP)
            .bind(fence.id.to_string())
            .bind(epoch)
            .bind(self.checkpoint.stage)
            .bind(value)
            .bind(at.now.0)
            .bind(&self.checkpoint.work)
            .fetch_all(connection)
            .await?;
        fence::held_by(&kept)
    }

    fn tell(&self, (): &(), hints: &Hints) {
        hints.tell([Hint::Changed(self.fence.id)]);
    }
}

// What belongs to the program that the job no longer has goes.
const RESTART: &str = concat!(
    "DELETE FROM checkpoints WHERE job = (SELECT sequence FROM jobs WHERE ",
    held!(),
    ");
     DELETE FROM artifacts WHERE job = (SELECT sequence FROM jobs WHERE ",
    held!(),
    ");
     DELETE FROM questions WHERE job = (SELECT sequence FROM jobs WHERE ",
    held!(),
    ");
     UPDATE jobs SET
         stage = 0, total_stages = ?3, fingerprint = ?4, restarts = restarts + 1,
         message = ?5, progress = NULL, is_asking = 0, updated_at = ?6
     WHERE ",
    held!(),
    " RETURNING sequence"
);

pub(super) struct Restart {
    pub(super) fence: Fence,
    pub(super) total_stages: u32,
    pub(super) fingerprint: String,
}

impl Write for Restart {
    type Answer = ();
    const NAME: &'static str = "restart";

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<(), StoreError> {
        let restarted = sqlx::query(RESTART)
            .bind(self.fence.id.to_string())
            .bind(fence::epoch(connection, self.fence).await?)
            .bind(self.total_stages)
            .bind(&self.fingerprint)
            .bind(message::STARTING)
            .bind(at.now.0)
            .fetch_all(connection)
            .await?;
        fence::held_by(&restarted)
    }

    fn tell(&self, (): &(), hints: &Hints) {
        hints.tell([Hint::Changed(self.fence.id)]);
    }
}
