//! Who runs jobs, and what to do about jobs that nobody works on.

use std::{collections::BTreeMap, time::Duration};

use farcall_core::{clock::Timestamp, id::JobId, job::state::JobState, problem::ErrorCode};

use super::{
    row::Row,
    rules::{Event, must},
    table::Table,
};
use crate::{
    Beat, Fence, Lost, NewWorker, StoreError, Worker, WorkerId,
    limits::{REMEMBERED_MS, milliseconds},
    moment::Moment,
};

#[derive(Debug)]
pub(super) struct Known {
    pub(super) worker: NewWorker,
    started_at: Timestamp,
    lease_until: i64,
    gone_at: Option<Timestamp>,
}

impl Known {
    pub(super) fn is_live(&self, at: Moment) -> bool {
        self.gone_at.is_none() && self.lease_until >= at.steady.0
    }
}

impl Table {
    pub(super) fn register(
        &mut self,
        at: Moment,
        worker: NewWorker,
        lease: Duration,
    ) -> Result<(), StoreError> {
        must(
            !self.workers.contains_key(&worker.id),
            "a worker begins once",
        )?;
        let known = Known {
            started_at: at.now,
            lease_until: at.steady.0 + milliseconds(lease),
            gone_at: None,
            worker,
        };
        self.workers.insert(known.worker.id, known);
        Ok(())
    }

    pub(super) fn learn(
        &mut self,
        id: WorkerId,
        programs: BTreeMap<String, String>,
    ) -> Result<(), StoreError> {
        let known = self.workers.get_mut(&id);
        let known = known.filter(|known| known.gone_at.is_none());
        known.ok_or(StoreError::StaleClaim)?.worker.programs = programs;
        Ok(())
    }

    pub(super) fn beat(
        &mut self,
        at: Moment,
        id: WorkerId,
        lease: Duration,
    ) -> Result<Beat, StoreError> {
        let known = self.workers.get_mut(&id);
        let known = known.filter(|known| known.gone_at.is_none());
        let known = known.ok_or(StoreError::StaleClaim)?;
        known.lease_until = at.steady.0 + milliseconds(lease);
        let suspects = self.rows.values().filter(|row| {
            row.is(JobState::Queued)
                && row.standing.is_suspect
                && row.run_at <= at.now
                && known.worker.programs.contains_key(&row.order.job)
        });
        // The first of those that have waited equally long.
        let oldest = suspects.min_by_key(|row| row.updated_at.max(row.run_at));
        let since = oldest.map(|row| row.updated_at.max(row.run_at).0);
        let before = oldest.map_or(0, |oldest| {
            let has_it = |known: &&Known| {
                known.is_live(at) && known.worker.programs.contains_key(&oldest.order.job)
            };
            let lower = self.workers.range(..id).map(|(_, known)| known);
            lower.filter(has_it).count()
        });
        let running = self.rows.values().filter(|row| row.worker == Some(id));
        let fence = |row: &Row| Fence {
            id: row.order.id,
            epoch: row.standing.epoch,
        };
        let cancelled = running.clone().filter(|row| row.standing.is_cancelled);
        Ok(Beat {
            cancelled: cancelled.map(fence).collect(),
            running: running.map(fence).collect(),
            before: u32::try_from(before).unwrap_or(u32::MAX),
            suspect_waits: since
                .map(|since| Duration::from_millis((at.now.0 - since).max(0).unsigned_abs())),
        })
    }

    pub(super) fn unregister(
        &mut self,
        now: Timestamp,
        id: WorkerId,
    ) -> Result<Vec<Lost>, StoreError> {
        let lost = self.take_jobs(now, &[id])?;
        self.workers.remove(&id);
        Ok(lost)
    }

    pub(super) fn workers(&self, at: Moment) -> Vec<Worker> {
        let is_remembered = |gone: Timestamp| gone.0 > at.now.0 - REMEMBERED_MS;
        let remembered = self
            .workers
            .values()
            .filter(|known| known.gone_at.is_none_or(is_remembered));
        let mut workers: Vec<_> = remembered
            .map(|known| Worker {
                worker: known.worker.clone(),
                started_at: known.started_at,
                is_live: known.is_live(at),
                gone_at: known.gone_at,
            })
            .collect();
        workers.sort_by_key(|worker| (worker.started_at, worker.worker.id));
        workers
    }

    pub(super) fn rescue(
        &mut self,
        at: Moment,
        dead: &[WorkerId],
    ) -> Result<Vec<Lost>, StoreError> {
        let is_lost = |known: &&Known| {
            let is_over = known.lease_until < at.steady.0 || dead.contains(&known.worker.id);
            known.gone_at.is_none() && is_over
        };
        let lost = self.workers.values().filter(is_lost);
        let lost: Vec<_> = lost.map(|known| known.worker.id).collect();
        let jobs = self.take_jobs(at.now, &lost)?;
        for id in lost {
            if let Some(known) = self.workers.get_mut(&id) {
                known.gone_at = Some(at.now);
            }
        }
        Ok(jobs)
    }

    fn take_jobs(&mut self, now: Timestamp, from: &[WorkerId]) -> Result<Vec<Lost>, StoreError> {
        let theirs = self
            .rows
            .values_mut()
            .filter(|row| row.worker.is_some_and(|worker| from.contains(&worker)));
        theirs
            .map(|row| {
                let counted = row.standing.is_alone;
                row.happen(now, Event::Lose)?;
                Ok(Lost {
                    id: row.order.id,
                    became: row.standing.state,
                    counted,
                })
            })
            .collect()
    }

    pub(super) fn give_up(
        &mut self,
        at: Moment,
        offered: &[&str],
        after: Duration,
    ) -> Result<Vec<JobId>, StoreError> {
        let now = at.now;
        if !after.is_zero() {
            let noted = offered.iter().map(|job| ((*job).to_owned(), now));
            self.offers.extend(noted);
        }
        let after = milliseconds(after);
        let has_worker = self.workers.values().any(|known| known.is_live(at));
        let is_known = |job: &String| {
            let last = self.offers.get(job);
            offered.contains(&job.as_str()) || last.is_some_and(|last| last.0 > now.0 - after)
        };
        let mut ids = Vec::new();
        for row in self
            .rows
            .values_mut()
            .filter(|row| row.is(JobState::Queued))
        {
            let since = row.updated_at.max(row.run_at);
            let code = if row
                .queue_deadline()
                .is_some_and(|deadline| deadline <= now.0)
            {
                ErrorCode::QueueTimeout
            } else if has_worker && since.0 <= now.0 - after && !is_known(&row.order.job) {
                ErrorCode::Internal
            } else {
                continue;
            };
            row.happen(now, Event::GiveUp(code))?;
            ids.push(row.order.id);
        }
        let is_forgotten = |gone: Timestamp| gone.0 <= now.0 - REMEMBERED_MS;
        self.workers
            .retain(|_, known| !known.gone_at.is_some_and(is_forgotten));
        Ok(ids)
    }
}
