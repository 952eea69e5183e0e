//! The requests that a server has not answered yet.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use farcall_core::JsonObject;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{broken::Broken, message::Progress};

/// How many requests may wait for their answers; a server that lets more pile up is not helped by
/// another one.
pub(super) const MAX_OPEN: usize = 4_096;

/// How much progress of one request may wait for its reader; what comes then is left out.
const MAX_PROGRESS: usize = 64;

/// What a request came to.
pub(super) type Answer = Result<JsonObject, Broken>;

/// Requests by their ids, which no other request of this table ever has.
#[derive(Debug)]
pub(super) struct Calls(Mutex<Table>);

#[derive(Debug)]
struct Table {
    open: HashMap<u64, Open>,
    next: u64,
    /// When one was opened or ended for the last time.
    touched: Instant,
    is_closed: bool,
}

#[derive(Debug)]
struct Open {
    answer: oneshot::Sender<Answer>,
    progress: Option<mpsc::Sender<Progress>>,
    is_sent: bool,
}

/// A place in the table, and where its answer will come; it ends without one where the server is gone.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) id: u64,
    pub(super) answer: oneshot::Receiver<Answer>,
    pub(super) progress: Option<mpsc::Receiver<Progress>>,
}

/// Why there is no place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    Closed,
    Full,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Table {
            open: HashMap::new(),
            next: 1,
            touched: Instant::now(),
            is_closed: false,
        }))
    }

    pub(super) fn open(&self, wants_progress: bool) -> Result<Opened, NoPlace> {
        let mut table = self.table();
        if table.is_closed {
            return Err(NoPlace::Closed);
        }
        if table.open.len() >= MAX_OPEN {
            return Err(NoPlace::Full);
        }
        let id = table.next;
        table.next += 1;
        table.touched = Instant::now();
        let (sender, answer) = oneshot::channel();
        let (teller, progress) = if wants_progress {
            let (teller, progress) = mpsc::channel(MAX_PROGRESS);
            (Some(teller), Some(progress))
        } else {
            (None, None)
        };
        let open = Open {
            answer: sender,
            progress: teller,
            is_sent: false,
        };
        table.open.insert(id, open);
        Ok(Opened {
            id,
            answer,
            progress,
        })
    }

    /// Whether somebody still waits for its answer; if so, it is as good as sent from now on.
    pub(super) fn send(&self, id: u64) -> bool {
        let mut table = self.table();
        let open = table.open.get_mut(&id);
        open.map(|open| open.is_sent = true).is_some()
    }

    /// Hands an answer to whoever waits for it; says whether somebody did.
    pub(super) fn answer(&self, id: u64, answer: Answer) -> bool {
        let open = self.taken(id);
        open.is_some_and(|open| open.answer.send(answer).is_ok())
    }

    pub(super) fn progress(&self, id: u64, progress: Progress) {
        let table = self.table();
        let teller = table.open.get(&id).and_then(|open| open.progress.as_ref());
        if let Some(teller) = teller {
            let _ = teller.try_send(progress);
        }
    }

    /// Nobody waits for it any more; says whether the server works on it for nobody.
    pub(super) fn forget(&self, id: u64) -> bool {
        self.taken(id).is_some_and(|open| open.is_sent)
    }

    /// Ends every request without an answer; there will be no other.
    pub(super) fn close(&self) {
        let mut table = self.table();
        table.is_closed = true;
        table.open.clear();
    }

    /// Returns once there was no request for this long, and takes none from then on.
    pub(super) async fn closed_when_idle(&self, limit: Duration) {
        loop {
            let until = {
                let mut table = self.table();
                let now = Instant::now();
                let until = if table.open.is_empty() {
                    table.touched + limit
                } else {
                    now + limit
                };
                if until <= now {
                    table.is_closed = true;
                    return;
                }
                until
            };
            tokio::time::sleep_until(until).await;
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.table().is_closed
    }

    fn taken(&self, id: u64) -> Option<Open> {
        let mut table = self.table();
        let open = table.open.remove(&id);
        if open.is_some() {
            table.touched = Instant::now();
        }
        open
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // No code panics while it holds this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(n: u64) -> JsonObject {
        JsonObject::from_iter([("n".to_owned(), json!(n))])
    }

    /// CVE-2026-25536: however answers are ordered, each goes to whoever asked.
    #[test]
    fn everybody_gets_the_own_answer() {
        let calls = Calls::new();
        let opened: Vec<_> = (0..200).map(|_| calls.open(false).unwrap()).collect();
        for call in opened.iter().rev() {
            assert!(calls.answer(call.id, Ok(value(call.id))));
        }
        for mut call in opened {
            assert_eq!(call.answer.try_recv(), Ok(Ok(value(call.id))));
        }
    }

    #[test]
    fn an_answer_that_nobody_waits_for_goes_nowhere() {
        let calls = Calls::new();
        let call = calls.open(false).unwrap();
        assert!(!calls.answer(call.id + 1, Ok(value(1))));
        assert!(calls.send(call.id));
        assert!(calls.forget(call.id) && !calls.forget(call.id));
        assert!(!calls.send(call.id), "nobody waits for it");
        assert!(!calls.answer(call.id, Ok(value(1))));
        // An id is never used again, so a late answer finds nobody else.
        assert_ne!(calls.open(false).unwrap().id, call.id);
    }

    #[test]
    fn what_was_not_sent_need_not_be_taken_back() {
        let calls = Calls::new();
        let call = calls.open(false).unwrap();
        assert!(!calls.forget(call.id));
    }

    #[test]
    fn there_is_a_limit() {
        let calls = Calls::new();
        let opened: Vec<_> = (0..MAX_OPEN).map(|_| calls.open(false).unwrap()).collect();
        assert_eq!(calls.open(false).unwrap_err(), NoPlace::Full);
        calls.forget(opened[0].id);
        assert!(calls.open(false).is_ok());
        calls.close();
        assert_eq!(calls.open(false).unwrap_err(), NoPlace::Closed);
        for mut call in opened {
            assert!(call.answer.try_recv().is_err());
        }
    }

    #[tokio::test]
    async fn a_server_is_idle_once_nothing_was_asked_for_long_enough() {
        let calls = Calls::new();
        let limit = Duration::from_millis(20);
        let call = calls.open(false).unwrap();
        let early = tokio::time::timeout(3 * limit, calls.closed_when_idle(limit)).await;
        assert!(early.is_err() && !calls.is_closed(), "a call is open");
        calls.answer(call.id, Ok(value(1)));
        let began = Instant::now();
        calls.closed_when_idle(limit).await;
        assert!(began.elapsed() >= limit / 2);
        assert_eq!(calls.open(false).unwrap_err(), NoPlace::Closed);
    }
}
