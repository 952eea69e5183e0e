//! The model: what a store is, without any care for durability or speed.

use farcall_core::{id::JobId, job::state::JobState, problem::ErrorCode};
use farcall_store::{Fence, Lost, Which};

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
    pub(super) counted: u32,
    /// It has lost its worker in its last attempt, and runs alone.
    pub(super) is_suspect: bool,
    pub(super) is_cancelled: bool,
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

    pub(super) fn locations(&self) -> Vec<String> {
        let is_kept = self.state != JobState::Failed;
        let files = self.files.iter().filter(|_| is_kept);
        let mut locations: Vec<_> = files
            .map(|(name, epoch)| format!("{epoch}/{name}"))
            .collect();
        locations.sort();
        locations
    }

    fn wait(&mut self) {
        if self.is_cancelled {
            return self.fail(ErrorCode::Cancelled);
        }
        self.state = JobState::Queued;
        self.stage = self.checkpoint.unwrap_or(0);
    }

    fn fail(&mut self, code: ErrorCode) {
        self.state = JobState::Failed;
        self.error = Some(code);
    }

    fn lose(&mut self) -> Lost {
        let counted = self.is_suspect;
        (self.losses, self.counted) = (self.losses + 1, self.counted + u32::from(counted));
        if self.is_cancelled || self.counted < 2 {
            self.wait();
            self.is_suspect = true;
        } else {
            self.fail(ErrorCode::WorkerLost);
        }
        Lost {
            id: self.id,
            became: self.state,
            counted,
        }
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
            Write::Release if self.is_cancelled => self.wait(),
            Write::Release => {
                self.attempt -= 1;
                self.wait();
            }
            Write::Retry => {
                self.wait();
                self.is_suspect = false;
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
        let (job, age) = match command {
            Command::Write { job, age, .. } => (job, age),
            Command::Cancel(job) => (job, &0),
            _ => return None,
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
                    counted: 0,
                    is_suspect: false,
                    is_cancelled: false,
                    checkpoint: None,
                    files: Vec::new(),
                    error: None,
                });
                Answer::Done
            }
            Command::Claim(known, which) => {
                Answer::Claimed(self.in_state(JobState::Queued).find_map(|job| {
                    let is_wanted = job.is_suspect == (*which == Which::Suspect);
                    (is_wanted && known.contains(&job.name)).then(|| {
                        job.state = JobState::Running;
                        (job.epoch, job.attempt) = (job.epoch + 1, job.attempt + 1);
                        (
                            Fence {
                                id: job.id,
                                epoch: job.epoch,
                            },
                            job.attempt,
                            job.is_suspect,
                            job.checkpoint,
                        )
                    })
                }))
            }
            Command::Write { job, age, write } => self
                .jobs
                .get_mut(*job)
                .map_or(Answer::Done, |job| job.write(*age, write)),
            Command::Cancel(job) => {
                match self.jobs.get_mut(*job) {
                    Some(job) if job.state == JobState::Queued => job.fail(ErrorCode::Cancelled),
                    Some(job) if job.state == JobState::Running => job.is_cancelled = true,
                    _ => {}
                }
                Answer::Done
            }
            Command::Lose => {
                let lost = self.in_state(JobState::Running).map(Job::lose);
                Answer::Lost(lost.collect())
            }
            Command::GiveUp => {
                let orphans = self
                    .in_state(JobState::Queued)
                    .filter(|job| job.name != "render");
                let failed = orphans.map(|job| {
                    job.fail(ErrorCode::Internal);
                    job.id
                });
                Answer::Failed(failed.collect())
            }
            Command::Reopen => Answer::Done,
        }
    }

    fn in_state(&mut self, state: JobState) -> impl Iterator<Item = &mut Job> {
        self.jobs.iter_mut().filter(move |job| job.state == state)
    }
}
