//! One job with all that belongs to it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use farcall_core::{
    artifact::Artifact, clock::Timestamp, job::state::JobState, problem::ErrorCode,
    question::Question,
};
use serde_json::{Value, json};

use super::rules::{self, Event, Standing, must};
use crate::{
    Checkpoint, Claim, Details, Fence, JobError, JobRecord, LogLine, NewJob, Reach, Report,
    StoreError, Success, WorkerId,
    limits::{self, MAX_LINES, MAX_LOG_BYTES, milliseconds},
    message, text,
};

#[derive(Clone, Debug)]
pub(super) struct Row {
    /// As it was accepted; its key may be given up, and its program changes with a restart.
    pub(super) order: NewJob,
    pub(super) standing: Standing,
    pub(super) worker: Option<WorkerId>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) run_at: Timestamp,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    message: String,
    progress: Option<f64>,
    error_message: String,
    is_asking: bool,
    /// Its value, and the place of the work folder.
    checkpoint: Option<(Value, Option<String>)>,
    restarts: u32,
    pub(super) value: Option<Value>,
    /// In the order in which their names first appeared.
    pub(super) artifacts: Vec<Artifact>,
    /// With the answers there are.
    pub(super) questions: BTreeMap<String, (Question, Option<Value>)>,
    pub(super) log: VecDeque<LogLine>,
}

impl Row {
    pub(super) fn new(mut job: NewJob, now: Timestamp) -> Result<Self, StoreError> {
        let names = [&job.owner, &job.job, &job.fingerprint];
        text::refuse_nul(names.into_iter().chain(&job.key).map(String::as_str))?;
        must(job.total_stages >= 1, "there is a stage")?;
        let priorities = -10..=10;
        must(
            priorities.contains(&job.terms.priority),
            "priority is between -10 and 10",
        )?;
        let is_key = |key: &String| (1..=255).contains(&key.len());
        must(
            job.key.as_ref().is_none_or(is_key),
            "a key is 1 to 255 bytes",
        )?;
        job.unique_for = None;
        job.terms.keep_for = cut(job.terms.keep_for);
        job.terms.queue_timeout = job.terms.queue_timeout.map(cut);
        Ok(Self {
            standing: Standing {
                state: JobState::Queued,
                error: None,
                stage: 0,
                total_stages: job.total_stages,
                checkpoint: None,
                epoch: 0,
                attempt: 0,
                losses: 0,
                counted_losses: 0,
                max_losses: job.terms.max_losses,
                is_suspect: false,
                is_alone: false,
                is_cancelled: false,
            },
            order: job,
            worker: None,
            created_at: now,
            updated_at: now,
            run_at: now,
            started_at: None,
            finished_at: None,
            message: message::QUEUED.to_owned(),
            progress: None,
            error_message: String::new(),
            is_asking: false,
            restarts: 0,
            checkpoint: None,
            value: None,
            artifacts: Vec::new(),
            questions: BTreeMap::new(),
            log: VecDeque::new(),
        })
    }

    pub(super) fn is(&self, state: JobState) -> bool {
        self.standing.state == state
    }

    /// The order of the queue: a point of priority is worth a minute of waiting.
    pub(super) fn rank(&self) -> i64 {
        self.created_at.0 - i64::from(self.order.terms.priority) * 60_000
    }

    /// Until when its first start is wanted.
    pub(super) fn queue_deadline(&self) -> Option<i64> {
        let timeout = self.order.terms.queue_timeout?;
        (self.standing.epoch == 0).then(|| self.created_at.0 + milliseconds(timeout))
    }

    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        let keep = milliseconds(self.order.terms.keep_for);
        self.finished_at.map(|end| Timestamp(end.0 + keep))
    }

    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at().is_some_and(|expiry| expiry <= now)
    }

    /// Whether `job` is of the same caller and the same declaration.
    pub(super) fn is_same(&self, job: &NewJob) -> bool {
        (&self.order.owner, &self.order.job) == (&job.owner, &job.job)
    }

    pub(super) fn is_within(&self, reach: Reach<'_>) -> bool {
        reach.owner().is_none_or(|owner| owner == self.order.owner)
    }

    pub(super) fn record(&self, now: Timestamp) -> JobRecord {
        let standing = &self.standing;
        JobRecord {
            id: self.order.id,
            owner: self.order.owner.clone(),
            job: self.order.job.clone(),
            state: standing.state,
            stage: standing.stage,
            total_stages: standing.total_stages,
            message: self.message.clone(),
            progress: self.progress,
            error: standing.error.map(|code| JobError {
                code,
                message: self.error_message.clone(),
            }),
            attempt: standing.attempt,
            losses: standing.losses,
            counted_losses: standing.counted_losses,
            priority: self.order.terms.priority,
            worker: self.worker,
            is_asking: self.is_asking,
            cancel_requested: standing.is_cancelled,
            keep_for: self.order.terms.keep_for,
            created_at: self.created_at,
            updated_at: self.updated_at,
            run_at: self.run_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            expires_at: self.expires_at(),
            read_at: now,
        }
    }

    pub(super) fn details(&self, now: Timestamp) -> Details {
        Details {
            record: self.record(now),
            epoch: self.standing.epoch,
            restarts: self.restarts,
            // Nothing goes on from it any more.
            checkpoint: self
                .standing
                .checkpoint
                .filter(|_| !self.is(JobState::Succeeded)),
            artifacts: if self.is(JobState::Failed) {
                Vec::new()
            } else {
                self.artifacts.clone()
            },
            last_line: self.log.back().map_or(0, |last| last.number),
        }
    }

    pub(super) fn claim(&mut self, now: Timestamp, worker: WorkerId) -> Result<Claim, StoreError> {
        self.happen(now, Event::Claim)?;
        self.worker = Some(worker);
        self.started_at.get_or_insert(now);
        message::STARTING.clone_into(&mut self.message);
        let (order, standing) = (self.order.clone(), &self.standing);
        let checkpoint = standing.checkpoint.zip(self.checkpoint.clone());
        Ok(Claim {
            fence: Fence {
                id: order.id,
                epoch: standing.epoch,
            },
            owner: order.owner,
            job: order.job,
            arguments: order.arguments,
            attempt: standing.attempt,
            losses: standing.losses,
            alone: standing.is_alone,
            total_stages: standing.total_stages,
            fingerprint: order.fingerprint,
            checkpoint: checkpoint.map(|(stage, (value, work))| Checkpoint { stage, value, work }),
            can_ask: order.can_ask,
            trace: order.trace,
        })
    }

    pub(super) fn report(&mut self, now: Timestamp, report: Report) -> Result<(), StoreError> {
        // A late one changes nothing but the log.
        if report.stage >= self.standing.stage {
            let is_share = |progress| (0.0..=1.0).contains(&progress);
            let is_progress = report.progress.is_none_or(is_share);
            must(is_progress, "progress is between 0 and 1")?;
            self.happen(now, Event::Report(report.stage))?;
            let message = text::readable(&report.message).into_owned();
            (self.message, self.progress) = (message, report.progress);
        }
        for line in report.log {
            self.log.push_back(LogLine {
                number: self.log.back().map_or(1, |last| last.number + 1),
                at: now,
                text: limits::kept(&line),
            });
        }
        let mut bytes: usize = self.log.iter().map(|line| line.text.len()).sum();
        while self.log.len() > MAX_LINES as usize || bytes > MAX_LOG_BYTES as usize {
            bytes -= self.log.pop_front().map_or(0, |line| line.text.len());
        }
        Ok(())
    }

    pub(super) fn checkpoint(
        &mut self,
        now: Timestamp,
        checkpoint: Checkpoint,
        artifacts: Vec<Artifact>,
    ) -> Result<(), StoreError> {
        text::written(&checkpoint.value)?;
        let was_at = self.standing.stage;
        self.happen(now, Event::Checkpoint(checkpoint.stage))?;
        self.stage(artifacts)?;
        self.checkpoint = Some((checkpoint.value, checkpoint.work));
        if was_at <= checkpoint.stage {
            self.progress = None;
        }
        Ok(())
    }

    pub(super) fn restart(
        &mut self,
        now: Timestamp,
        total_stages: u32,
        fingerprint: String,
    ) -> Result<(), StoreError> {
        self.happen(now, Event::Restart(total_stages))?;
        (self.checkpoint, self.progress, self.is_asking) = (None, None, false);
        self.restarts += 1;
        self.artifacts.clear();
        self.questions.clear();
        self.order.fingerprint = fingerprint;
        message::STARTING.clone_into(&mut self.message);
        Ok(())
    }

    pub(super) fn succeed(&mut self, now: Timestamp, success: Success) -> Result<(), StoreError> {
        if let Some(value) = &success.value {
            text::written(value)?;
        }
        self.happen(now, Event::Succeed)?;
        self.stage(success.artifacts)?;
        (self.value, self.progress) = (success.value, None);
        message::DONE.clone_into(&mut self.message);
        Ok(())
    }

    pub(super) fn fail(&mut self, now: Timestamp, error: &JobError) -> Result<(), StoreError> {
        self.happen(now, Event::Fail(error.code))?;
        self.error_message = text::readable(&error.message).into_owned();
        Ok(())
    }

    pub(super) fn retry(
        &mut self,
        now: Timestamp,
        after: Duration,
        message: &str,
    ) -> Result<(), StoreError> {
        self.happen(now, Event::Retry)?;
        if self.is(JobState::Queued) {
            self.run_at = Timestamp(now.0 + milliseconds(after));
            self.message = text::readable(message).into_owned();
        }
        Ok(())
    }

    /// Whether it has waited this long for whoever may take it. Where it has changed later than
    /// now, the clock was set back since, and nobody knows.
    pub(super) fn has_waited(&self, now: Timestamp, milliseconds: i64) -> bool {
        self.run_at.0 <= now.0 - milliseconds || self.updated_at > now
    }

    /// Everything else that can happen: to be released, lost, cancelled or given up.
    pub(super) fn happen(&mut self, now: Timestamp, event: Event) -> Result<(), StoreError> {
        rules::apply(&mut self.standing, event)?;
        self.updated_at = now;
        let state = self.standing.state;
        if state != JobState::Running {
            (self.worker, self.is_asking) = (None, false);
        }
        if state.is_terminal() {
            self.finished_at = Some(now);
        }
        if matches!(event, Event::Release | Event::Lose) && state == JobState::Queued {
            message::QUEUED.clone_into(&mut self.message);
            self.run_at = self.run_at.min(now);
        }
        if matches!(
            event,
            Event::Claim | Event::Release | Event::Lose | Event::Retry
        ) {
            self.progress = None;
        }
        if let Some(code) = self.standing.error {
            self.error_message = self.sentence(code);
        }
        Ok(())
    }

    /// Why it has failed, where its program does not say.
    fn sentence(&self, code: ErrorCode) -> String {
        let (terms, losses) = (&self.order.terms, self.standing.counted_losses);
        match code {
            ErrorCode::QueueTimeout => format!(
                "no worker was free for this job within {} s; start it again later",
                terms.queue_timeout.unwrap_or_default().as_secs()
            ),
            ErrorCode::WorkerLost if terms.max_losses == 0 => {
                "the server stopped while this job ran, and it is a job that must not run again"
                    .to_owned()
            }
            ErrorCode::WorkerLost => format!(
                "the server stopped while this job ran alone, {losses} times in all, so it was \
                 given up; the job itself may be what stops the server"
            ),
            ErrorCode::Cancelled => message::CANCELLED.to_owned(),
            _ => format!(
                "this server has no job called `{}` any more; start the work again with one of \
                 its present tools",
                self.order.job
            ),
        }
    }

    pub(super) fn ask(
        &mut self,
        now: Timestamp,
        questions: &[(String, Question)],
    ) -> Result<BTreeMap<String, Value>, StoreError> {
        let mut answers = BTreeMap::new();
        let known = self.questions.len();
        text::refuse_nul(questions.iter().map(|(key, _)| key.as_str()))?;
        for (key, question) in questions {
            let is_key = (1..=128).contains(&key.len());
            must(is_key, "a question has a key of at most 128 bytes")?;
            text::written(&json!(question.params()))?;
            let asked = self.questions.entry(key.clone());
            let (_, answer) = asked.or_insert_with(|| (question.clone(), None));
            if let Some(answer) = answer {
                answers.insert(key.clone(), answer.clone());
            }
        }
        self.note_asking(now, self.questions.len() > known);
        Ok(answers)
    }

    pub(super) fn answer(
        &mut self,
        now: Timestamp,
        answers: &BTreeMap<String, Value>,
    ) -> Result<(), StoreError> {
        let mut is_news = false;
        for (key, answer) in answers {
            text::written(answer)?;
            if let Some((_, open @ None)) = self.questions.get_mut(key) {
                *open = Some(answer.clone());
                is_news = true;
            }
        }
        self.note_asking(now, is_news);
        Ok(())
    }

    fn note_asking(&mut self, now: Timestamp, is_news: bool) {
        let is_asking = self.questions.values().any(|(_, answer)| answer.is_none());
        if is_news || is_asking != self.is_asking {
            (self.is_asking, self.updated_at) = (is_asking, now);
        }
    }

    /// Adds artifacts; a later one takes the place of an earlier one of the same name.
    fn stage(&mut self, artifacts: Vec<Artifact>) -> Result<(), StoreError> {
        for artifact in artifacts {
            must(!artifact.name.is_empty(), "an artifact has a name")?;
            text::refuse_nul([
                artifact.name.as_str(),
                &artifact.media_type,
                &artifact.location,
            ])?;
            let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            let is_hash = artifact.sha256.len() == 64 && artifact.sha256.bytes().all(is_digit);
            must(is_hash, "a sha256 is 64 hexadecimal digits")?;
            let same = |earlier: &&mut Artifact| earlier.name == artifact.name;
            match self.artifacts.iter_mut().find(same) {
                Some(earlier) => *earlier = artifact,
                None => self.artifacts.push(artifact),
            }
        }
        Ok(())
    }
}

/// As much of a time as is kept.
fn cut(time: Duration) -> Duration {
    Duration::from_millis(milliseconds(time).unsigned_abs())
}
