//! What running jobs ask their callers.

use std::collections::BTreeMap;

use farcall_core::{clock::Timestamp, id::JobId, question::Question};
use serde_json::Value;
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::{fence, row, writer::Write};
use crate::{Fence, Hint, Reach, StoreError, hints::Hints, moment::Moment, text};

// A question that was put before, also by an earlier attempt, is that one.
const PUT: &str = "
    INSERT INTO questions (job, key, method, params)
    SELECT ?1, ?2, ?3, ?4
    WHERE NOT EXISTS (SELECT 1 FROM questions WHERE job = ?1 AND key = ?2)";

const ANSWER_TO: &str =
    "SELECT answer FROM questions WHERE job = ? AND key = ? AND answer IS NOT NULL";

// Nothing is written where nothing is new: a job that waits asks again and again.
const NOTE_ASKING: &str = "
    UPDATE jobs SET
        is_asking = EXISTS (SELECT 1 FROM questions WHERE job = ?1 AND answer IS NULL),
        updated_at = ?2
    WHERE sequence = ?1
      AND (?3 OR is_asking <> EXISTS (SELECT 1 FROM questions WHERE job = ?1 AND answer IS NULL))";

pub(super) struct Ask {
    pub(super) fence: Fence,
    pub(super) questions: Vec<(String, Question)>,
}

impl Write for Ask {
    type Answer = BTreeMap<String, Value>;
    const NAME: &'static str = "ask";

    async fn run(
        &self,
        connection: &mut SqliteConnection,
        at: Moment,
    ) -> Result<BTreeMap<String, Value>, StoreError> {
        let sequence = fence::sequence(connection, self.fence).await?;
        let mut answers = BTreeMap::new();
        let mut is_news = false;
        text::refuse_nul(self.questions.iter().map(|(key, _)| key.as_str()))?;
        for (key, question) in &self.questions {
            let put = sqlx::query(PUT)
                .bind(sequence)
                .bind(key)
                .bind(question.method())
                .bind(text::written_object(question.params())?)
                .execute(&mut *connection)
                .await?;
            is_news |= put.rows_affected() > 0;
            let answer: Option<String> = sqlx::query_scalar(ANSWER_TO)
                .bind(sequence)
                .bind(key)
                .fetch_optional(&mut *connection)
                .await?;
            if let Some(answer) = answer {
                answers.insert(key.clone(), text::read(&answer, "answer")?);
            }
        }
        note_asking(connection, at.now, sequence, is_news).await?;
        Ok(answers)
    }

    fn tell(&self, _: &BTreeMap<String, Value>, hints: &Hints) {
        hints.tell([Hint::Changed(self.fence.id)]);
    }
}

async fn note_asking(
    connection: &mut SqliteConnection,
    now: Timestamp,
    sequence: i64,
    is_news: bool,
) -> Result<(), StoreError> {
    sqlx::query(NOTE_ASKING)
        .bind(sequence)
        .bind(now.0)
        .bind(is_news)
        .execute(connection)
        .await?;
    Ok(())
}

const OPEN: &str = "
    SELECT key, method, params FROM jobs JOIN questions ON questions.job = jobs.sequence
    WHERE id = ?1 AND (?2 IS NULL OR owner = ?2) AND state = 'running' AND answer IS NULL
    ORDER BY key";

pub(super) async fn open(
    readers: &SqlitePool,
    id: JobId,
    reach: Reach<'_>,
) -> Result<Vec<(String, Question)>, StoreError> {
    let rows = sqlx::query(OPEN)
        .bind(id.to_string())
        .bind(reach.owner())
        .fetch_all(readers)
        .await?;
    rows.iter().map(question).collect()
}

fn question(row: &SqliteRow) -> Result<(String, Question), StoreError> {
    let method: &str = row.try_get(1)?;
    let params = text::object(row.try_get(2)?, "question")?;
    let question =
        Question::parse(method, params).ok_or_else(|| row::unreadable("question", method))?;
    Ok((row.try_get(0)?, question))
}

const JOB: &str = "
    SELECT sequence, state = 'running' FROM jobs
    WHERE id = ?1 AND (?2 IS NULL OR owner = ?2) AND (expires_at IS NULL OR expires_at > ?3)";

const KEEP: &str =
    "UPDATE questions SET answer = ?3 WHERE job = ?1 AND key = ?2 AND answer IS NULL";

pub(super) struct Answer {
    id: JobId,
    owner: Option<String>,
    answers: BTreeMap<String, Value>,
}

impl Answer {
    pub(super) fn new(id: JobId, reach: Reach<'_>, answers: &BTreeMap<String, Value>) -> Self {
        Self {
            id,
            owner: reach.owner().map(str::to_owned),
            answers: answers.clone(),
        }
    }
}

impl Write for Answer {
    type Answer = bool;
    const NAME: &'static str = "answer";

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<bool, StoreError> {
        let job = sqlx::query(JOB)
            .bind(self.id.to_string())
            .bind(&self.owner)
            .bind(at.now.0)
            .fetch_optional(&mut *connection)
            .await?;
        let Some(job) = job else { return Ok(false) };
        let (sequence, is_running) = (job.try_get(0)?, job.try_get(1)?);
        if is_running {
            let mut is_news = false;
            for (key, answer) in &self.answers {
                let kept = sqlx::query(KEEP)
                    .bind(sequence)
                    .bind(key)
                    .bind(text::written(answer)?)
                    .execute(&mut *connection)
                    .await?;
                is_news |= kept.rows_affected() > 0;
            }
            note_asking(connection, at.now, sequence, is_news).await?;
        }
        Ok(true)
    }

    fn tell(&self, is_there: &bool, hints: &Hints) {
        if *is_there {
            hints.tell([Hint::Answered(self.id), Hint::Changed(self.id)]);
        }
    }
}
