//! The thread that has the connection.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use farcall_core::{clock::Clock, crash_point};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::{Order, Write};
use crate::{StoreError, hints::Hints, moment::Moment, sqlite::room::Room};

/// How many writes share a commit at most.
const MOST: usize = 128;

/// For how long a transaction takes more of them.
const OPEN_FOR: Duration = Duration::from_millis(10);

/// After how much quiet the log is moved into the database file, and how often the room on the
/// disk is looked after meanwhile.
const QUIET: Duration = Duration::from_secs(1);

/// The pause between two steps of giving room back.
const BREATH: Duration = Duration::from_millis(50);

/// Moves the log into the file as far as no reader needs it.
const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// Moves all of it, and leaves none.
const TRUNCATE: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// Makes the file smaller by at most half a MiB of unused pages; those in its middle are filled from
/// its end, so the log may grow by twice as much.
const GIVE_BACK: &str = "PRAGMA incremental_vacuum(128)";

/// A write and its caller, whatever it is.
pub(super) trait Pending: Send {
    /// Runs the write, and keeps its answer.
    fn run<'a>(
        &'a mut self,
        connection: &'a mut SqliteConnection,
        at: Moment,
    ) -> Pin<Box<dyn Future<Output = Result<(), Spoiled>> + Send + 'a>>;

    /// Whether it may have of the ballast.
    fn is_vital(&self) -> bool;

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

    fn is_vital(&self) -> bool {
        self.write.is_vital()
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
    room: Room,
    /// Begun with too little room, it goes on to its end: at the mark itself the next write would
    /// bring too little again.
    gives_back: bool,
    has_folder: bool,
}

impl Group {
    pub(super) fn new(
        connection: SqliteConnection,
        clock: Arc<dyn Clock>,
        hints: Hints,
        room: Room,
        has_folder: bool,
    ) -> Self {
        Self {
            connection,
            clock,
            hints,
            room,
            gives_back: false,
            has_folder,
        }
    }

    /// Serves until it is asked to end, or nobody is left who could ask for anything. Returns
    /// whoever asked for the end.
    pub(super) async fn serve(
        mut self,
        mut waiting: mpsc::Receiver<Order>,
    ) -> Option<oneshot::Sender<()>> {
        // How long nobody may ask for anything until there is something to do all the same.
        let mut quiet = None;
        let mut looked = Instant::now();
        let closed = loop {
            let order = tokio::select! {
                biased;
                order = waiting.recv() => order,
                () = passed(quiet) => {
                    self.checkpoint(PASSIVE).await;
                    quiet = self.look_after_room().await.then_some(BREATH);
                    continue;
                }
            };
            match order {
                Some(Order::Write(first)) => {
                    if let Some(closed) = self.write(first, &mut waiting).await {
                        break Some(closed);
                    }
                    // Where there is never quiet, it would never be done.
                    if looked.elapsed() >= QUIET {
                        self.look_after_room().await;
                        looked = Instant::now();
                    }
                    quiet = Some(QUIET);
                }
                Some(Order::Close(closed)) => break Some(closed),
                None => break None,
            }
        };
        // What still waits finds the store closed.
        drop(waiting);
        self.checkpoint(TRUNCATE).await;
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

    /// Puts the ballast back, and where too little is free gives back what deleted jobs have left in
    /// the file. Says whether there is more to give back.
    async fn look_after_room(&mut self) -> bool {
        if !self.room.is_ours() {
            return false;
        }
        // Where it cannot be put back there is none.
        let _ = self.room.put_back();
        self.gives_back |= self.room.is_short();
        if !self.gives_back || self.unused().await == 0 {
            self.gives_back = false;
            return false;
        }
        match self.execute(GIVE_BACK).await.map_err(StoreError::from) {
            Ok(()) => {
                // The file is cut once the log is in it.
                self.checkpoint(PASSIVE).await;
                true
            }
            // What it takes now comes back with the next step.
            Err(StoreError::Full(_)) => self.room.give_up_a_piece(),
            Err(_) => false,
        }
    }

    /// How many pages of the file hold nothing.
    async fn unused(&mut self) -> i64 {
        let pages = sqlx::query_scalar("PRAGMA freelist_count");
        pages.fetch_one(&mut self.connection).await.unwrap_or(0)
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
        let mut is_log_moved = false;
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
                // A log that is in the file begins anew, where it has room already.
                Err((_, Spoiled::Broken(StoreError::Full(_)))) if !is_log_moved => {
                    is_log_moved = true;
                    self.checkpoint(PASSIVE).await;
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
        let mut done = self.transact(&mut group, &mut || None).await;
        while let Err((_, Spoiled::Broken(StoreError::Full(_)))) = done
            && group[0].is_vital()
            && self.room.give_up_a_piece()
        {
            done = self.transact(&mut group, &mut || None).await;
        }
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

/// Returns after `quiet`; never where there is none.
async fn passed(quiet: Option<Duration>) {
    match quiet {
        Some(quiet) => tokio::time::sleep(quiet).await,
        None => std::future::pending().await,
    }
}

fn broken(error: sqlx::Error) -> (usize, Spoiled) {
    (0, Spoiled::Broken(error.into()))
}
