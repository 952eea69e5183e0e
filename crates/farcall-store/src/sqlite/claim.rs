//! Out of the queue, into the hands of a worker.

use farcall_core::{id::JobId, question::Askable, trace::TraceParent};
use serde_json::{Value, json};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{row, writer::Write};
use crate::{
    Checkpoint, Claim, Fence, Hint, StoreError, Wanted, WantedJob, Which, hints::Hints,
    limits::milliseconds, message, moment::Moment, text,
};

// One statement, so that no two workers can take the same job. It goes through the queue in the
// order of ranks, and takes the first job that fits. What stands behind `IN` is worked out once
// for the statement.
//
// A job of another version of its program is left to a worker that has that version, where there
// is one or may soon be one.
//
// A job that has changed later than now tells that the clock was set back since. Then nobody knows
// how long it has waited, and it waits no longer.
macro_rules! claim {
    ($which:literal) => {
        concat!(
            "UPDATE jobs SET
                 state = 'running', worker = ?1, alone = suspect, epoch = epoch + 1,
                 attempt = attempt + 1, message = ?2, progress = NULL,
                 started_at = coalesce(started_at, ?3), updated_at = ?3
             WHERE EXISTS (
                 SELECT 1 FROM workers WHERE id = ?1 AND gone_at IS NULL AND lease_until >= ?5)
               AND sequence = (
                 SELECT sequence FROM jobs AS waiting
                 WHERE state = 'queued' AND ",
            $which,
            " AND (run_at <= ?3 OR updated_at > ?3)
                   AND (queue_deadline IS NULL OR epoch > 0 OR queue_deadline > ?3)
                   AND job IN (
                       SELECT value ->> 'name' FROM json_each(?4)
                       WHERE value ->> 'concurrency' IS NULL
                          OR value ->> 'concurrency' > (
                              SELECT count(*) FROM jobs AS other
                              WHERE other.state = 'running' AND other.job = value ->> 'name'))
                   AND ((job, fingerprint) IN (
                           SELECT value ->> 'name', value ->> 'fingerprint' FROM json_each(?4))
                        OR ((run_at <= ?3 - ?6 OR updated_at > ?3)
                            AND NOT EXISTS (
                               SELECT 1 FROM workers
                               WHERE gone_at IS NULL AND lease_until >= ?5
                                 AND programs ->> waiting.job = waiting.fingerprint)))
                 ORDER BY rank, sequence LIMIT 1)
             RETURNING
                 id, epoch, owner, job, attempt, losses, alone, total_stages, fingerprint, can_ask,
                 (SELECT value FROM arguments WHERE arguments.job = jobs.sequence),
                 (SELECT stage FROM checkpoints WHERE checkpoints.job = jobs.sequence),
                 (SELECT value FROM checkpoints WHERE checkpoints.job = jobs.sequence),
                 (SELECT work FROM checkpoints WHERE checkpoints.job = jobs.sequence),
                 traceparent"
        )
    };
}

const CLAIM_OTHERS: &str = claim!("NOT suspect");

const CLAIM_SUSPECT: &str = claim!("suspect");

pub(super) struct Take {
    worker: String,
    programs: String,
    which: Which,
    limit: usize,
    adopt_after: i64,
}

impl Take {
    pub(super) fn new(wanted: Wanted<'_>) -> Self {
        Self {
            worker: wanted.worker.to_string(),
            programs: described(wanted.programs),
            which: wanted.which,
            limit: wanted.limit as usize,
            adopt_after: milliseconds(wanted.adopt_after),
        }
    }
}

impl Write for Take {
    type Answer = Vec<Claim>;
    const NAME: &'static str = "claim";

    async fn run(
        &self,
        connection: &mut SqliteConnection,
        at: Moment,
    ) -> Result<Vec<Claim>, StoreError> {
        let (statement, limit) = match self.which {
            Which::Others => (CLAIM_OTHERS, self.limit),
            Which::Suspect => (CLAIM_SUSPECT, self.limit.min(1)),
        };
        let mut claims = Vec::new();
        // One after the other, so that each counts for the limits of the next.
        while claims.len() < limit {
            let row = sqlx::query(statement)
                .bind(&self.worker)
                .bind(message::STARTING)
                .bind(at.now.0)
                .bind(&self.programs)
                .bind(at.steady.0)
                .bind(self.adopt_after)
                .fetch_optional(&mut *connection)
                .await?;
            let Some(row) = row else { break };
            claims.push(claimed(&row)?);
        }
        Ok(claims)
    }

    fn tell(&self, claims: &Vec<Claim>, hints: &Hints) {
        hints.tell(claims.iter().map(|claim| Hint::Changed(claim.fence.id)));
    }
}

fn described(programs: &[WantedJob]) -> String {
    let describe = |wanted: &WantedJob| {
        json!({
            "name": wanted.name,
            "fingerprint": wanted.fingerprint,
            "concurrency": wanted.concurrency,
        })
    };
    programs.iter().map(describe).collect::<Value>().to_string()
}

fn claimed(row: &SqliteRow) -> Result<Claim, StoreError> {
    let id: JobId = row::id(row.try_get(0)?)?;
    let checkpoint = match (row.try_get(11)?, row.try_get::<Option<&str>, _>(12)?) {
        (Some(stage), Some(value)) => Some(Checkpoint {
            stage,
            value: text::read(value, "checkpoint")?,
            work: row.try_get(13)?,
        }),
        _ => None,
    };
    let can_ask: u8 = row.try_get(9)?;
    Ok(Claim {
        fence: Fence {
            id,
            epoch: row.try_get(1)?,
        },
        owner: row.try_get(2)?,
        job: row.try_get(3)?,
        arguments: text::object(row.try_get(10)?, "arguments")?,
        attempt: row.try_get(4)?,
        losses: row.try_get(5)?,
        alone: row.try_get(6)?,
        total_stages: row.try_get(7)?,
        fingerprint: row.try_get(8)?,
        checkpoint,
        can_ask: Askable::from_bits(can_ask)
            .ok_or_else(|| row::unreadable("set of ways to ask", &can_ask.to_string()))?,
        trace: row
            .try_get::<Option<&str>, _>(14)?
            .and_then(TraceParent::parse),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use farcall_core::clock::SystemClock;
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::SqliteStore;

    #[tokio::test]
    async fn the_queue_is_read_in_its_order_and_not_sorted() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path(), Arc::new(SystemClock))
            .await
            .unwrap();
        for (statement, index) in [
            (CLAIM_OTHERS, "SCAN waiting USING INDEX jobs_queued"),
            (CLAIM_SUSPECT, "SCAN waiting USING INDEX jobs_suspect"),
        ] {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain)
                .fetch_all(&store.readers)
                .await
                .unwrap();
            assert!(plan.iter().any(|step| step.3.contains(index)), "{plan:?}");
            assert!(
                plan.iter()
                    .any(|step| step.3.contains("INDEX jobs_running_by_name")),
                "{plan:?}"
            );
            let sorts = plan.iter().any(|step| step.3.contains("FOR ORDER BY"));
            assert!(!sorts, "{plan:?}");
        }
    }
}
