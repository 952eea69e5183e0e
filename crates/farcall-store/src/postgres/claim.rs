//! Out of the queue, into the hands of a worker.

use farcall_core::{id::JobId, question::Askable, trace::TraceParent};
use sqlx::{Connection, PgConnection, Row, postgres::PgRow};

use super::{
    pool::{Pool, alone, commit},
    row::{self, number},
};
use crate::{
    Checkpoint, Claim, Fence, StoreError, Wanted, WantedJob, Which, limits::milliseconds, message,
    text,
};

// One statement, so that no two workers can take the same job: what another one has locked is
// passed over. It goes through the queue in the order of ranks.
//
// The lock on the worker's own row makes claim and rescue exclude each other. A rescue passes
// over a worker that claims at this moment; a claim that waited for a rescue reads the row again,
// finds that it is gone, and takes nothing. A beat waits for neither.
//
// A job of another version of its program is left to a worker that has that version, where there
// is one or may soon be one.
//
// A job that has changed later than now tells that the clock was set back since. Then nobody knows
// how long it has waited, and it waits no longer.
//
// Arrays in the place of joins keep to the indexes: what a limit lets through is not known when
// the statement is planned, and the guess of a tenth of the table would read all of it.
macro_rules! claim {
    ($which:literal) => {
        concat!(
            "WITH clock AS (SELECT farcall_now() AS now),
             me AS MATERIALIZED (
                 SELECT id FROM workers
                 WHERE id = $1 AND gone_at IS NULL AND lease_until >= (SELECT now FROM clock)
                 FOR KEY SHARE),
             wanted AS MATERIALIZED (
                 SELECT name, fingerprint
                 FROM unnest($3::text[], $4::text[], $5::bigint[])
                     AS program (name, fingerprint, concurrency)
                 WHERE concurrency IS NULL
                    OR concurrency > (SELECT count(*) FROM jobs
                                      WHERE state = 'running' AND job = name)),
             picked AS MATERIALIZED (
                 SELECT sequence FROM jobs AS waiting
                 WHERE EXISTS (SELECT 1 FROM me)
                   AND state = 'queued' AND ",
            $which,
            "      AND (run_at <= (SELECT now FROM clock) OR updated_at > (SELECT now FROM clock))
                   AND (queue_deadline IS NULL OR epoch > 0
                        OR queue_deadline > (SELECT now FROM clock))
                   AND job = ANY(ARRAY(SELECT name FROM wanted))
                   AND ((job, fingerprint) IN (SELECT name, fingerprint FROM wanted)
                        OR ((run_at <= (SELECT now FROM clock) - $6
                             OR updated_at > (SELECT now FROM clock))
                            AND NOT EXISTS (
                                SELECT 1 FROM workers
                                WHERE gone_at IS NULL AND lease_until >= (SELECT now FROM clock)
                                  AND programs ->> waiting.job = waiting.fingerprint)))
                 ORDER BY rank, sequence LIMIT $7
                 FOR NO KEY UPDATE SKIP LOCKED),
             taken AS (
                 UPDATE jobs SET
                     state = 'running', worker = $1, alone = suspect, epoch = epoch + 1,
                     attempt = attempt + 1, message = $2, progress = NULL,
                     started_at = coalesce(started_at, now), updated_at = now
                 FROM clock WHERE sequence = ANY(ARRAY(SELECT sequence FROM picked))
                 RETURNING jobs.*)
             SELECT id, epoch, owner, taken.job, attempt, losses, alone, total_stages,
                    fingerprint, can_ask,
                    (SELECT value::text FROM arguments WHERE arguments.job = sequence),
                    checkpoint.stage, checkpoint.value::text, checkpoint.work, traceparent
             FROM taken LEFT JOIN LATERAL farcall_checkpoint(sequence) AS checkpoint ON TRUE
             ORDER BY rank, sequence"
        )
    };
}

pub(super) const CLAIM_OTHERS: &str = claim!("NOT suspect");

const CLAIM_SUSPECT: &str = claim!("suspect");

// A statement of its own before the claim: a lock that is taken inside of a statement comes after
// the moment that the statement sees.
const LIMIT_OTHERS: &str = "
    SELECT pg_advisory_xact_lock(hashtextextended('farcall.concurrency.' || name, 0))
    FROM (SELECT name FROM unnest($1::text[]) AS name ORDER BY name) AS limited";

pub(super) async fn claim(pool: &Pool, wanted: Wanted<'_>) -> Result<Vec<Claim>, StoreError> {
    let limit = match wanted.which {
        Which::Others => wanted.limit,
        Which::Suspect => wanted.limit.min(1),
    };
    let limited: Vec<_> = wanted
        .programs
        .iter()
        .filter(|program| program.concurrency.is_some())
        .map(|program| program.name.as_str())
        .collect();
    pool.run(async |connection| {
        if limited.is_empty() {
            return Ok(alone!(take(connection, wanted, limit), "claim"));
        }
        let mut transaction = connection.begin().await?;
        sqlx::query(LIMIT_OTHERS)
            .bind(&limited)
            .execute(&mut *transaction)
            .await?;
        let mut claims = Vec::new();
        // One after the other, so that each counts for the limits of the next.
        while claims.len() < limit as usize {
            let Some(claim) = take(&mut transaction, wanted, 1).await?.pop() else {
                break;
            };
            claims.push(claim);
        }
        commit!(transaction, "claim");
        Ok(claims)
    })
    .await
}

async fn take(
    connection: &mut PgConnection,
    wanted: Wanted<'_>,
    limit: u32,
) -> Result<Vec<Claim>, StoreError> {
    let statement = match wanted.which {
        Which::Others => CLAIM_OTHERS,
        Which::Suspect => CLAIM_SUSPECT,
    };
    let column = |of: fn(&WantedJob) -> &str| wanted.programs.iter().map(of).collect::<Vec<_>>();
    let concurrencies = wanted
        .programs
        .iter()
        .map(|program| program.concurrency.map(i64::from));
    let rows = sqlx::query(statement)
        .bind(wanted.worker.to_string())
        .bind(message::STARTING)
        .bind(column(|program| &program.name))
        .bind(column(|program| &program.fingerprint))
        .bind(concurrencies.collect::<Vec<_>>())
        .bind(milliseconds(wanted.adopt_after))
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await?;
    rows.iter().map(claimed).collect()
}

fn claimed(row: &PgRow) -> Result<Claim, StoreError> {
    let id: JobId = row::id(row.try_get(0)?)?;
    let checkpoint = match row.try_get::<Option<&str>, _>(12)? {
        Some(value) => Some(Checkpoint {
            stage: number(row, 11)?,
            value: text::read(value, "checkpoint")?,
            work: row.try_get(13)?,
        }),
        None => None,
    };
    let can_ask: u8 = number(row, 9)?;
    Ok(Claim {
        fence: Fence {
            id,
            epoch: row.try_get(1)?,
        },
        owner: row.try_get(2)?,
        job: row.try_get(3)?,
        arguments: text::object(row.try_get(10)?, "arguments")?,
        attempt: number(row, 4)?,
        losses: number(row, 5)?,
        alone: row.try_get(6)?,
        total_stages: number(row, 7)?,
        fingerprint: row.try_get(8)?,
        checkpoint,
        can_ask: Askable::from_bits(can_ask)
            .ok_or_else(|| row::unreadable("set of ways to ask", &can_ask.to_string()))?,
        trace: row
            .try_get::<Option<&str>, _>(14)?
            .and_then(TraceParent::parse),
    })
}

#[cfg(all(test, feature = "postgres-tests"))]
mod tests {
    use super::*;
    use crate::{
        JobStore,
        postgres::plans::{plan, store},
    };

    #[tokio::test]
    async fn the_queue_is_read_in_its_order_and_not_sorted() {
        let store = store().await;
        for (statement, index) in [
            (CLAIM_OTHERS, "Index Scan using jobs_queued on jobs waiting"),
            (
                CLAIM_SUSPECT,
                "Index Scan using jobs_suspect on jobs waiting",
            ),
        ] {
            let plan = store
                .durable
                .run(async |connection| Ok(plan(connection, statement).await))
                .await
                .unwrap();
            assert!(plan.contains(index), "{plan}");
            assert!(plan.contains("using jobs_running_by_name"), "{plan}");
            assert!(!plan.contains("Seq Scan on jobs"), "{plan}");
            // The one at the end, of those that were taken.
            assert_eq!(plan.matches("Sort Key").count(), 1, "{plan}");
        }
        store.close().await;
    }
}
