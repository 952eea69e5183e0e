//! What is to be written to a server, which may not read for a while.

use tokio::sync::mpsc;

use super::{
    broken::Broken,
    calls::{self, Calls},
    message,
};

/// How many requests may wait until they are written; callers wait then, too.
const REQUESTS: usize = 64;

/// How many replies may wait; a server that asks faster than it reads gets no more of them.
const REPLIES: usize = 64;

/// Where lines are handed in. Dropped, it ends the queue.
pub(super) struct Outbox {
    requests: mpsc::Sender<Request>,
    cancels: mpsc::Sender<u64>,
}

/// A line, and the request that it is.
struct Request {
    /// None of what is no request.
    id: Option<u64>,
    line: Vec<u8>,
}

impl Request {
    /// The line, unless its caller has left while it waited.
    fn wanted(self, calls: &Calls) -> Option<Vec<u8>> {
        let is_wanted = self.id.is_none_or(|id| calls.send(id));
        is_wanted.then_some(self.line)
    }
}

/// Where the replies to a server's own requests are handed in.
pub(super) type Replies = mpsc::Sender<Vec<u8>>;

/// What is handed in, in the order in which it is to be written. What requests have to wait for, the
/// others have not.
pub(super) struct Queue {
    requests: mpsc::Receiver<Request>,
    cancels: mpsc::Receiver<u64>,
    replies: mpsc::Receiver<Vec<u8>>,
}

pub(super) fn outbox() -> (Outbox, Replies, Queue) {
    let (requests, waiting) = mpsc::channel(REQUESTS);
    // Only what was sent is taken back, and no more than this is open at once.
    let (cancels, cancelled) = mpsc::channel(calls::MAX_OPEN);
    let (replies, said) = mpsc::channel(REPLIES);
    let queue = Queue {
        requests: waiting,
        cancels: cancelled,
        replies: said,
    };
    (Outbox { requests, cancels }, replies, queue)
}

impl Outbox {
    /// Hands in the line of the request with this id.
    ///
    /// # Errors
    /// [`Broken::Gone`] where nobody writes any more.
    pub(super) async fn request(&self, id: u64, line: Vec<u8>) -> Result<(), Broken> {
        self.send(Some(id), line).await
    }

    /// Hands in a line that nobody waits for.
    ///
    /// # Errors
    /// [`Broken::Gone`] where nobody writes any more.
    pub(super) async fn notification(&self, line: Vec<u8>) -> Result<(), Broken> {
        self.send(None, line).await
    }

    async fn send(&self, id: Option<u64>, line: Vec<u8>) -> Result<(), Broken> {
        let sent = self.requests.send(Request { id, line }).await;
        sent.map_err(|_| Broken::Gone)
    }

    /// Takes the request with this id back, which was sent; never waits.
    pub(super) fn cancel(&self, id: u64) {
        // A server that does not read learns nothing of it.
        let _ = self.cancels.try_send(id);
    }
}

impl Queue {
    /// The next line; none once nobody will hand one in.
    pub(super) async fn next(&mut self, calls: &Calls) -> Option<Vec<u8>> {
        loop {
            let request = tokio::select! {
                biased;
                Some(id) = self.cancels.recv() => return Some(message::cancelled(id)),
                Some(reply) = self.replies.recv() => return Some(reply),
                request = self.requests.recv() => request?,
            };
            if let Some(line) = request.wanted(calls) {
                return Some(line);
            }
        }
    }

    /// The next line that is there already.
    pub(super) fn waiting(&mut self, calls: &Calls) -> Option<Vec<u8>> {
        if let Ok(id) = self.cancels.try_recv() {
            return Some(message::cancelled(id));
        }
        if let Ok(reply) = self.replies.try_recv() {
            return Some(reply);
        }
        std::iter::from_fn(|| self.requests.try_recv().ok()).find_map(|it| it.wanted(calls))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: Option<Vec<u8>>) -> Option<String> {
        line.map(|line| String::from_utf8(line).unwrap())
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_written() {
        let calls = Calls::new();
        let (outbox, _replies, mut queue) = outbox();
        let opened: Vec<_> = (0..4).map(|_| calls.open(false).unwrap()).collect();
        for call in &opened {
            let line = call.id.to_string().into_bytes();
            outbox.request(call.id, line).await.unwrap();
        }
        calls.forget(opened[0].id);
        calls.forget(opened[2].id);
        let id = |number: usize| Some(opened[number].id.to_string());
        assert_eq!(text(queue.next(&calls).await), id(1));
        assert_eq!(text(queue.waiting(&calls)), id(3));
        assert_eq!(queue.waiting(&calls), None);
        drop(outbox);
        assert_eq!(queue.next(&calls).await, None);
    }

    #[tokio::test]
    async fn however_many_requests_wait_others_pass_them() {
        let calls = Calls::new();
        let (outbox, replies, mut queue) = outbox();
        for _ in 0..REQUESTS {
            outbox.notification(b"waits".to_vec()).await.unwrap();
        }
        for id in 1..=200 {
            outbox.cancel(id);
        }
        for _ in 0..1_000 {
            let _ = replies.try_send(b"pong".to_vec());
        }
        for id in 1..=200 {
            let line = queue.next(&calls).await.unwrap();
            assert_eq!(line, message::cancelled(id));
        }
        for _ in 0..REPLIES {
            assert_eq!(text(queue.waiting(&calls)).as_deref(), Some("pong"));
        }
        assert_eq!(text(queue.next(&calls).await).as_deref(), Some("waits"));
    }
}
