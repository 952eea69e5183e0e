//! Ends connections whose client does not read, or so slowly that it might as well not: each would hold its place, and
//! what is written for it, for ever.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// How many bytes a client has to read to earn a second.
const BYTES_A_SECOND: u64 = 1 << 10;

/// A stream that fails where what is written to it waits for too long.
pub(crate) struct WriteDeadline<S> {
    stream: S,
    patience: Patience,
    is_waiting: Arc<AtomicBool>,
    /// Since when the other end takes nothing, and until when it may.
    stalled: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// How long what is written may wait, and where it is told that it does.
pub(crate) struct WriteLimit {
    pub(crate) time: Duration,
    pub(crate) is_waiting: Arc<AtomicBool>,
}

/// How long the other end may keep a writer waiting.
struct Patience {
    limit: Duration,
    left: Duration,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self { limit, left: limit }
    }

    /// The other end took so many bytes after so long.
    fn after(&mut self, waited: Duration, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let earned = Duration::from_micros(bytes.saturating_mul(1_000_000) / BYTES_A_SECOND);
        let left = self.left.saturating_sub(waited);
        self.left = self.limit.min(left.saturating_add(earned));
    }
}

impl<S> WriteDeadline<S> {
    pub(crate) fn new(stream: S, limit: WriteLimit) -> Self {
        Self {
            stream,
            patience: Patience::new(limit.time),
            is_waiting: limit.is_waiting,
            stalled: None,
        }
    }

    /// What became of writing; `bytes` says how many of them the other end took.
    fn judged<T>(
        &mut self,
        task: &mut Context<'_>,
        written: Poll<io::Result<T>>,
        bytes: impl Fn(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(written) = written {
            let since = self.stalled.take().map(|(since, _)| since);
            if since.is_some() {
                self.is_waiting.store(false, Ordering::SeqCst);
            }
            let waited = since.map_or(Duration::ZERO, |since| since.elapsed());
            self.patience
                .after(waited, written.as_ref().map_or(0, bytes));
            return Poll::Ready(written);
        }
        let left = self.patience.left;
        self.is_waiting.store(true, Ordering::SeqCst);
        let (_, over) = self.stalled.get_or_insert_with(|| {
            let now = Instant::now();
            (now, Box::pin(sleep_until(now + left)))
        });
        ready!(over.as_mut().poll(task));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the client does not read, or hardly",
        )))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteDeadline<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(task, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteDeadline<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(task, bytes);
        self.judged(task, written, |taken| *taken)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(task, bytes);
        self.judged(task, written, |taken| *taken)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(task);
        self.judged(task, flushed, |()| 0)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(task)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn of(time: Duration) -> WriteLimit {
        let is_waiting = Arc::default();
        WriteLimit { time, is_waiting }
    }

    #[tokio::test]
    async fn a_client_that_reads_nothing_is_given_up() {
        let (near, _far) = duplex(16);
        let mut near = WriteDeadline::new(near, of(Duration::from_millis(50)));
        let error = near.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_reads_slowly_gets_everything() {
        let (near, mut far) = duplex(16);
        let mut near = WriteDeadline::new(near, of(LIMIT));
        let write = async { near.write_all(&[7; 64]).await };
        let mut got = [0; 64];
        let (written, read) = tokio::join!(write, far.read_exact(&mut got));
        written.unwrap();
        read.unwrap();
        assert_eq!(got, [7; 64]);
    }

    #[test]
    fn who_reads_at_a_slow_but_steady_pace_may_go_on_for_ever() {
        let mut patience = Patience::new(LIMIT);
        for _ in 0..1_000 {
            patience.after(Duration::from_secs(20), 32 << 10);
            assert_eq!(patience.left, LIMIT);
        }
    }

    #[test]
    fn who_reads_a_little_now_and_then_has_no_time_left() {
        let mut patience = Patience::new(LIMIT);
        // Never silent for as long as it might.
        for _ in 0..3 {
            patience.after(Duration::from_secs(15), 1 << 10);
        }
        assert!(
            patience.left < Duration::from_secs(2),
            "{:?}",
            patience.left
        );
    }
}
