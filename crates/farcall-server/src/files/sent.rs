//! Counts what is sent of a file, as it is handed to the connection.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use farcall_metrics::Metrics;
use http_body::{Body, Frame, SizeHint};

/// A body that is another one, counted.
pub(super) struct Sent<B> {
    body: B,
    metrics: Metrics,
}

impl<B> Sent<B> {
    pub(super) fn new(body: B, metrics: &Metrics) -> Self {
        Self {
            body,
            metrics: metrics.clone(),
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Sent<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(bytes) = frame.data_ref()
        {
            self.metrics.sent().add(bytes.len() as u64);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
