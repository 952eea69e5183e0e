//! Lives in PostgreSQL as they are usually written: a table, a connection for each worker, and a
//! commit for each step.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use sqlx::{Connection, Executor, PgConnection};

use super::{PRODUCERS, REPORTS};

const TABLE: &str = "
    DROP TABLE IF EXISTS plain_jobs;
    CREATE TABLE plain_jobs (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        state text NOT NULL,
        arguments json NOT NULL,
        stage int NOT NULL DEFAULT 0,
        message text NOT NULL DEFAULT '',
        result json,
        created_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz
    );
    CREATE INDEX plain_jobs_queued ON plain_jobs (id) WHERE state = 'queued';";

const ENQUEUE: &str =
    r#"INSERT INTO plain_jobs (state, arguments) VALUES ('queued', '{"seconds": 0}')"#;
const CLAIM: &str = "
    UPDATE plain_jobs SET state = 'running' WHERE id = (
        SELECT id FROM plain_jobs WHERE state = 'queued'
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING id";
const REPORT: &str = "UPDATE plain_jobs SET stage = $2, message = $3 WHERE id = $1";
const SUCCEED: &str = "
    UPDATE plain_jobs SET state = 'succeeded', result = '{\"done\": true}', finished_at = now()
    WHERE id = $1";

/// Lives a second, by as many workers, each of which starts a job and runs one.
pub(crate) fn postgres(database: &str, window: Duration) -> Result<f64> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(lives(database, window))
}

async fn lives(database: &str, window: Duration) -> Result<f64> {
    let mut connection = PgConnection::connect(database).await?;
    connection.execute(TABLE).await?;
    let over = Arc::new(AtomicU64::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..PRODUCERS {
        let connection = PgConnection::connect(database).await?;
        workers.spawn(live(connection, Arc::clone(&over)));
    }
    tokio::time::sleep(window / 5).await;
    let (begun, before) = (Instant::now(), over.load(Ordering::Relaxed));
    tokio::select! {
        Some(ended) = workers.join_next() => ended??,
        () = tokio::time::sleep(window) => {}
    }
    let over = over.load(Ordering::Relaxed) - before;
    let elapsed = begun.elapsed();
    workers.shutdown().await;
    Ok(over as f64 / elapsed.as_secs_f64())
}

async fn live(mut connection: PgConnection, over: Arc<AtomicU64>) -> Result<()> {
    loop {
        sqlx::query(ENQUEUE).execute(&mut connection).await?;
        let id: Option<i64> = sqlx::query_scalar(CLAIM)
            .fetch_optional(&mut connection)
            .await?;
        // Somebody else was quicker, and has left one less for the next.
        let Some(id) = id else { continue };
        for report in 1..=REPORTS {
            sqlx::query(REPORT)
                .bind(id)
                .bind(i32::try_from(report)?)
                .bind(format!("report {report}"))
                .execute(&mut connection)
                .await?;
        }
        sqlx::query(SUCCEED)
            .bind(id)
            .execute(&mut connection)
            .await?;
        over.fetch_add(1, Ordering::Relaxed);
    }
}
