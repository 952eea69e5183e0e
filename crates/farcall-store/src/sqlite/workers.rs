//! Who runs jobs, and until when it may be believed to.

use std::{collections::BTreeMap, time::Duration};

use farcall_core::clock::Timestamp;
use sqlx::{Row, SqlitePool, sqlite::SqliteRow};

use super::{
    rescue, row,
    writer::{Writer, commit},
};
use crate::{
    Beat, Fence, Lost, NewWorker, StoreError, Worker, WorkerId,
    limits::{REMEMBERED_MS, milliseconds},
};

const REGISTER: &str = "
    INSERT INTO workers (id, host, identity, programs, slots, started_at, lease_until)
    VALUES (?, ?, ?, ?, ?, ?, ?)";

pub(super) async fn register(
    writer: &Writer,
    now: Timestamp,
    lease_until: Timestamp,
    worker: NewWorker,
) -> Result<(), StoreError> {
    let mut transaction = writer.transaction().await?;
    sqlx::query(REGISTER)
        .bind(worker.id.to_string())
        .bind(worker.host)
        .bind(worker.identity)
        .bind(as_text(&worker.programs))
        .bind(as_text(&worker.slots))
        .bind(now.0)
        .bind(lease_until.0)
        .execute(&mut *transaction)
        .await?;
    commit!(transaction, "register");
    Ok(())
}

const RENEW: &str = "UPDATE workers SET lease_until = ?2 WHERE id = ?1 AND gone_at IS NULL";

const CANCELLED: &str = "
    SELECT id, epoch FROM jobs WHERE worker = ? AND cancel_requested_at IS NOT NULL
    ORDER BY sequence";

const SUSPECT_SINCE: &str = "
    SELECT min(max(updated_at, run_at)) FROM jobs
    WHERE state = 'queued' AND suspect AND run_at <= ?2
      AND job IN (SELECT key FROM json_each((SELECT programs FROM workers WHERE id = ?1)))";

pub(super) async fn beat(
    writer: &Writer,
    now: Timestamp,
    lease_until: Timestamp,
    worker: WorkerId,
) -> Result<Beat, StoreError> {
    let worker = worker.to_string();
    let mut transaction = writer.transaction().await?;
    let renewed = sqlx::query(RENEW)
        .bind(&worker)
        .bind(lease_until.0)
        .execute(&mut *transaction)
        .await?;
    if renewed.rows_affected() == 0 {
        return Err(StoreError::StaleClaim);
    }
    let cancelled = sqlx::query(CANCELLED)
        .bind(&worker)
        .fetch_all(&mut *transaction)
        .await?;
    let since: Option<i64> = sqlx::query_scalar(SUSPECT_SINCE)
        .bind(&worker)
        .bind(now.0)
        .fetch_one(&mut *transaction)
        .await?;
    let fence = |row: &SqliteRow| {
        Ok(Fence {
            id: row::id(row.try_get(0)?)?,
            epoch: row.try_get(1)?,
        })
    };
    let beat = Beat {
        cancelled: cancelled
            .iter()
            .map(fence)
            .collect::<Result<_, StoreError>>()?,
        suspect_waits: since.map(|since| row::duration((now.0 - since).max(0))),
    };
    commit!(transaction, "beat");
    Ok(beat)
}

const FORGET: &str = "DELETE FROM workers WHERE id = ?";

pub(super) async fn unregister(
    writer: &Writer,
    now: Timestamp,
    worker: WorkerId,
) -> Result<Vec<Lost>, StoreError> {
    let mut transaction = writer.transaction().await?;
    let lost = rescue::take_jobs(&mut transaction, now, &row::list([worker])).await?;
    sqlx::query(FORGET)
        .bind(worker.to_string())
        .execute(&mut *transaction)
        .await?;
    commit!(transaction, "unregister");
    Ok(lost)
}

const WORKERS: &str = "
    SELECT id, host, identity, programs, slots, started_at,
           gone_at IS NULL AND lease_until >= ?2, gone_at
    FROM workers WHERE gone_at IS NULL OR gone_at > ?1
    ORDER BY started_at, id";

pub(super) async fn workers(
    readers: &SqlitePool,
    now: Timestamp,
    steady: Timestamp,
) -> Result<Vec<Worker>, StoreError> {
    let rows = sqlx::query(WORKERS)
        .bind(now.0 - REMEMBERED_MS)
        .bind(steady.0)
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

fn as_text<T: Clone + Into<serde_json::Value>>(map: &BTreeMap<String, T>) -> String {
    let pairs = map
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()));
    pairs.collect::<serde_json::Value>().to_string()
}

/// The end of a lease that begins now.
pub(super) fn lease_until(steady: Timestamp, lease: Duration) -> Timestamp {
    Timestamp(steady.0.saturating_add(milliseconds(lease)))
}
