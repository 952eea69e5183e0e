//! The accept loop.
//!
//! axum's own sets neither `TCP_NODELAY`, without which small streamed answers wait 40 ms for
//! a delayed acknowledgement, nor a timer for request heads, without which a client can hold
//! a connection for ever by sending slowly.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use axum::extract::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

use crate::{Entrance, unread::WriteDeadline};

/// Limits of the accept loop.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; more wait in the system's queue. Defaults to 1,024.
    pub connections: usize,
    /// Time for the head of a request, also the idle time between two. Defaults to 15 seconds.
    pub head: Duration,
    /// Time in which a client must read something of what is written for it. Defaults to 30 seconds.
    pub unread: Duration,
    /// Size of the head of a request in bytes. Defaults to 32 KiB.
    pub head_bytes: usize,
    /// Number of header fields. Defaults to 100.
    pub headers: usize,
    /// Time for requests that are being answered when the server stops. Defaults to 30 seconds.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            head: Duration::from_secs(15),
            unread: Duration::from_secs(30),
            head_bytes: 32 << 10,
            headers: 100,
            drain: Duration::from_secs(30),
        }
    }
}

/// Serves what is behind `entrance` until `stop`, then lets the requests that are being answered finish, for
/// the time of [`Limits::drain`] or until `hurry`.
pub async fn serve(
    listener: TcpListener,
    entrance: Entrance,
    limits: Limits,
    stop: CancellationToken,
    hurry: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(limits.headers)
        .max_header_size(limits.head_bytes);
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = stop.cancelled() => break,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        let connection = graceful
            .watch(http.serve_connection(prepared(stream, limits.unread), answering(&entrance)));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(limits.drain) => tracing::warn!("requests are cut, they took longer than the drain time"),
        () = hurry.cancelled() => tracing::warn!("requests are cut, the server was told to hurry"),
    }
}

fn prepared(stream: TcpStream, unread: Duration) -> TokioIo<WriteDeadline<TcpStream>> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    TokioIo::new(WriteDeadline::new(stream, unread))
}

fn answering(
    entrance: &Entrance,
) -> impl hyper::service::Service<
    http::Request<Incoming>,
    Response = axum::response::Response,
    Error = Infallible,
    Future: Send,
> + use<> {
    let entrance = entrance.clone();
    service_fn(move |request: http::Request<Incoming>| {
        let request = Request::from(request.map(axum::body::Body::new));
        let answer = entrance.answer(request);
        async move { Ok(answer.await) }
    })
}

/// Out of file descriptors, or the peer has gone already: the first needs a moment.
async fn pause_after(error: &io::Error) {
    let is_peers = matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    );
    if !is_peers {
        tracing::error!(%error, "no connection can be accepted, trying again in a second");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
