//! The one connection that writes, and how many writes share a commit.
//!
//! A commit waits for the disk, so whatever has come while the last one did is written in one
//! transaction. Nobody waits for company, and nobody is answered before the commit.

mod group;

use std::{fmt, sync::Arc, thread};

use farcall_core::clock::Clock;
use sqlx::SqliteConnection;
use tokio::{
    runtime::Builder,
    sync::{mpsc, oneshot},
};

use self::group::{Group, Pending};
use super::{folder::FolderLock, room::Room};
use crate::{StoreError, hints::Hints, moment::Moment};

/// How many writes can wait; more of them wait for a place.
const WAITING: usize = 1_024;

/// One step that changes the store: all of it, or with an error nothing.
pub(super) trait Write: Send + Sync + 'static {
    /// What its caller learns.
    type Answer: Send + 'static;

    /// Names its crash points, `store.<name>.begun` and `store.<name>.committed`.
    #[cfg_attr(
        not(debug_assertions),
        expect(dead_code, reason = "there are no crash points in a release")
    )]
    const NAME: &'static str;

    /// Writes. It may be run again where others in the same transaction were in its way, so
    /// nothing else may come of it. [`StoreError::StaleClaim`] and [`StoreError::KeyConflict`] are
    /// answered before anything is written.
    fn run(
        &self,
        connection: &mut SqliteConnection,
        at: Moment,
    ) -> impl Future<Output = Result<Self::Answer, StoreError>> + Send;

    /// Whether a full disk must not keep it from being done, so that it gets of the
    /// [ballast](Room) what it needs: it ends something, or keeps a worker alive, and is small.
    fn is_vital(&self) -> bool {
        false
    }

    /// Tells of it, when it has happened.
    fn tell(&self, _: &Self::Answer, _: &Hints) {}
}

/// Where writes are handed in; the connection is in a thread of its own.
pub(super) struct Writer(mpsc::Sender<Order>);

/// What the thread is asked to do.
enum Order {
    Write(Box<dyn Pending>),
    /// To end, and to say so.
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Writes through `connection`, and keeps `lock` until the last write is done. Without it
    /// another process has the folder, and the log is left to that.
    pub(super) fn new(
        connection: SqliteConnection,
        clock: Arc<dyn Clock>,
        hints: Hints,
        room: Room,
        lock: Option<FolderLock>,
    ) -> Result<Self, StoreError> {
        let (orders, waiting) = mpsc::channel(WAITING);
        let group = Group::new(connection, clock, hints, room, lock.is_some());
        // Every statement is a trip to the connection's own thread and back, and a thread that
        // has nothing else to do waits for it at half the cost.
        let runtime = Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(sqlx::Error::Io)?;
        let thread = thread::Builder::new().name("farcall-writer".to_owned());
        let serve = move || {
            let closed = runtime.block_on(group.serve(waiting));
            // The folder is free before anybody is told so.
            drop(lock);
            if let Some(closed) = closed {
                let _ = closed.send(());
            }
        };
        thread.spawn(serve).map_err(sqlx::Error::Io)?;
        Ok(Self(orders))
    }

    /// Does `write`, also where nobody waits for the answer any more.
    pub(super) async fn write<W: Write>(&self, write: W) -> Result<W::Answer, StoreError> {
        let (caller, answer) = oneshot::channel();
        let sent = self.0.send(Order::Write(group::pending(write, caller)));
        sent.await.map_err(|_| StoreError::Closed)?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Ends after the writes that came before.
    pub(super) async fn close(&self) {
        let (closed, end) = oneshot::channel();
        if self.0.send(Order::Close(closed)).await.is_ok() {
            // It is as well over where nobody is left to say so.
            let _ = end.await;
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Writer")
    }
}

#[cfg(test)]
mod tests;
