//! What running jobs ask their callers.

use std::collections::BTreeMap;

use farcall_core::{clock::Timestamp, id::JobId, question::Question};
use serde_json::Value;
use sqlx::{Connection, PgConnection, Row, postgres::PgRow};

use super::{
    pool::{Pool, commit, held},
    row,
};
use crate::{Fence, Reach, StoreError, text};

// A question that was put before, also by an earlier attempt, is that one.
const PUT: &str = "
    INSERT INTO questions (job, key, method, params) VALUES ($1, $2, $3, $4::json)
    ON CONFLICT (job, key) DO NOTHING";

const ANSWERS_TO: &str = "
    SELECT key, answer::text FROM questions
    WHERE job = $1 AND key = ANY($2) AND answer IS NOT NULL";

// Nothing is written where nothing is new: a job that waits asks again and again.
const NOTE_ASKING: &str = "
    UPDATE jobs SET
        is_asking = EXISTS (SELECT 1 FROM questions WHERE job = $1 AND answer IS NULL),
        updated_at = $2
    WHERE sequence = $1
      AND ($3 OR is_asking <> EXISTS (SELECT 1 FROM questions WHERE job = $1 AND answer IS NULL))";

pub(super) async fn ask(
    pool: &Pool,
    fence: Fence,
    questions: &[(String, Question)],
) -> Result<BTreeMap<String, Value>, StoreError> {
    let keys: Vec<_> = questions.iter().map(|(key, _)| key.as_str()).collect();
    pool.run_fenced(fence, async |connection, fence| {
        let mut transaction = connection.begin().await?;
        let (sequence, now) = held(&mut transaction, fence).await?;
        let mut is_news = false;
        for (key, question) in questions {
            let put = sqlx::query(PUT)
                .bind(sequence)
                .bind(key)
                .bind(question.method())
                .bind(text::written_object(question.params())?)
                .execute(&mut *transaction)
                .await?;
            is_news |= put.rows_affected() > 0;
        }
        let answers = sqlx::query(ANSWERS_TO)
            .bind(sequence)
            .bind(keys)
            .fetch_all(&mut *transaction)
            .await?;
        note_asking(&mut transaction, now, sequence, is_news).await?;
        commit!(transaction, "ask");
        answers
            .iter()
            .map(|row| Ok((row.try_get(0)?, text::read(row.try_get(1)?, "answer")?)))
            .collect()
    })
    .await
}

async fn note_asking(
    transaction: &mut PgConnection,
    now: Timestamp,
    sequence: i64,
    is_news: bool,
) -> Result<(), StoreError> {
    sqlx::query(NOTE_ASKING)
        .bind(sequence)
        .bind(now.0)
        .bind(is_news)
        .execute(transaction)
        .await?;
    Ok(())
}

const OPEN: &str = "
    SELECT key, method, params::text FROM jobs JOIN questions ON questions.job = jobs.sequence
    WHERE id = $1 AND ($2::text IS NULL OR owner = $2) AND state = 'running' AND answer IS NULL
    ORDER BY key";

pub(super) async fn open(
    pool: &Pool,
    id: JobId,
    reach: Reach<'_>,
) -> Result<Vec<(String, Question)>, StoreError> {
    pool.run(async |connection| {
        let open = sqlx::query(OPEN).bind(id.to_string()).bind(reach.owner());
        let rows = open.fetch_all(connection).await?;
        rows.iter().map(question).collect()
    })
    .await
}

fn question(row: &PgRow) -> Result<(String, Question), StoreError> {
    let method: &str = row.try_get(1)?;
    let params = text::object(row.try_get(2)?, "question")?;
    let question =
        Question::parse(method, params).ok_or_else(|| row::unreadable("question", method))?;
    Ok((row.try_get(0)?, question))
}

// Locked, so that it still runs when the answers are written.
const JOB: &str = "
    SELECT sequence, state = 'running', farcall_now() FROM jobs
    WHERE id = $1 AND ($2::text IS NULL OR owner = $2)
      AND (expires_at IS NULL OR expires_at > (SELECT farcall_now()))
    FOR NO KEY UPDATE";

const KEEP: &str = "
    UPDATE questions SET answer = $3::json WHERE job = $1 AND key = $2 AND answer IS NULL";

pub(super) async fn answer(
    pool: &Pool,
    id: JobId,
    reach: Reach<'_>,
    answers: &BTreeMap<String, Value>,
) -> Result<bool, StoreError> {
    pool.run(async |connection| {
        let mut transaction = connection.begin().await?;
        let job = sqlx::query(JOB)
            .bind(id.to_string())
            .bind(reach.owner())
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(job) = job else { return Ok(false) };
        if !job.try_get::<bool, _>(1)? {
            return Ok(true);
        }
        let (sequence, now) = (job.try_get(0)?, Timestamp(job.try_get(2)?));
        // No question has a key with a NUL, which the server would refuse.
        let possible = |(key, _): &(&String, &Value)| text::refuse_nul([key.as_str()]).is_ok();
        let mut is_news = false;
        for (key, answer) in answers.iter().filter(possible) {
            let kept = sqlx::query(KEEP)
                .bind(sequence)
                .bind(key)
                .bind(text::written(answer)?)
                .execute(&mut *transaction)
                .await?;
            is_news |= kept.rows_affected() > 0;
        }
        note_asking(&mut transaction, now, sequence, is_news).await?;
        commit!(transaction, "answer");
        Ok(true)
    })
    .await
}
