//! The body of a request, which is taken from its connection even where nobody asked for it.
//!
//! Many answers do not need it: 401, 404, 405. Where it has not arrived by then, hyper closes the connection, and the
//! answer did not say so. A client that sends head and body one after the other then puts its next request into a
//! connection that is being closed, and cannot know whether it was done. So the rest is read and dropped: a server
//! has to do that, or to close (RFC 9112, section 9.3).

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::{runtime::Handle, time::timeout};

/// How much of a rest is read, so that its connection can go on.
#[derive(Clone, Copy)]
struct Patience {
    /// In bytes; a few more may be.
    most: u64,
    /// The longest time for all of it.
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

/// A body whose rest is read once it is dropped.
pub(super) struct Question<B: Rest>(Option<B>);

/// A body that can be read by nobody in particular.
pub(super) trait Rest: Body<Data = Bytes> + Send + Unpin + 'static {}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Rest for B {}

/// Whether a body says that it is longer than what is ever read of one.
pub(super) fn is_too_long(body: &impl Body) -> bool {
    body.size_hint().lower() > PATIENCE.most
}

impl<B: Rest> Question<B> {
    pub(super) fn new(body: B) -> Self {
        Self(Some(body))
    }
}

impl<B: Rest> Body for Question<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(body) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(task));
        if !matches!(frame, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let empty = SizeHint::with_exact(0);
        self.0.as_ref().map_or(empty, Body::size_hint)
    }
}

impl<B: Rest> Drop for Question<B> {
    fn drop(&mut self) {
        let rest = self.0.take().filter(|body| !body.is_end_stream());
        // Without a runtime the connection is gone as well.
        if let (Some(rest), Ok(runtime)) = (rest, Handle::try_current()) {
            runtime.spawn(read_within(PATIENCE, rest));
        }
    }
}

/// Reads `rest` as long as it keeps coming.
async fn read_within(patience: Patience, mut rest: impl Rest) {
    let reading = async {
        let mut length = 0;
        while length <= patience.most
            && let Ok(Some(Ok(frame))) = timeout(patience.idle, rest.frame()).await
        {
            length += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
    };
    // The connection closes where it took too long.
    let _ = timeout(patience.whole, reading).await;
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::StreamBody;
    use tokio::time::{Instant, sleep};

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
        read_within(patience, StreamBody::new(Box::pin(trickle))).await;
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
        let question = Question::new(StreamBody::new(stream::iter(parts)));
        let body = question.collect().await.unwrap().to_bytes();
        assert_eq!(body, "one and two");
    }
}
