//! Reads of single records, which share a statement where they come together.
//!
//! SQLite finds a record in a few microseconds; to hand the statement to the thread of a connection and
//! to be woken by its answer takes ten times as long. So what is asked while a statement runs waits for
//! the next one, as writes wait for a commit. Nobody is answered by a statement that began before they
//! asked: an answer knows of everything that was acknowledged before.

use std::{collections::HashMap, sync::Arc};

use farcall_core::{clock::Clock, id::JobId};
use sqlx::SqlitePool;
use tokio::sync::{mpsc, oneshot};

use super::read;
use crate::{JobRecord, Reach, StoreError};

/// How many different records one statement reads at most.
const MOST: usize = 64;

/// Where polls queue.
#[derive(Debug)]
pub(super) struct Polls(mpsc::UnboundedSender<Poll>);

#[derive(Debug)]
struct Poll {
    lookup: Lookup,
    answer: oneshot::Sender<Option<JobRecord>>,
}

/// A job, and whose it has to be.
pub(super) type Lookup = (JobId, Option<String>);

impl Polls {
    /// Answers polls until this and `readers` are dropped or closed.
    pub(super) fn new(readers: SqlitePool, clock: Arc<dyn Clock>) -> Self {
        let (polls, queue) = mpsc::unbounded_channel();
        tokio::spawn(answer(queue, readers, clock));
        Self(polls)
    }

    /// The record, or `None` where there is none within `reach`.
    ///
    /// # Errors
    /// [`Unanswered`], where the statement failed: each one who waited for it has to ask by itself, and
    /// is told why.
    pub(super) async fn record(
        &self,
        id: JobId,
        reach: Reach<'_>,
    ) -> Result<Option<JobRecord>, Unanswered> {
        let (answer, answered) = oneshot::channel();
        let lookup = (id, reach.owner().map(str::to_owned));
        self.0
            .send(Poll { lookup, answer })
            .map_err(|_| Unanswered)?;
        answered.await.map_err(|_| Unanswered)
    }
}

/// Nobody said anything.
#[derive(Debug)]
pub(super) struct Unanswered;

async fn answer(
    mut queue: mpsc::UnboundedReceiver<Poll>,
    readers: SqlitePool,
    clock: Arc<dyn Clock>,
) {
    let mut polls = Vec::with_capacity(MOST);
    while queue.recv_many(&mut polls, MOST).await > 0 {
        let mut waiting = HashMap::<Lookup, Vec<_>>::new();
        for poll in polls.drain(..) {
            waiting.entry(poll.lookup).or_default().push(poll.answer);
        }
        let lookups: Vec<_> = waiting.keys().cloned().collect();
        let Ok(found) = read_all(&readers, clock.as_ref(), &lookups).await else {
            continue;
        };
        for (lookup, record) in lookups.iter().zip(found) {
            for answer in waiting.remove(lookup).into_iter().flatten() {
                // Who has gone meanwhile needs none.
                let _ = answer.send(record.clone());
            }
        }
    }
}

/// The records in the order in which they were asked for.
async fn read_all(
    readers: &SqlitePool,
    clock: &dyn Clock,
    lookups: &[Lookup],
) -> Result<Vec<Option<JobRecord>>, StoreError> {
    let now = clock.now();
    match lookups {
        [(id, owner)] => {
            let reach = owner.as_deref().map_or(Reach::All, Reach::Owner);
            Ok(vec![read::record(readers, now, *id, reach).await?])
        }
        several => read::each(readers, now, several).await,
    }
}
