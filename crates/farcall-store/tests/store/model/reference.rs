//! The model: what a store is, without any care for durability or speed.

use farcall_core::{id::JobId, job::state::JobState, problem::ErrorCode};
use farcall_store::{Fence, Recovered};

use super::{Answer, Command, Write};

#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) name: &'static str,
    pub(super) state: JobState,
    pub(super) stage: u32,
    pub(super) total: u32,
    pub(super) epoch: i64,
    pub(super) attempt: u32,
    pub(super) losses: u32,
    pub(super) checkpoint: Option<u32>,
    /// Names and the epochs that they were last made in.
    pub(super) files: Vec<(&'static str, i64)>,
    pub(super) error: Option<ErrorCode>,
}

impl Job {
    pub(super) fn published(&self) -> Vec<&'static str> {
        let is_published = self.state == JobState::Succeeded;
        self.files
            .iter()
            .filter(|_| is_published)
            .map(|file| file.0)
            .collect()
    }

    fn keep(&mut self, name: &'static str) {
        match self.files.iter_mut().find(|file| file.0 == name) {
            Some(file) => file.1 = self.epoch,
            None => self.files.push((name, self.epoch)),
        }
    }

    fn wait(&mut self) {
        self.state = JobState::Queued;
        self.stage = self.checkpoint.unwrap_or(0);
    }

    fn fail(&mut self, code: ErrorCode) {
        self.state = JobState::Failed;
        self.error = Some(code);
    }

    fn write(&mut self, age: i64, write: &Write) -> Answer {
        if self.state != JobState::Running || age != 0 {
            return Answer::Stale;
        }
        match *write {
            Write::Report(stage) if stage > self.total => return Answer::Refused,
            Write::Report(stage) => self.stage = self.stage.max(stage),
            Write::Checkpoint { stage, file } => {
                if stage == 0 || stage > self.total || Some(stage) < self.checkpoint {
                    return Answer::Refused;
                }
                self.checkpoint = Some(stage);
                self.stage = self.stage.max(stage);
                self.keep(file);
            }
            Write::Restart { total: 0 } => return Answer::Refused,
            Write::Restart { total } => {
                (self.stage, self.total, self.checkpoint) = (0, total, None);
                self.files.clear();
            }
            Write::Succeed { file } => {
                (self.state, self.stage) = (JobState::Succeeded, self.total);
                self.keep(file);
            }
            Write::Fail => self.fail(ErrorCode::UserError),
            Write::Release => {
                self.attempt -= 1;
                self.wait();
            }
        }
        Answer::Done
    }
}

/// Jobs, oldest first.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) jobs: Vec<Job>,
}

impl Model {
    pub(super) fn fence(&self, command: &Command) -> Option<Fence> {
        let Command::Write { job, age, .. } = command else {
            return None;
        };
        self.jobs.get(*job).map(|job| Fence {
            id: job.id,
            epoch: job.epoch - age,
        })
    }

    pub(super) fn apply(&mut self, command: &Command, new: JobId) -> Answer {
        match command {
            Command::Enqueue { total: 0, .. } => Answer::Refused,
            Command::Enqueue { name, total } => {
                self.jobs.push(Job {
                    id: new,
                    name,
                    state: JobState::Queued,
                    stage: 0,
                    total: *total,
                    epoch: 0,
                    attempt: 0,
                    losses: 0,
                    checkpoint: None,
                    files: Vec::new(),
                    error: None,
                });
                Answer::Done
            }
            Command::Claim(known) => {
                Answer::Claimed(self.in_state(JobState::Queued).find_map(|job| {
                    known.contains(&job.name).then(|| {
                        job.state = JobState::Running;
                        (job.epoch, job.attempt) = (job.epoch + 1, job.attempt + 1);
                        (
                            Fence {
                                id: job.id,
                                epoch: job.epoch,
                            },
                            job.attempt,
                            job.checkpoint,
                        )
                    })
                }))
            }
            Command::Write { job, age, write } => self
                .jobs
                .get_mut(*job)
                .map_or(Answer::Done, |job| job.write(*age, write)),
            Command::Recover { max_losses } => {
                let mut recovered = Recovered::default();
                for job in self.in_state(JobState::Running) {
                    job.losses += 1;
                    if job.losses < *max_losses {
                        job.wait();
                        recovered.requeued.push(job.id);
                    } else {
                        job.fail(ErrorCode::WorkerLost);
                        recovered.lost.push(job.id);
                    }
                }
                Answer::Recovered(recovered)
            }
            Command::FailOrphans(known) => {
                let orphans = self
                    .in_state(JobState::Queued)
                    .filter(|job| !known.contains(&job.name));
                let failed = orphans.map(|job| {
                    job.fail(ErrorCode::Internal);
                    job.id
                });
                Answer::Failed(failed.collect())
            }
            Command::Reopen => Answer::Done,
        }
    }

    pub(super) fn unfinished(&self) -> Vec<JobId> {
        let jobs = self.jobs.iter().filter(|job| !job.state.is_terminal());
        jobs.map(|job| job.id).collect()
    }

    pub(super) fn locations(&self) -> Vec<String> {
        let kept = self.jobs.iter().filter(|job| job.state != JobState::Failed);
        let files = kept.flat_map(|job| &job.files);
        let mut locations: Vec<_> = files
            .map(|(name, epoch)| format!("{epoch}/{name}"))
            .collect();
        locations.sort();
        locations
    }

    fn in_state(&mut self, state: JobState) -> impl Iterator<Item = &mut Job> {
        self.jobs.iter_mut().filter(move |job| job.state == state)
    }
}
