//! Tells a client of its tasks as they change.
//!
//! Whoever follows a task is one more who watches its job, and costs no statement of its own
//! while nothing about it changes.

use std::sync::Arc;

use farcall_core::{clock::Timestamp, id::JobId, principal::Principal, problem::Problem};
use farcall_store::JobRecord;
use futures_util::future::select_all;

use crate::{
    task::{Access, Task, Tasks, View},
    watch::Watching,
};

/// Tasks of one caller that are followed; whoever drops this follows them no more.
pub struct Following {
    tasks: Tasks,
    caller: Principal,
    followed: Vec<Followed>,
}

struct Followed {
    id: JobId,
    watching: Watching,
    told: Option<Told>,
}

/// What was told of a task, and the record that it was made from.
struct Told {
    look: Look,
    updated_at: Timestamp,
    read_at: Timestamp,
}

/// What a client sees change in a task that is not over.
#[derive(PartialEq)]
struct Look {
    message: String,
    /// The keys of its open questions.
    questions: Option<Vec<String>>,
}

impl Tasks {
    /// Begins to follow those of `ids` that are tasks of this caller; of the others nothing is
    /// said, and nothing read again. Some are left out where too many are watched already.
    ///
    /// # Errors
    /// A problem where the store cannot be read.
    pub async fn follow(&self, ids: &[String], caller: &Principal) -> Result<Following, Problem> {
        let mut followed: Vec<Followed> = Vec::new();
        for id in ids {
            let Some((record, _)) = self.find(id, caller, Access::Look).await? else {
                continue;
            };
            let id = record.id;
            let is_new = followed.iter().all(|known| known.id != id);
            // What changes between the two is in what is read first.
            if is_new && let Some(watching) = self.queue.follow(id) {
                followed.push(Followed {
                    id,
                    watching,
                    told: None,
                });
            }
        }
        Ok(Following {
            tasks: self.clone(),
            caller: caller.clone(),
            followed,
        })
    }
}

impl Following {
    /// The tasks that are followed.
    pub fn ids(&self) -> impl Iterator<Item = JobId> {
        self.followed.iter().map(|followed| followed.id)
    }

    /// The next task that is another than its client was told, beginning with each as it is now.
    /// A task that is over is told once more, and followed no longer. `None` where none is left.
    ///
    /// Changes in between are skipped for a client that asks too rarely. This may be dropped while
    /// it waits: what it was about to say is found in what is read next.
    pub async fn next(&mut self) -> Option<Task> {
        while !self.followed.is_empty() {
            let (index, record) = self.read().await;
            let Some(record) = record else {
                // It has expired.
                self.followed.swap_remove(index);
                continue;
            };
            let told = self.followed[index].told.as_ref();
            if told.is_some_and(|told| told.is_of(&record)) {
                continue;
            }
            let (updated_at, read_at) = (record.updated_at, record.read_at);
            let is_over = record.state.is_terminal();
            let task = match self
                .tasks
                .seen(JobRecord::clone(&record), &self.caller)
                .await
            {
                Ok(task) => task,
                Err(problem) => {
                    let cause = problem.cause();
                    tracing::debug!(?cause, "a task cannot be told at the moment");
                    continue;
                }
            };
            if is_over {
                self.followed.swap_remove(index);
                return Some(task);
            }
            let told = &mut self.followed[index].told;
            let look = Look::of(&task);
            let is_news = told.as_ref().is_none_or(|told| told.look != look);
            *told = Some(Told {
                look,
                updated_at,
                read_at,
            });
            if is_news {
                return Some(task);
            }
        }
        None
    }

    /// What is read next, and of which of them.
    async fn read(&mut self) -> (usize, Option<Arc<JobRecord>>) {
        let all = self.followed.iter_mut();
        let (record, index, _) =
            select_all(all.map(|followed| Box::pin(followed.watching.next()))).await;
        (index, record)
    }
}

impl Told {
    /// Whether nothing has been written to `record` since. In the millisecond of its last change it
    /// may change again.
    fn is_of(&self, record: &JobRecord) -> bool {
        self.updated_at == record.updated_at && self.updated_at < self.read_at
    }
}

impl Look {
    fn of(task: &Task) -> Self {
        let questions = match &task.view {
            View::InputRequired(open) => Some(open.iter().map(|(key, _)| key.clone()).collect()),
            _ => None,
        };
        Self {
            message: task.message.clone(),
            questions,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use farcall_core::{
        JsonObject,
        clock::ManualClock,
        job::{Expose, Job, Pipeline},
    };
    use farcall_store::{JobStore, Reach, SqliteStore};
    use tempfile::TempDir;

    use super::*;
    use crate::{Links, Programs, Queue};

    struct Rig {
        store: Arc<dyn JobStore>,
        clock: Arc<ManualClock>,
        queue: Queue,
        tasks: Tasks,
        _folder: TempDir,
    }

    impl Rig {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let clock = Arc::new(ManualClock::at(Timestamp(1_000_000)));
            let store = SqliteStore::open(folder.path(), clock.clone()).await;
            let store: Arc<dyn JobStore> = Arc::new(store.unwrap());
            let idle = Pipeline::<JsonObject, JsonObject>::new().stage("idling", |_, x| Ok(x));
            let idle = Job::new("idle", "Idle.", idle).with(|options| {
                options.expose = Expose::Task;
                options.keep_for = Duration::from_hours(1);
            });
            let queue = Queue::new(Arc::clone(&store), Programs::new([idle]));
            Self {
                tasks: Tasks::new(queue.clone(), Links::new("http://localhost")),
                queue,
                store,
                clock,
                _folder: folder,
            }
        }

        async fn queued(&self) -> JobId {
            let caller = Principal::anonymous();
            let started = self.queue.start("idle", JsonObject::new(), &caller);
            started.await.unwrap().id
        }

        async fn following(&self, ids: &[JobId]) -> Following {
            let ids: Vec<_> = ids.iter().map(JobId::to_string).collect();
            let caller = Principal::anonymous();
            self.tasks.follow(&ids, &caller).await.unwrap()
        }
    }

    async fn soon<F: Future>(event: F) -> F::Output {
        let event = tokio::time::timeout(Duration::from_secs(30), event);
        event.await.expect("it did not happen in time")
    }

    #[tokio::test]
    async fn what_changes_within_the_millisecond_in_which_it_was_read_is_told() {
        // Its clock stands still.
        let rig = Rig::new().await;
        let id = rig.queued().await;
        let mut following = rig.following(&[id]).await;
        let task = soon(following.next()).await.unwrap();
        assert!(matches!(task.view, View::Working), "{task:?}");
        rig.store.cancel(id, Reach::All).await.unwrap();
        let task = soon(following.next()).await.unwrap();
        assert!(matches!(task.view, View::Cancelled), "{task:?}");
        assert!(following.next().await.is_none());
    }

    #[tokio::test]
    async fn what_does_not_change_is_told_once() {
        let rig = Rig::new().await;
        let (one, other) = (rig.queued().await, rig.queued().await);
        let mut following = rig.following(&[one, other]).await;
        for _ in 0..2 {
            soon(following.next()).await.unwrap();
        }
        // It is read twice a second, and in the first of these two with its clock standing still.
        for _ in 0..2 {
            let nothing = tokio::time::timeout(Duration::from_millis(700), following.next());
            assert!(nothing.await.is_err());
            rig.clock.advance(1_000);
        }
        rig.store.cancel(other, Reach::All).await.unwrap();
        assert_eq!(soon(following.next()).await.unwrap().id, other);
    }

    #[tokio::test]
    async fn what_expires_is_told_no_more() {
        let rig = Rig::new().await;
        let id = rig.queued().await;
        let mut following = rig.following(&[id]).await;
        soon(following.next()).await.unwrap();
        rig.store.cancel(id, Reach::All).await.unwrap();
        rig.clock.advance(7_200_000);
        // Its end may have been read before it expired.
        if let Some(task) = soon(following.next()).await {
            assert!(matches!(task.view, View::Cancelled), "{task:?}");
            assert!(soon(following.next()).await.is_none());
        }
        assert!(following.ids().next().is_none());
    }
}
