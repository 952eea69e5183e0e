//! Jobs in memory: the reference that the other stores are held against, and a store for tests
//! of what is above. Nothing survives the process.

mod callers;
mod row;
mod rules;
mod table;
mod workers;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use farcall_core::{
    artifact::Artifact, clock::Clock, id::JobId, job::state::JobState, question::Question,
};
use serde_json::Value;
use tokio::sync::broadcast;

use self::{row::Row, rules::Event, table::Table};
use crate::{
    Beat, Cancelled, Checkpoint, Claim, Details, Enqueued, Fence, Hint, JobError, JobRecord,
    JobStore, Listed, LogPage, Lost, Needed, NewJob, NewWorker, Outcome, PublishedArtifact, Reach,
    Report, Rotation, Secret, Secrets, StoreError, Success, Tally, Wanted, Worker, WorkerId,
    hints::Hints, moment::Moment,
};

/// A [`JobStore`] in memory. Its clones are doors to the same jobs.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    table: Arc<Mutex<Table>>,
    clock: Arc<dyn Clock>,
    hints: Hints,
}

impl MemoryStore {
    /// A store without jobs, whose times are those of `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            table: Arc::default(),
            clock,
            hints: Hints::new(),
        }
    }

    /// The jobs, for as long as the answer is held, and the moment.
    fn table(&self) -> Result<(MutexGuard<'_, Table>, Moment), StoreError> {
        // No method leaves half a change, not even with a panic.
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.is_closed {
            return Err(StoreError::Closed);
        }
        Ok((table, Moment::of(self.clock.as_ref())))
    }

    /// Changes a job for whoever has its claim, and tells of it.
    fn write<T>(
        &self,
        fence: Fence,
        change: impl FnOnce(&mut Row, Moment) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (mut table, at) = self.table()?;
        let answer = table.write(fence, |row| change(row, at))?;
        self.hints.tell([Hint::Changed(fence.id)]);
        Ok(answer)
    }

    /// Reads a job that `reach` allows to see.
    fn read<T>(
        &self,
        id: JobId,
        reach: Reach<'_>,
        read: impl FnOnce(&Row, Moment) -> T,
    ) -> Result<Option<T>, StoreError> {
        let (table, at) = self.table()?;
        Ok(table.seen(at.now, id, reach).map(|row| read(row, at)))
    }
}

#[async_trait]
impl JobStore for MemoryStore {
    async fn enqueue(&self, job: NewJob) -> Result<Enqueued, StoreError> {
        let (mut table, at) = self.table()?;
        let enqueued = table.enqueue(at.now, job)?;
        if enqueued.was_there.is_none() {
            let id = enqueued.record.id;
            self.hints.tell([Hint::Queued, Hint::Changed(id)]);
        }
        Ok(enqueued)
    }

    async fn earlier(&self, job: &NewJob) -> Result<Option<Enqueued>, StoreError> {
        let (table, at) = self.table()?;
        table.earlier(at.now, job)
    }

    async fn register(&self, worker: NewWorker, lease: Duration) -> Result<(), StoreError> {
        let (mut table, at) = self.table()?;
        table.register(at, worker, lease)
    }

    async fn learn(
        &self,
        worker: WorkerId,
        programs: BTreeMap<String, String>,
    ) -> Result<(), StoreError> {
        let (mut table, _) = self.table()?;
        table.learn(worker, programs)
    }

    async fn beat(&self, worker: WorkerId, lease: Duration) -> Result<Beat, StoreError> {
        let (mut table, at) = self.table()?;
        table.beat(at, worker, lease)
    }

    async fn unregister(&self, worker: WorkerId) -> Result<(), StoreError> {
        let (mut table, at) = self.table()?;
        self.hints.tell_of_lost(&table.unregister(at.now, worker)?);
        Ok(())
    }

    async fn workers(&self) -> Result<Vec<Worker>, StoreError> {
        let (table, at) = self.table()?;
        Ok(table.workers(at))
    }

    async fn claim(&self, wanted: Wanted<'_>) -> Result<Vec<Claim>, StoreError> {
        let (mut table, at) = self.table()?;
        let claims = table.claim(at, wanted)?;
        let changed = claims.iter().map(|claim| Hint::Changed(claim.fence.id));
        self.hints.tell(changed);
        Ok(claims)
    }

    async fn report(&self, fence: Fence, report: Report) -> Result<(), StoreError> {
        self.write(fence, |row, at| row.report(at.now, report))
    }

    async fn checkpoint(
        &self,
        fence: Fence,
        checkpoint: Checkpoint,
        artifacts: Vec<Artifact>,
    ) -> Result<(), StoreError> {
        self.write(fence, |row, at| {
            row.checkpoint(at.now, checkpoint, artifacts)
        })
    }

    async fn restart(
        &self,
        fence: Fence,
        total_stages: u32,
        fingerprint: String,
    ) -> Result<(), StoreError> {
        self.write(fence, |row, at| {
            row.restart(at.now, total_stages, fingerprint)
        })
    }

    async fn succeed(&self, fence: Fence, success: Success) -> Result<(), StoreError> {
        self.write(fence, |row, at| row.succeed(at.now, success))
    }

    async fn fail(&self, fence: Fence, error: JobError) -> Result<(), StoreError> {
        self.write(fence, |row, at| row.fail(at.now, &error))
    }

    async fn retry(
        &self,
        fence: Fence,
        after: Duration,
        message: String,
    ) -> Result<(), StoreError> {
        self.write(fence, |row, at| row.retry(at.now, after, &message))?;
        self.hints.tell([Hint::Queued]);
        Ok(())
    }

    async fn release(&self, fence: Fence) -> Result<(), StoreError> {
        self.write(fence, |row, at| row.happen(at.now, Event::Release))?;
        self.hints.tell([Hint::Queued]);
        Ok(())
    }

    async fn ask(
        &self,
        fence: Fence,
        questions: &[(String, Question)],
    ) -> Result<BTreeMap<String, Value>, StoreError> {
        self.write(fence, |row, at| row.ask(at.now, questions))
    }

    async fn staged(&self, fence: Fence) -> Result<Vec<Artifact>, StoreError> {
        let (table, _) = self.table()?;
        let is_its = |row: &&Row| row.is(JobState::Running) && row.standing.epoch == fence.epoch;
        let row = table.row(fence.id).filter(is_its);
        Ok(row.map_or_else(Vec::new, |row| row.artifacts.clone()))
    }

    async fn record(&self, id: JobId, reach: Reach<'_>) -> Result<Option<JobRecord>, StoreError> {
        self.read(id, reach, |row, at| row.record(at.now))
    }

    async fn records(&self, ids: &[JobId]) -> Result<Vec<JobRecord>, StoreError> {
        let (table, at) = self.table()?;
        let asked = table
            .rows
            .values()
            .filter(|row| ids.contains(&row.order.id));
        let seen = asked.filter(|row| !row.has_expired(at.now));
        Ok(seen.map(|row| row.record(at.now)).collect())
    }

    async fn outcome(&self, id: JobId, reach: Reach<'_>) -> Result<Option<Outcome>, StoreError> {
        self.read(id, reach, |row, at| Outcome {
            record: row.record(at.now),
            value: row.value.clone(),
            artifacts: if row.is(JobState::Succeeded) {
                row.artifacts.clone()
            } else {
                Vec::new()
            },
        })
    }

    async fn questions(
        &self,
        id: JobId,
        reach: Reach<'_>,
    ) -> Result<Vec<(String, Question)>, StoreError> {
        let open = self.read(id, reach, |row, _| {
            let open = row.questions.iter().filter(|(_, asked)| asked.1.is_none());
            let open = open.filter(|_| row.is(JobState::Running));
            open.map(|(key, asked)| (key.clone(), asked.0.clone()))
                .collect()
        })?;
        Ok(open.unwrap_or_default())
    }

    async fn answer(
        &self,
        id: JobId,
        reach: Reach<'_>,
        answers: &BTreeMap<String, Value>,
    ) -> Result<bool, StoreError> {
        let (mut table, at) = self.table()?;
        let is_there = table.answer(at.now, id, reach, answers)?;
        if is_there {
            self.hints.tell([Hint::Answered(id), Hint::Changed(id)]);
        }
        Ok(is_there)
    }

    async fn cancel(&self, id: JobId, reach: Reach<'_>) -> Result<Option<Cancelled>, StoreError> {
        let (mut table, at) = self.table()?;
        let cancelled = table.cancel(at.now, id, reach)?;
        self.hints.tell_of_cancel(id, cancelled.as_ref());
        Ok(cancelled)
    }

    async fn log(
        &self,
        id: JobId,
        reach: Reach<'_>,
        from: u64,
        lines: u32,
    ) -> Result<Option<LogPage>, StoreError> {
        self.read(id, reach, |row, _| {
            let rest = row.log.iter().filter(|line| line.number >= from);
            let lines: Vec<_> = rest.take(lines as usize).cloned().collect();
            let next = lines.last().map_or(from.max(1), |last| last.number + 1);
            let last = row.log.back().map_or(0, |last| last.number);
            LogPage {
                lines,
                next,
                is_over: row.standing.state.is_terminal() && next > last,
            }
        })
    }

    async fn published(
        &self,
        id: JobId,
        reach: Reach<'_>,
        name: Option<&str>,
    ) -> Result<Option<PublishedArtifact>, StoreError> {
        let found = self.read(id, reach, |row, _| {
            let mut published = row.artifacts.iter().filter(|_| row.is(JobState::Succeeded));
            let artifact = published.find(|file| name.is_none_or(|name| name == file.name))?;
            Some(PublishedArtifact {
                owner: row.order.owner.clone(),
                expires_at: row.expires_at(),
                artifact: artifact.clone(),
            })
        })?;
        Ok(found.flatten())
    }

    async fn list(&self, listed: Listed) -> Result<Vec<JobRecord>, StoreError> {
        let (table, at) = self.table()?;
        Ok(table.list(at.now, &listed))
    }

    async fn tally(&self) -> Result<Tally, StoreError> {
        let (table, at) = self.table()?;
        Ok(table.tally(at.now))
    }

    async fn details(&self, id: JobId) -> Result<Option<Details>, StoreError> {
        self.read(id, Reach::All, |row, at| row.details(at.now))
    }

    async fn order(&self, id: JobId) -> Result<Option<NewJob>, StoreError> {
        self.read(id, Reach::All, |row, _| NewJob {
            total_stages: row.standing.total_stages,
            max_open: None,
            trace: None,
            ..row.order.clone()
        })
    }

    async fn rescue(&self, dead: &[WorkerId]) -> Result<Vec<Lost>, StoreError> {
        let (mut table, at) = self.table()?;
        let lost = table.rescue(at, dead)?;
        self.hints.tell_of_lost(&lost);
        Ok(lost)
    }

    async fn give_up(&self, offered: &[&str], after: Duration) -> Result<Vec<JobId>, StoreError> {
        let (mut table, at) = self.table()?;
        let ids = table.give_up(at, offered, after)?;
        self.hints.tell(ids.iter().copied().map(Hint::Changed));
        Ok(ids)
    }

    async fn expired(&self, limit: u32) -> Result<Vec<JobId>, StoreError> {
        let (table, at) = self.table()?;
        Ok(table.expired(at.now, limit))
    }

    async fn delete(&self, ids: &[JobId]) -> Result<u64, StoreError> {
        let (mut table, at) = self.table()?;
        let before = table.rows.len();
        let goes = |row: &Row| ids.contains(&row.order.id) && row.has_expired(at.now);
        table.rows.retain(|_, row| !goes(row));
        Ok((before - table.rows.len()) as u64)
    }

    async fn needed(&self, ids: &[JobId]) -> Result<Vec<Needed>, StoreError> {
        let (table, _) = self.table()?;
        let asked = table
            .rows
            .values()
            .filter(|row| ids.contains(&row.order.id));
        let needed = |row: &Row| Needed {
            id: row.order.id,
            is_over: row.standing.state.is_terminal(),
            epoch: row.standing.epoch,
            locations: if row.is(JobState::Failed) {
                Vec::new()
            } else {
                let files = row.artifacts.iter();
                files.map(|file| file.location.clone()).collect()
            },
        };
        Ok(asked.map(needed).collect())
    }

    async fn secrets(&self, name: &str) -> Result<Secrets, StoreError> {
        let (table, at) = self.table()?;
        Ok(Secrets {
            live: table.secrets.get(name).cloned().unwrap_or_default(),
            read_at: at.now,
        })
    }

    async fn make_secret(&self, name: &str, fresh: [u8; 32]) -> Result<(), StoreError> {
        let (mut table, at) = self.table()?;
        let live = table.secrets.entry(name.to_owned()).or_default();
        if live.is_empty() {
            live.push(Secret {
                value: fresh,
                made_at: at.now,
            });
        }
        Ok(())
    }

    async fn rotate_secrets(
        &self,
        fresh: &[(&str, [u8; 32])],
        rotation: Rotation,
    ) -> Result<bool, StoreError> {
        let (mut table, at) = self.table()?;
        let is_too_soon = fresh.iter().any(|(name, _)| {
            let newest = table.secrets.get(*name).and_then(|live| live.first());
            rotation.is_too_soon(newest.map(|newest| newest.made_at), at.now)
        });
        if is_too_soon {
            return Ok(false);
        }
        for (name, fresh) in fresh {
            let live = table.secrets.entry((*name).to_owned()).or_default();
            let newest = Secret {
                value: *fresh,
                made_at: at.now,
            };
            live.insert(0, newest);
            live.truncate(rotation.left().into());
        }
        Ok(true)
    }

    fn hints(&self) -> broadcast::Receiver<Hint> {
        self.hints.subscribe()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.table().map(drop)
    }

    async fn close(&self) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.is_closed = true;
    }
}
