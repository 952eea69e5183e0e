//! Who runs jobs, and until when it may be believed to.

use std::{collections::BTreeMap, time::Duration};

use farcall_core::{clock::Timestamp, id::JobId};
use sqlx::{Connection, Row, postgres::PgRow};

use super::{
    pool::{Pool, alone, commit},
    rescue,
    row::{self, at_one_moment},
};
use crate::{
    Beat, Fence, Lost, NewWorker, StoreError, Worker, WorkerId,
    job::written,
    limits::{self, milliseconds},
};

const REGISTER: &str = concat!(
    at_one_moment!(),
    "INSERT INTO workers (id, host, identity, programs, slots, started_at, lease_until)
     SELECT $1, $2, $3, $4::json, $5::json, now, now + $6 FROM clock"
);

pub(super) async fn register(
    pool: &Pool,
    worker: NewWorker,
    lease: Duration,
) -> Result<(), StoreError> {
    pool.run(async |connection| {
        let register = sqlx::query(REGISTER)
            .bind(worker.id.to_string())
            .bind(worker.host)
            .bind(worker.identity)
            .bind(written::object(&worker.programs))
            .bind(written::object(&worker.slots))
            .bind(milliseconds(lease));
        alone!(register.execute(connection), "register");
        Ok(())
    })
    .await
}

const LEARN: &str = "UPDATE workers SET programs = $2::json WHERE id = $1 AND gone_at IS NULL";

pub(super) async fn learn(
    pool: &Pool,
    worker: WorkerId,
    programs: &BTreeMap<String, String>,
) -> Result<(), StoreError> {
    pool.run(async |connection| {
        let learn = sqlx::query(LEARN)
            .bind(worker.to_string())
            .bind(written::object(programs));
        let learned = alone!(learn.execute(connection), "learn");
        match learned.rows_affected() {
            0 => Err(StoreError::StaleClaim),
            _ => Ok(()),
        }
    })
    .await
}

// One statement for the whole process, whatever it runs.
const BEAT: &str = concat!(
    at_one_moment!(),
    ", me AS (
         UPDATE workers SET lease_until = now + $2 FROM clock
         WHERE id = $1 AND gone_at IS NULL RETURNING programs),
     running AS MATERIALIZED (
         SELECT id, epoch, cancel_requested_at IS NOT NULL AS is_cancelled, sequence FROM jobs
         WHERE worker = $1),
     oldest AS MATERIALIZED (
         SELECT job, greatest(updated_at, run_at) AS since FROM jobs, clock
         WHERE state = 'queued' AND suspect AND run_at <= now
           AND job IN (SELECT json_object_keys(programs) FROM me)
         ORDER BY since, sequence LIMIT 1)
     SELECT ARRAY(SELECT id FROM running ORDER BY sequence),
            ARRAY(SELECT epoch FROM running ORDER BY sequence),
            ARRAY(SELECT is_cancelled FROM running ORDER BY sequence),
            now - (SELECT since FROM oldest),
            (SELECT count(*) FROM workers, oldest
             WHERE gone_at IS NULL AND lease_until >= now AND id < $1
               AND programs -> oldest.job IS NOT NULL)
     FROM me, clock"
);

/// `pool` may be one whose commits do not wait for the disk: the next beat is never far.
pub(super) async fn beat(
    pool: &Pool,
    worker: WorkerId,
    lease: Duration,
) -> Result<Beat, StoreError> {
    pool.run(async |connection| {
        let beat = sqlx::query(BEAT)
            .bind(worker.to_string())
            .bind(milliseconds(lease));
        let row = alone!(beat.fetch_optional(connection), "beat").ok_or(StoreError::StaleClaim)?;
        let (ids, epochs): (Vec<String>, Vec<i64>) = (row.try_get(0)?, row.try_get(1)?);
        let cancelled: Vec<bool> = row.try_get(2)?;
        let waits: Option<i64> = row.try_get(3)?;
        let mut beat = Beat {
            suspect_waits: waits.map(|waits| row::duration(waits.max(0))),
            before: row::number(&row, 4)?,
            ..Beat::default()
        };
        for ((id, epoch), is_cancelled) in ids.iter().zip(epochs).zip(cancelled) {
            let id: JobId = row::id(id)?;
            beat.running.push(Fence { id, epoch });
            if is_cancelled {
                beat.cancelled.push(Fence { id, epoch });
            }
        }
        Ok(beat)
    })
    .await
}

// Waits for a claim of this worker that is under way, so that its jobs are found.
const LOCK: &str = "SELECT id FROM workers WHERE id = $1 FOR UPDATE";

const FORGET: &str = "DELETE FROM workers WHERE id = $1";

pub(super) async fn unregister(pool: &Pool, worker: WorkerId) -> Result<Vec<Lost>, StoreError> {
    let worker = worker.to_string();
    pool.run(async |connection| {
        let mut transaction = connection.begin().await?;
        sqlx::query(LOCK)
            .bind(&worker)
            .execute(&mut *transaction)
            .await?;
        let lost = rescue::take_jobs(&mut transaction, std::slice::from_ref(&worker)).await?;
        sqlx::query(FORGET)
            .bind(&worker)
            .execute(&mut *transaction)
            .await?;
        commit!(transaction, "unregister");
        Ok(lost)
    })
    .await
}

const WORKERS: &str = concat!(
    at_one_moment!(),
    "SELECT id, host, identity, programs::text, slots::text, started_at,
            gone_at IS NULL AND lease_until >= now, gone_at
     FROM workers, clock WHERE gone_at IS NULL OR gone_at > now - $1
     ORDER BY started_at, id"
);

pub(super) async fn workers(pool: &Pool) -> Result<Vec<Worker>, StoreError> {
    pool.run(async |connection| {
        let workers = sqlx::query(WORKERS).bind(limits::REMEMBERED_MS);
        let rows = workers.fetch_all(connection).await?;
        rows.iter().map(worker).collect()
    })
    .await
}

fn worker(row: &PgRow) -> Result<Worker, StoreError> {
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

#[cfg(all(test, feature = "postgres-tests"))]
mod tests {
    use super::*;
    use crate::postgres::plans::all_use_indexes;

    #[tokio::test]
    async fn a_beat_reads_no_more_than_its_own_jobs() {
        all_use_indexes(&[BEAT]).await;
    }
}
