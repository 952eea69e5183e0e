//! A store and the reference: each command is given to both, which must say the same.

use std::{fmt::Debug, sync::Arc};

use farcall_core::{
    clock::ManualClock,
    id::JobId,
    job::state::JobState,
    problem::ErrorCode,
    question::{Askable, Question},
};
use farcall_store::{
    Fence, JobError, JobStore, Listed, MemoryStore, NewJob, NewWorker, Reach, Report, StoreError,
    Success, Terms, Wanted, Worker, WorkerId,
    conformance::{
        TestClock,
        fixture::{LEASE, START, artifact, checkpoint, unique_id},
    },
};
use serde_json::json;

use super::{
    Seen,
    command::{Command, PROGRAMS, Start, Write},
    subject::Subject,
};
use crate::suite::Hand;

/// Both, in lockstep.
pub(super) struct Both<'a, S> {
    subject: S,
    seen: &'a Seen,
    reference: MemoryStore,
    clock: Hand,
    jobs: Vec<JobId>,
    workers: Vec<WorkerId>,
}

impl<'a, S: Subject> Both<'a, S> {
    pub(super) fn new(subject: S, seen: &'a Seen) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        Self {
            subject,
            seen,
            reference: MemoryStore::new(clock.clone()),
            clock: Hand(clock),
            jobs: Vec::new(),
            workers: Vec::new(),
        }
    }

    pub(super) async fn run(mut self, commands: Vec<Command>) -> S {
        for command in &commands {
            // Without a worker there is nothing to see.
            if !self.workers().await.iter().any(|worker| worker.is_live) {
                self.pass(&Command::Register(0)).await;
            }
            self.pass(command).await;
        }
        for id in self.jobs.clone() {
            self.compare_job(id, "the end").await;
        }
        self.subject
    }

    /// Gives `command` to both, and sees that they answer the same and are the same then.
    async fn pass(&mut self, command: &Command) {
        match *command {
            Command::Advance(milliseconds) => {
                self.subject.clock().advance(milliseconds).await;
                self.clock.advance(milliseconds).await;
            }
            Command::Jump(milliseconds) if !S::IS_SHARED => {
                self.subject.clock().jump(milliseconds).await;
                self.clock.jump(milliseconds).await;
            }
            Command::Reopen => self.subject.reopen().await,
            Command::Register(_) => self.workers.push(WorkerId::from_random(bits(unique_id()))),
            Command::Enqueue(_) => self.jobs.push(unique_id()),
            _ => {}
        }
        let (fence, worker) = (self.fence(command).await, self.worker(command).await);
        let found = self.ask(self.subject.store(), command, fence, worker).await;
        let expected = self.ask(&self.reference, command, fence, worker).await;
        assert_eq!(found, expected, "{command:?}");
        self.seen.note(&found);
        if let Some(fence) = fence {
            self.compare_job(fence.id, command).await;
        }
        self.compare(command).await;
    }

    /// The claim that `command` is made under. Those that run come first, those that are over last.
    async fn fence(&self, command: &Command) -> Option<Fence> {
        let (job, age) = command.job()?;
        let mut records = self.reference.list(all()).await.unwrap();
        records.sort_by_key(|record| match record.state {
            JobState::Running => 0,
            JobState::Queued => 1,
            JobState::Succeeded | JobState::Failed => 2,
        });
        let id = records.get(job)?.id;
        let needed = self.reference.needed(&[id]).await.unwrap();
        Some(Fence {
            id,
            epoch: needed.first()?.epoch - age,
        })
    }

    /// The worker that `command` is about. Those with a lease come first.
    async fn worker(&self, command: &Command) -> WorkerId {
        let number = command.worker();
        let mut workers = self.workers().await;
        workers.sort_by_key(|worker| !worker.is_live);
        let found = workers.get(number);
        found.map_or(WorkerId::from_random([0xff; 16]), |found| found.worker.id)
    }

    async fn workers(&self) -> Vec<Worker> {
        self.reference.workers().await.unwrap()
    }

    async fn ask(
        &self,
        store: &dyn JobStore,
        command: &Command,
        fence: Option<Fence>,
        worker: WorkerId,
    ) -> String {
        match command {
            Command::Enqueue(start) => said(store.enqueue(self.new_job(start)).await),
            Command::Register(slot) => {
                let worker = NewWorker {
                    id: self.workers[self.workers.len() - 1],
                    host: "here".to_owned(),
                    identity: String::new(),
                    programs: programs(*slot).collect(),
                    slots: [].into(),
                };
                said(store.register(worker, LEASE).await)
            }
            Command::Beat(_) => said(store.beat(worker, LEASE).await),
            Command::Unregister(_) => said(store.unregister(worker).await),
            Command::Claim(claim) => {
                let wanted = Wanted {
                    worker,
                    programs: &claim.programs(),
                    which: claim.which,
                    limit: claim.limit,
                    adopt_after: claim.adopt_after,
                };
                said(store.claim(wanted).await)
            }
            Command::Rescue(Some(_)) => said(store.rescue(&[worker]).await),
            Command::Rescue(None) => said(store.rescue(&[]).await),
            // The leases of a store that one process has end with that process.
            Command::Reopen => said(store.rescue(&self.workers).await),
            Command::GiveUp(slot, after) => {
                let offered = slot.map_or(&[][..], |slot| PROGRAMS[slot]);
                let offered: Vec<_> = offered.iter().map(|(name, _)| *name).collect();
                said(store.give_up(&offered, *after).await)
            }
            Command::Delete => said(store.delete(&self.jobs).await),
            Command::MakeSecret(byte) => said(store.make_secret("links", [*byte; 32]).await),
            Command::RotateSecrets(byte, how) => {
                let fresh = [("links", [*byte; 32]), ("state", [!byte; 32])];
                said(store.rotate_secrets(&fresh, *how).await)
            }
            Command::Advance(_) | Command::Jump(_) => String::new(),
            Command::Write { write, .. } => match fence {
                Some(fence) => write_to(store, fence, write).await,
                None => String::new(),
            },
            Command::Cancel { owner, .. } => match fence {
                Some(fence) => said(store.cancel(fence.id, Reach::Owner(owner)).await),
                None => String::new(),
            },
            Command::Answer { owner, keys, .. } => match fence {
                Some(fence) => {
                    let answers = keys.iter().map(|key| ((*key).to_owned(), json!([key])));
                    let answers = answers.collect();
                    said(store.answer(fence.id, Reach::Owner(owner), &answers).await)
                }
                None => String::new(),
            },
        }
    }

    fn new_job(&self, start: &Start) -> NewJob {
        NewJob {
            id: self.jobs[self.jobs.len() - 1 - usize::from(start.is_twin && self.jobs.len() > 1)],
            owner: start.owner.to_owned(),
            job: start.job.to_owned(),
            arguments: [("hash".to_owned(), json!(start.hash))]
                .into_iter()
                .collect(),
            total_stages: start.total_stages,
            fingerprint: start.fingerprint.to_owned(),
            terms: Terms {
                priority: start.priority,
                keep_for: start.keep_for,
                queue_timeout: start.queue_timeout,
                max_losses: start.max_losses,
            },
            key: start.key.map(str::to_owned),
            args_hash: [start.hash; 32],
            unique_for: start.unique_for,
            can_ask: Askable::NOBODY,
            trace: None,
            max_open: (start.hash % 2 == 1).then_some(3),
        }
    }

    /// Everything that is about all jobs.
    async fn compare(&self, after: &Command) {
        let (one, other) = (self.subject.store(), &self.reference);
        let found = said(one.list(all()).await);
        assert_eq!(found, said(other.list(all()).await), "{after:?}");
        self.seen.note(&found);
        let found = said(one.workers().await);
        assert_eq!(found, said(other.workers().await), "{after:?}");
        let found = said(one.expired(9).await);
        assert_eq!(found, said(other.expired(9).await), "{after:?}");
        let found = said(one.needed(&self.jobs).await);
        assert_eq!(found, said(other.needed(&self.jobs).await), "{after:?}");
        for name in ["links", "state"] {
            let found = one.secrets(name).await.unwrap();
            assert_eq!(found, other.secrets(name).await.unwrap(), "{after:?}");
        }
    }

    /// Everything that can be read about one job.
    async fn compare_job(&self, id: JobId, after: impl Debug) {
        let found = everything(self.subject.store(), id).await;
        let expected = everything(&self.reference, id).await;
        assert_eq!(found, expected, "{after:?}");
    }
}

fn all() -> Listed {
    Listed {
        limit: 99,
        ..Listed::default()
    }
}

async fn everything(store: &dyn JobStore, id: JobId) -> [String; 9] {
    let reach = Reach::Owner("alice");
    let epoch = store
        .needed(&[id])
        .await
        .unwrap()
        .first()
        .map(|job| job.epoch);
    let fence = Fence {
        id,
        epoch: epoch.unwrap_or_default(),
    };
    [
        said(store.outcome(id, Reach::All).await),
        said(store.record(id, reach).await),
        said(store.records(&[id]).await),
        said(store.questions(id, reach).await),
        said(store.log(id, reach, 2, 3).await),
        said(store.published(id, reach, None).await),
        said(store.published(id, reach, Some("b.txt")).await),
        said(store.order(id).await),
        said(store.staged(fence).await),
    ]
}

async fn write_to(store: &dyn JobStore, fence: Fence, write: &Write) -> String {
    let made = |file: &str| vec![artifact(file, &format!("{}/{file}", fence.epoch))];
    match write {
        Write::Report {
            stage,
            progress,
            lines,
        } => {
            let report = Report {
                stage: *stage,
                message: format!("at {stage}"),
                progress: *progress,
                log: (0..*lines).map(|line| format!("{line}")).collect(),
            };
            said(store.report(fence, report).await)
        }
        Write::Checkpoint { stage, file } => said(
            store
                .checkpoint(fence, checkpoint(*stage), made(file))
                .await,
        ),
        Write::Restart { total, fingerprint } => {
            let fingerprint = (*fingerprint).to_owned();
            said(store.restart(fence, *total, fingerprint).await)
        }
        Write::Succeed { file } => {
            let success = Success {
                value: Some(json!({"made": file})),
                artifacts: made(file),
            };
            said(store.succeed(fence, success).await)
        }
        Write::Fail => {
            let error = JobError {
                code: ErrorCode::UserError,
                message: "no such scene".to_owned(),
            };
            said(store.fail(fence, error).await)
        }
        Write::Release => said(store.release(fence).await),
        Write::Retry(after) => said(store.retry(fence, *after, "again".to_owned()).await),
        Write::Ask(keys) => {
            let ask = |key: &&str| ((*key).to_owned(), Question::form(*key));
            let questions: Vec<_> = keys.iter().map(ask).collect();
            said(store.ask(fence, &questions).await)
        }
    }
}

/// An answer as text. How a rule is put is a backend's own affair.
fn said<T: Debug>(answer: Result<T, StoreError>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(StoreError::Refused { .. }) => "refused".to_owned(),
        Err(
            error @ (StoreError::KeyConflict
            | StoreError::StaleClaim
            | StoreError::TooManyOpen { .. }),
        ) => format!("{error:?}"),
        Err(error) => panic!("{error:?}"),
    }
}

fn programs(slot: usize) -> impl Iterator<Item = (String, String)> {
    let owned =
        |(name, fingerprint): &(&str, &str)| ((*name).to_owned(), (*fingerprint).to_owned());
    PROGRAMS[slot].iter().map(owned)
}

fn bits(id: JobId) -> [u8; 16] {
    u128::from_str_radix(&id.to_string(), 16)
        .unwrap()
        .to_be_bytes()
}
