//! The body of a request, which is taken from its connection even where nobody asked for it.
//!
//! Many answers do not need it: 401, 404, 405. Where it has not arrived by then, hyper closes the connection, and the
//! answer did not say so. A client that sends head and body one after the other then puts its next request into a
//! connection that is being closed, and cannot know whether it was done. So the rest is read and dropped: a server
//! has to do that, or to close (RFC 9112, section 9.3).

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use super::Leave;

/// How much of a body is read, so that its connection can go on.
#[derive(Clone, Copy)]
struct Patience {
    /// The longest rest in bytes; a few more may be.
    most: u64,
    /// The longest time for all of the body, from its beginning.
    whole: Duration,
    /// The longest time in which nothing of it arrives.
    idle: Duration,
}

/// As long as a body may take that somebody waits for.
const PATIENCE: Patience = Patience {
    most: 16 << 20,
    whole: Duration::from_mins(1),
    idle: Duration::from_secs(15),
};

/// A body whose rest is read once it is dropped, unless its client still waits to be asked for it.
pub(super) struct Question<B: Rest> {
    body: Option<B>,
    is_asked_for: bool,
    begun: Instant,
    /// When the last of it arrived.
    heard: Instant,
    leave: Arc<Leave>,
}

/// A body that can be read by nobody in particular.
pub(super) trait Rest: Body<Data = Bytes> + Send + Unpin + 'static {}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Rest for B {}

/// Whether a body says that it is longer than what is ever read of one.
pub(super) fn is_too_long(body: &impl Body) -> bool {
    body.size_hint().lower() > PATIENCE.most
}

impl<B: Rest> Question<B> {
    /// Of a client that `waits_to_be_asked`, reading is what asks for it.
    pub(super) fn new(body: B, waits_to_be_asked: bool, leave: Arc<Leave>) -> Self {
        let begun = Instant::now();
        Self {
            body: Some(body),
            is_asked_for: !waits_to_be_asked,
            begun,
            heard: begun,
            leave,
        }
    }
}

impl<B: Rest> Body for Question<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.is_asked_for = true;
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(task));
        self.heard = Instant::now();
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let empty = SizeHint::with_exact(0);
        self.body.as_ref().map_or(empty, Body::size_hint)
    }
}

impl<B: Rest> Drop for Question<B> {
    fn drop(&mut self) {
        let rest = self.body.take();
        let rest = rest.filter(|body| self.is_asked_for && !body.is_end_stream());
        // Without a runtime the connection is gone as well.
        if let (Some(rest), Ok(runtime)) = (rest, Handle::try_current()) {
            let leave = Arc::clone(&self.leave);
            let reading = read_within(PATIENCE, (self.begun, self.heard), rest);
            runtime.spawn(async move { leave.closing.run_until_cancelled(reading).await });
        }
    }
}

/// Reads `rest`, which began and was heard of at these moments, as long as it keeps coming.
async fn read_within(
    patience: Patience,
    (begun, mut heard): (Instant, Instant),
    mut rest: impl Rest,
) {
    let reading = async {
        let mut length = 0;
        while length <= patience.most
            && let Ok(Some(Ok(frame))) = timeout_at(heard + patience.idle, rest.frame()).await
        {
            heard = Instant::now();
            length += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
    };
    // The connection closes where it took too long.
    let _ = timeout_at(begun + patience.whole, reading).await;
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::StreamBody;
    use tokio::time::sleep;

    use super::*;

    const LONG: Duration = Duration::from_mins(1);
    const SHORT: Duration = Duration::from_millis(100);
    const ENDLESS: Patience = Patience {
        most: u64::MAX,
        whole: LONG,
        idle: LONG,
    };

    /// Reads a rest without end, of which a byte comes after each `pause`, and returns how long that took.
    async fn read(patience: Patience, pause: Duration) -> Duration {
        let trickle = stream::unfold((), move |()| async move {
            sleep(pause).await;
            Some((
                Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x"))),
                (),
            ))
        });
        let begun = Instant::now();
        read_within(patience, (begun, begun), StreamBody::new(Box::pin(trickle))).await;
        begun.elapsed()
    }

    #[tokio::test]
    async fn a_rest_that_stops_coming_is_given_up() {
        let idle = SHORT;
        let took = read(Patience { idle, ..ENDLESS }, LONG).await;
        assert!((SHORT..LONG / 2).contains(&took), "{took:?}");
    }

    #[tokio::test]
    async fn a_rest_that_comes_for_too_long_is_given_up() {
        let whole = SHORT;
        let took = read(Patience { whole, ..ENDLESS }, SHORT / 50).await;
        assert!((SHORT..LONG / 2).contains(&took), "{took:?}");
    }

    #[tokio::test]
    async fn a_rest_that_is_too_large_is_given_up() {
        let most = 10;
        let took = read(Patience { most, ..ENDLESS }, SHORT / 50).await;
        assert!(took < LONG / 2, "{took:?}");
    }

    #[tokio::test]
    async fn who_reads_the_body_finds_all_of_it() {
        let parts =
            ["one", " and ", "two"].map(|part| Ok::<_, Infallible>(Frame::data(part.into())));
        let body = StreamBody::new(stream::iter(parts));
        let question = Question::new(body, false, Arc::default());
        let body = question.collect().await.unwrap().to_bytes();
        assert_eq!(body, "one and two");
    }

    /// What `docs/contract.md` says.
    #[test]
    fn a_rest_has_the_time_of_a_body_and_sixteen_mebibytes() {
        let Patience { most, whole, idle } = PATIENCE;
        assert_eq!((most >> 20, whole.as_secs(), idle.as_secs()), (16, 60, 15));
    }
}
