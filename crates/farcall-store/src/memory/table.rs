//! All jobs, and what is about several of them.

use std::{collections::BTreeMap, time::Duration};

use farcall_core::{clock::Timestamp, id::JobId, job::state::JobState};
use serde_json::json;

use super::{
    callers::Named,
    row::Row,
    rules::{Event, must},
    workers::Known,
};
use crate::{
    Cancelled, Claim, Enqueued, Fence, JobRecord, Listed, NewJob, Reach, Same, Secret, StoreError,
    Tally, Wanted, Which, WorkerId, limits::milliseconds, moment::Moment, text,
};

#[derive(Debug, Default)]
pub(super) struct Table {
    /// By the order in which they came.
    pub(super) rows: BTreeMap<i64, Row>,
    pub(super) workers: BTreeMap<WorkerId, Known>,
    /// Of each name the newest first.
    pub(super) secrets: BTreeMap<String, Vec<Secret>>,
    /// The jobs that were offered, and when they last were.
    pub(super) offers: BTreeMap<String, Timestamp>,
    pub(super) named: Named,
    pub(super) is_closed: bool,
}

impl Table {
    /// The job `id`, whoever asks and however old it is.
    pub(super) fn row(&self, id: JobId) -> Option<&Row> {
        self.rows.values().find(|row| row.order.id == id)
    }

    /// The job `id` for a reader.
    pub(super) fn seen(&self, now: Timestamp, id: JobId, reach: Reach<'_>) -> Option<&Row> {
        let is_seen = |row: &&Row| row.is_within(reach) && !row.has_expired(now);
        self.row(id).filter(is_seen)
    }

    /// Changes the job `id` by `change`; with an error it stays what it was.
    fn change<T>(
        &mut self,
        id: JobId,
        change: impl FnOnce(&mut Row) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let found = self.rows.values_mut().find(|row| row.order.id == id);
        let row = found.ok_or(StoreError::StaleClaim)?;
        let mut changed = row.clone();
        let answer = change(&mut changed)?;
        *row = changed;
        Ok(answer)
    }

    /// The same for whoever has its claim.
    pub(super) fn write<T>(
        &mut self,
        fence: Fence,
        change: impl FnOnce(&mut Row) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.change(fence.id, |row| {
            if row.is(JobState::Running) && row.standing.epoch == fence.epoch {
                change(row)
            } else {
                Err(StoreError::StaleClaim)
            }
        })
    }

    pub(super) fn enqueue(&mut self, now: Timestamp, job: NewJob) -> Result<Enqueued, StoreError> {
        text::written(&json!(job.arguments))?;
        if let Some(earlier) = self.earlier(now, &job)? {
            return Ok(earlier);
        }
        let is_open =
            |row: &&Row| row.order.owner == job.owner && !row.standing.state.is_terminal();
        let open = self.rows.values().filter(is_open).count();
        if let Some(limit) = job.max_open
            && open >= limit as usize
        {
            return Err(StoreError::TooManyOpen { limit });
        }
        must(self.row(job.id).is_none(), "there is a job with this id")?;
        let row = Row::new(job, now)?;
        let record = row.record(now);
        if row.order.key.is_some() {
            // Whoever has it still has expired.
            let others = self
                .rows
                .values_mut()
                .filter(|other| other.is_same(&row.order));
            for other in others.filter(|other| other.order.key == row.order.key) {
                other.order.key = None;
            }
        }
        let sequence = self.rows.last_key_value().map_or(1, |(last, _)| last + 1);
        self.rows.insert(sequence, row);
        Ok(Enqueued {
            record,
            was_there: None,
        })
    }

    /// The job that this start is a repetition of.
    pub(super) fn earlier(
        &self,
        now: Timestamp,
        job: &NewJob,
    ) -> Result<Option<Enqueued>, StoreError> {
        let found = self.same(now, job)?;
        Ok(found.map(|(row, why)| Enqueued {
            record: row.record(now),
            was_there: Some(why),
        }))
    }

    fn same(&self, now: Timestamp, job: &NewJob) -> Result<Option<(&Row, Same)>, StoreError> {
        let mut same = self.rows.iter().filter(|(_, row)| row.is_same(job));
        if let Some(key) = &job.key {
            let keyed = same.find(|(_, row)| row.order.key.as_ref() == Some(key));
            let keyed = keyed
                .map(|(_, row)| row)
                .filter(|row| !row.has_expired(now));
            return match keyed {
                Some(row) if row.order.args_hash != job.args_hash => Err(StoreError::KeyConflict),
                keyed => Ok(keyed.map(|row| (row, Same::Key))),
            };
        }
        let Some(unique_for) = job.unique_for else {
            return Ok(None);
        };
        let identical = same.filter(|(_, row)| {
            row.order.args_hash == job.args_hash
                && row.created_at.0 > now.0 - milliseconds(unique_for)
                && match row.standing.state {
                    JobState::Failed => false,
                    JobState::Succeeded => !row.has_expired(now),
                    JobState::Queued | JobState::Running => !row.standing.is_cancelled,
                }
        });
        let newest = identical.max_by_key(|(sequence, row)| (row.created_at, **sequence));
        Ok(newest.map(|(_, row)| (row, Same::Arguments)))
    }

    pub(super) fn claim(
        &mut self,
        at: Moment,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Claim>, StoreError> {
        let known = self.workers.get(&wanted.worker);
        let mut claims = Vec::new();
        if !known.is_some_and(|known| known.is_live(at)) {
            return Ok(claims);
        }
        let limit = match wanted.which {
            Which::Others => wanted.limit,
            Which::Suspect => wanted.limit.min(1),
        };
        // One after the other, so that each counts for the limits of the next.
        while claims.len() < limit as usize {
            let waiting = self.rows.iter();
            let fitting = waiting.filter(|(_, row)| self.may_claim(at, wanted, row));
            let best = fitting.min_by_key(|(sequence, row)| (row.rank(), **sequence));
            let Some(id) = best.map(|(_, row)| row.order.id) else {
                break;
            };
            claims.push(self.change(id, |row| row.claim(at.now, wanted.worker))?);
        }
        Ok(claims)
    }

    fn may_claim(&self, at: Moment, wanted: Wanted<'_>, row: &Row) -> bool {
        let is_suspect = wanted.which == Which::Suspect;
        let is_late = |deadline| deadline <= at.now.0;
        let running = || {
            let running = self.rows.values().filter(|row| row.is(JobState::Running));
            running
                .filter(|other| other.order.job == row.order.job)
                .count()
        };
        let knows = |known: &&Known| {
            known.is_live(at)
                && known.worker.programs.get(&row.order.job) == Some(&row.order.fingerprint)
        };
        row.is(JobState::Queued)
            && row.standing.is_suspect == is_suspect
            && row.has_waited(at.now, 0)
            && !row.queue_deadline().is_some_and(is_late)
            && wanted.programs.iter().any(|program| {
                program.name == row.order.job
                    && program.concurrency.is_none_or(|limit| running() < limit as usize)
                    // Another version of it goes first, where a worker has that.
                    && (program.fingerprint == row.order.fingerprint
                        || row.has_waited(at.now, milliseconds(wanted.adopt_after))
                            && !self.workers.values().any(|known| knows(&known)))
            })
    }

    pub(super) fn cancel(
        &mut self,
        now: Timestamp,
        id: JobId,
        reach: Reach<'_>,
    ) -> Result<Option<Cancelled>, StoreError> {
        let Some(row) = self.seen(now, id, reach) else {
            return Ok(None);
        };
        if row.standing.state.is_terminal() {
            return Ok(Some(Cancelled::WasOver(row.record(now))));
        }
        self.change(id, |row| {
            row.happen(now, Event::Cancel)?;
            let record = row.record(now);
            Ok(Some(if record.state == JobState::Running {
                Cancelled::Requested(record)
            } else {
                Cancelled::Now(record)
            }))
        })
    }

    pub(super) fn answer(
        &mut self,
        now: Timestamp,
        id: JobId,
        reach: Reach<'_>,
        answers: &BTreeMap<String, serde_json::Value>,
    ) -> Result<bool, StoreError> {
        match self.seen(now, id, reach) {
            None => Ok(false),
            Some(row) if !row.is(JobState::Running) => Ok(true),
            Some(_) => self
                .change(id, |row| row.answer(now, answers))
                .map(|()| true),
        }
    }

    pub(super) fn tally(&self, now: Timestamp) -> Tally {
        let there = || self.rows.values().filter(|row| !row.has_expired(now));
        let count = |state| there().filter(|row| row.is(state)).count() as u64;
        let waits = there().filter(|row| row.is(JobState::Queued));
        let since = waits.map(|row| row.run_at.0).min();
        let waited = |since| now.0.saturating_sub(since).max(0).unsigned_abs();
        Tally {
            queued: count(JobState::Queued),
            running: count(JobState::Running),
            succeeded: count(JobState::Succeeded),
            failed: count(JobState::Failed),
            oldest_queued: since.map(|since| Duration::from_millis(waited(since))),
        }
    }

    pub(super) fn list(&self, now: Timestamp, listed: &Listed) -> Vec<JobRecord> {
        let before = listed.before.map(|id| {
            let found = self.rows.iter().find(|(_, row)| row.order.id == id);
            found.map_or(0, |(sequence, _)| *sequence)
        });
        let is_listed = |(sequence, row): &(&i64, &Row)| {
            let order = &row.order;
            let prefix = listed.id_prefix.as_deref().unwrap_or("");
            !row.has_expired(now)
                && before.is_none_or(|before| **sequence < before)
                && listed.state.is_none_or(|state| row.is(state))
                && listed.job.as_ref().is_none_or(|job| *job == order.job)
                && listed
                    .owner
                    .as_ref()
                    .is_none_or(|owner| *owner == order.owner)
                && order.id.to_string().starts_with(prefix)
        };
        let found = self.rows.iter().rev().filter(is_listed);
        let found = found.take(listed.limit as usize);
        found.map(|(_, row)| row.record(now)).collect()
    }

    pub(super) fn expired(&self, now: Timestamp, limit: u32) -> Vec<JobId> {
        let mut over: Vec<_> = self
            .rows
            .iter()
            .filter(|(_, row)| row.has_expired(now))
            .map(|(sequence, row)| (row.expires_at(), *sequence, row.order.id))
            .collect();
        over.sort_unstable();
        over.truncate(limit as usize);
        over.into_iter().map(|(_, _, id)| id).collect()
    }
}
