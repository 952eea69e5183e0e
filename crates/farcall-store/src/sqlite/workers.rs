//! Who runs jobs, and until when it may be believed to.

use std::{collections::BTreeMap, time::Duration};

use farcall_core::clock::Timestamp;
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::{rescue, row, writer::Write};
use crate::{
    Beat, Fence, Lost, NewWorker, StoreError, Worker, WorkerId,
    hints::Hints,
    job::written,
    limits::{REMEMBERED_MS, milliseconds},
    moment::Moment,
};

const REGISTER: &str = "
    INSERT INTO workers (id, host, identity, programs, slots, started_at, lease_until)
    VALUES (?, ?, ?, ?, ?, ?, ?)";

pub(super) struct Register {
    pub(super) worker: NewWorker,
    pub(super) lease: Duration,
}

impl Write for Register {
    type Answer = ();
    const NAME: &'static str = "register";

    fn is_vital(&self) -> bool {
        true
    }

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<(), StoreError> {
        sqlx::query(REGISTER)
            .bind(self.worker.id.to_string())
            .bind(&self.worker.host)
            .bind(&self.worker.identity)
            .bind(written::object(&self.worker.programs))
            .bind(written::object(&self.worker.slots))
            .bind(at.now.0)
            .bind(lease_until(at, self.lease))
            .execute(connection)
            .await?;
        Ok(())
    }
}

const LEARN: &str = "UPDATE workers SET programs = ?2 WHERE id = ?1 AND gone_at IS NULL";

pub(super) struct Learn {
    pub(super) worker: WorkerId,
    pub(super) programs: BTreeMap<String, String>,
}

impl Write for Learn {
    type Answer = ();
    const NAME: &'static str = "learn";

    fn is_vital(&self) -> bool {
        true
    }

    async fn run(&self, connection: &mut SqliteConnection, _: Moment) -> Result<(), StoreError> {
        let learned = sqlx::query(LEARN)
            .bind(self.worker.to_string())
            .bind(written::object(&self.programs))
            .execute(connection)
            .await?;
        match learned.rows_affected() {
            0 => Err(StoreError::StaleClaim),
            _ => Ok(()),
        }
    }
}

const RENEW: &str = "UPDATE workers SET lease_until = ?2 WHERE id = ?1 AND gone_at IS NULL";

const RUNNING: &str = "
    SELECT id, epoch, cancel_requested_at IS NOT NULL FROM jobs
    WHERE worker = ? ORDER BY sequence";

const OLDEST_SUSPECT: &str = "
    SELECT max(updated_at, run_at) AS since,
           (SELECT count(*) FROM workers
            WHERE gone_at IS NULL AND lease_until >= ?3 AND id < ?1
              AND programs -> jobs.job IS NOT NULL)
    FROM jobs
    WHERE state = 'queued' AND suspect AND run_at <= ?2
      AND job IN (SELECT key FROM json_each((SELECT programs FROM workers WHERE id = ?1)))
    ORDER BY since, sequence LIMIT 1";

pub(super) struct Renew {
    pub(super) worker: WorkerId,
    pub(super) lease: Duration,
}

impl Write for Renew {
    type Answer = Beat;
    const NAME: &'static str = "beat";

    fn is_vital(&self) -> bool {
        true
    }

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<Beat, StoreError> {
        let worker = self.worker.to_string();
        let renewed = sqlx::query(RENEW)
            .bind(&worker)
            .bind(lease_until(at, self.lease))
            .execute(&mut *connection)
            .await?;
        if renewed.rows_affected() == 0 {
            return Err(StoreError::StaleClaim);
        }
        let rows = sqlx::query(RUNNING)
            .bind(&worker)
            .fetch_all(&mut *connection)
            .await?;
        let oldest: Option<(i64, u32)> = sqlx::query_as(OLDEST_SUSPECT)
            .bind(&worker)
            .bind(at.now.0)
            .bind(at.steady.0)
            .fetch_optional(connection)
            .await?;
        let mut beat = Beat {
            suspect_waits: oldest.map(|(since, _)| row::duration((at.now.0 - since).max(0))),
            before: oldest.map_or(0, |(_, before)| before),
            ..Beat::default()
        };
        for row in &rows {
            let fence = Fence {
                id: row::id(row.try_get(0)?)?,
                epoch: row.try_get(1)?,
            };
            beat.running.push(fence);
            if row.try_get(2)? {
                beat.cancelled.push(fence);
            }
        }
        Ok(beat)
    }
}

const FORGET: &str = "DELETE FROM workers WHERE id = ?";

pub(super) struct Unregister {
    pub(super) worker: WorkerId,
}

impl Write for Unregister {
    type Answer = Vec<Lost>;
    const NAME: &'static str = "unregister";

    fn is_vital(&self) -> bool {
        true
    }

    async fn run(
        &self,
        connection: &mut SqliteConnection,
        at: Moment,
    ) -> Result<Vec<Lost>, StoreError> {
        let lost = rescue::take_jobs(connection, at.now, &row::list([self.worker])).await?;
        sqlx::query(FORGET)
            .bind(self.worker.to_string())
            .execute(connection)
            .await?;
        Ok(lost)
    }

    fn tell(&self, lost: &Vec<Lost>, hints: &Hints) {
        hints.tell_of_lost(lost);
    }
}

const WORKERS: &str = "
    SELECT id, host, identity, programs, slots, started_at,
           gone_at IS NULL AND lease_until >= ?2, gone_at
    FROM workers WHERE gone_at IS NULL OR gone_at > ?1
    ORDER BY started_at, id";

pub(super) async fn workers(readers: &SqlitePool, at: Moment) -> Result<Vec<Worker>, StoreError> {
    let rows = sqlx::query(WORKERS)
        .bind(at.now.0 - REMEMBERED_MS)
        .bind(at.steady.0)
        .fetch_all(readers)
        .await?;
    rows.iter().map(worker).collect()
}

fn worker(row: &SqliteRow) -> Result<Worker, StoreError> {
    let unreadable = |error: serde_json::Error| StoreError::Corrupt {
        what: format!("programs and slots of a worker: {error}"),
    };
    Ok(Worker {
        worker: NewWorker {
            id: row::worker_id(row.try_get(0)?)?,
            host: row.try_get(1)?,
            identity: row.try_get(2)?,
            programs: serde_json::from_str(row.try_get(3)?).map_err(unreadable)?,
            slots: serde_json::from_str(row.try_get(4)?).map_err(unreadable)?,
        },
        started_at: Timestamp(row.try_get(5)?),
        is_live: row.try_get(6)?,
        gone_at: row.try_get::<Option<_>, _>(7)?.map(Timestamp),
    })
}

/// The end of a lease that begins now.
fn lease_until(at: Moment, lease: Duration) -> i64 {
    at.steady.0.saturating_add(milliseconds(lease))
}
