//! The thread that has the connection.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use farcall_core::{clock::Clock, crash_point};
use sqlx::{Connection, SqliteConnection};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{Order, Write};
use crate::{StoreError, hints::Hints, moment::Moment};

/// How many writes share a commit at most.
const MOST: usize = 128;

/// For how long a transaction takes more of them.
const OPEN_FOR: Duration = Duration::from_millis(10);

/// After how much quiet the log is moved into the database file.
const QUIET: Duration = Duration::from_secs(1);

/// A write and its caller, whatever it is.
pub(super) trait Pending: Send {
    /// Runs the write, and keeps its answer.
    fn run<'a>(
        &'a mut self,
        connection: &'a mut SqliteConnection,
        at: Moment,
    ) -> Pin<Box<dyn Future<Output = Result<(), Spoiled>> + Send + 'a>>;

    /// Gives the answer that it got to its caller: everything is on disk.
    fn finish(self: Box<Self>, hints: &Hints);

    /// Tells its caller that it has not happened.
    fn fail(self: Box<Self>, error: StoreError);
}

/// Why a transaction cannot be committed.
pub(super) enum Spoiled {
    /// One of its writes was refused, and may have left a half.
    Refused(StoreError),
    /// Anything else: SQLite may have undone all of it.
    Broken(StoreError),
}

struct Asked<W: Write> {
    write: W,
    answer: Option<Result<W::Answer, StoreError>>,
    caller: oneshot::Sender<Result<W::Answer, StoreError>>,
}

/// `write`, ready to be handed in; its answer goes to `caller`.
pub(super) fn pending<W: Write>(
    write: W,
    caller: oneshot::Sender<Result<W::Answer, StoreError>>,
) -> Box<dyn Pending> {
    Box::new(Asked {
        write,
        answer: None,
        caller,
    })
}

impl<W: Write> Pending for Asked<W> {
    fn run<'a>(
        &'a mut self,
        connection: &'a mut SqliteConnection,
        at: Moment,
    ) -> Pin<Box<dyn Future<Output = Result<(), Spoiled>> + Send + 'a>> {
        Box::pin(async move {
            let answer = self.write.run(connection, at).await;
            crash_point!(&format!("store.{}.begun", W::NAME));
            self.answer = Some(match answer {
                // They come before anything is written.
                Err(error @ (StoreError::StaleClaim | StoreError::KeyConflict)) => Err(error),
                Err(error @ (StoreError::Refused { .. } | StoreError::Corrupt { .. })) => {
                    return Err(Spoiled::Refused(error));
                }
                Err(error) => return Err(Spoiled::Broken(error)),
                Ok(answer) => Ok(answer),
            });
            Ok(())
        })
    }

    fn finish(self: Box<Self>, hints: &Hints) {
        crash_point!(&format!("store.{}.committed", W::NAME));
        let Some(answer) = self.answer else { return };
        if let Ok(answer) = &answer {
            self.write.tell(answer, hints);
        }
        // A caller that has gone away needs no answer.
        let _ = self.caller.send(answer);
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _ = self.caller.send(Err(error));
    }
}

pub(super) struct Group {
    connection: SqliteConnection,
    clock: Arc<dyn Clock>,
    hints: Hints,
    has_folder: bool,
}

impl Group {
    pub(super) fn new(
        connection: SqliteConnection,
        clock: Arc<dyn Clock>,
        hints: Hints,
        has_folder: bool,
    ) -> Self {
        Self {
            connection,
            clock,
            hints,
            has_folder,
        }
    }

    /// Serves until it is asked to end, or nobody is left who could ask for anything. Returns
    /// whoever asked for the end.
    pub(super) async fn serve(
        mut self,
        mut waiting: mpsc::Receiver<Order>,
    ) -> Option<oneshot::Sender<()>> {
        let mut is_quiet = true;
        let closed = loop {
            let order = if is_quiet {
                waiting.recv().await
            } else if let Ok(order) = timeout(QUIET, waiting.recv()).await {
                order
            } else {
                is_quiet = true;
                self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)").await;
                continue;
            };
            match order {
                Some(Order::Write(first)) => {
                    is_quiet = false;
                    if let Some(closed) = self.write(first, &mut waiting).await {
                        break Some(closed);
                    }
                }
                Some(Order::Close(closed)) => break Some(closed),
                None => break None,
            }
        };
        // What still waits finds the store closed.
        drop(waiting);
        self.checkpoint("PRAGMA wal_checkpoint(TRUNCATE)").await;
        // With an error too, it is closed.
        let _ = self.connection.close().await;
        closed
    }

    /// Moves the log into the database file.
    async fn checkpoint(&mut self, statement: &'static str) {
        // It could keep the process that has the folder from writing.
        if !self.has_folder {
            return;
        }
        // A failure loses nothing: the log stays beside the file, and is read from there.
        let _ = self.execute(statement).await;
    }

    /// Writes `first` and what waits behind it with one commit. Returns whoever asked to close
    /// meanwhile.
    async fn write(
        &mut self,
        first: Box<dyn Pending>,
        waiting: &mut mpsc::Receiver<Order>,
    ) -> Option<oneshot::Sender<()>> {
        let mut group = vec![first];
        let (mut closing, until) = (None, Instant::now() + OPEN_FOR);
        let mut next = || {
            if Instant::now() > until {
                return None;
            }
            match waiting.try_recv().ok()? {
                Order::Write(write) => Some(write),
                Order::Close(closed) => {
                    closing = Some(closed);
                    None
                }
            }
        };
        let mut done = self.transact(&mut group, &mut next).await;
        loop {
            match done {
                Ok(()) => {
                    for write in group {
                        write.finish(&self.hints);
                    }
                    return closing;
                }
                // The others are not to blame.
                Err((refused, Spoiled::Refused(_))) => {
                    let refused = group.remove(refused);
                    self.alone(refused).await;
                }
                Err((_, Spoiled::Broken(_))) => {
                    for write in group {
                        self.alone(write).await;
                    }
                    return closing;
                }
            }
            done = self.transact(&mut group, &mut || None).await;
        }
    }

    /// Writes one with a commit of its own, and answers it whatever happens.
    async fn alone(&mut self, write: Box<dyn Pending>) {
        let mut group = vec![write];
        let done = self.transact(&mut group, &mut || None).await;
        for write in group {
            match done {
                Ok(()) => write.finish(&self.hints),
                Err((_, Spoiled::Refused(error) | Spoiled::Broken(error))) => {
                    return write.fail(error);
                }
            }
        }
    }

    /// One transaction of `group`, and of what `next` adds to it. With an error nothing has
    /// happened, and it says which of them came to it.
    async fn transact(
        &mut self,
        group: &mut Vec<Box<dyn Pending>>,
        next: &mut (dyn FnMut() -> Option<Box<dyn Pending>> + Send),
    ) -> Result<(), (usize, Spoiled)> {
        // The write lock from the start, so that what is read is still true when it is written.
        self.execute("BEGIN IMMEDIATE").await.map_err(broken)?;
        let mut done = 0;
        while done < group.len() {
            let at = Moment::of(self.clock.as_ref());
            if let Err(spoiled) = group[done].run(&mut self.connection, at).await {
                self.roll_back().await;
                return Err((done, spoiled));
            }
            done += 1;
            if done == group.len() && done < MOST {
                group.extend(next());
            }
        }
        if let Err(error) = self.execute("COMMIT").await {
            self.roll_back().await;
            return Err(broken(error));
        }
        Ok(())
    }

    async fn roll_back(&mut self) {
        // It fails where SQLite has done it already.
        let _ = self.execute("ROLLBACK").await;
    }

    async fn execute(&mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        sqlx::query(statement).execute(&mut self.connection).await?;
        Ok(())
    }
}

fn broken(error: sqlx::Error) -> (usize, Spoiled) {
    (0, Spoiled::Broken(error.into()))
}
