//! The accept loop.
//!
//! axum's own sets neither `TCP_NODELAY`, without which small streamed answers wait 40 ms for
//! a delayed acknowledgement, nor a timer for request heads, without which a client can hold
//! a connection for ever by sending slowly. Nor does it know who has how many.

mod answer;
mod idle;
mod peers;
mod question;

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::body::Body;
use http::{HeaderValue, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;

use self::{
    answer::Answer,
    idle::{Connections, Presence},
    peers::Peers,
    question::Question,
};
use crate::{
    Entrance, Networks, files,
    sendfile::{FileSender, IS_POSSIBLE, Outlet},
    unread::{WriteDeadline, WriteLimit},
};

/// Limits of the accept loop.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once; more wait in the system's queue, and make those leave that are idle for
    /// longest. Defaults to 1,024.
    pub connections: usize,
    /// Connections of one address at once, of IPv6 of one /64; more are closed. Defaults to 128.
    pub of_a_peer: usize,
    /// Where any number may come from: this machine, unless it is told otherwise, and proxies.
    pub carriers: Networks,
    /// Time for the head of a request, also the idle time between two. Defaults to 12 seconds.
    pub head: Duration,
    /// How long what is written for a client may wait for it; what it reads earns it time again, a
    /// second each KiB, up to this. Defaults to 30 seconds.
    pub unread: Duration,
    /// Size of the head of a request in bytes. Defaults to 32 KiB.
    pub head_bytes: usize,
    /// Number of header fields. Defaults to 100.
    pub headers: usize,
    /// How long requests are still taken when the server stops, each connection for one. Defaults
    /// to not at all.
    pub linger: Duration,
    /// Time for requests that are being answered then. Defaults to 30 seconds.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            of_a_peer: 128,
            carriers: Networks::loopback(),
            head: IDLE,
            unread: Duration::from_secs(30),
            head_bytes: 32 << 10,
            headers: 100,
            linger: Duration::ZERO,
            drain: Duration::from_secs(30),
        }
    }
}

/// For how long nothing may come from a client, where nothing else is said. Long jobs ask to be polled every ten
/// seconds, and no poll must meet a connection at its end.
const IDLE: Duration = Duration::from_secs(12);

/// How often a full house looks for somebody who makes room.
const LOOK: Duration = Duration::from_millis(250);

/// How long a connection that was let in last has to say what it wants.
const SETTLE: Duration = Duration::from_millis(250);

/// Serves what is behind `entrance` until `stop`. Then it takes its leave: for the time of
/// [`Limits::linger`] every answer says that its connection ends with it, so that no client sends
/// a request into a connection that is being closed. After that the requests that are being
/// answered may finish, for the time of [`Limits::drain`] or until `hurry`.
pub async fn serve(
    listener: TcpListener,
    entrance: Entrance,
    limits: Limits,
    stop: CancellationToken,
    hurry: CancellationToken,
) {
    let drain = limits.drain;
    let door = Door {
        places: Arc::new(Semaphore::new(limits.connections)),
        peers: Peers::new(limits.of_a_peer),
        connections: Connections::new(),
        entrance,
        limits,
        leave: Arc::default(),
        graceful: GracefulShutdown::new(),
    };
    tokio::select! {
        () = door.let_in(&listener) => {}
        () = stop.cancelled() => {}
    }
    door.leave.has_begun.store(true, Ordering::Relaxed);
    door.take_leave(listener, &hurry).await;
    door.leave.closing.cancel();
    tokio::select! {
        () = door.graceful.shutdown() => {}
        () = tokio::time::sleep(drain) => tracing::warn!("requests are cut, they took longer than the drain time"),
        () = hurry.cancelled() => tracing::warn!("requests are cut, the server was told to hurry"),
    }
}

/// What connections know of the server's end.
#[derive(Default)]
struct Leave {
    /// Set once the server stops.
    has_begun: AtomicBool,
    /// Cancelled once no connection takes another request.
    closing: CancellationToken,
}

/// Where connections come in.
struct Door {
    places: Arc<Semaphore>,
    peers: Peers,
    connections: Connections,
    entrance: Entrance,
    limits: Limits,
    leave: Arc<Leave>,
    graceful: GracefulShutdown,
}

impl Door {
    /// Lets everybody in, as long as there are places.
    async fn let_in(&self, listener: &TcpListener) {
        loop {
            let Some(place) = self.place().await else {
                return;
            };
            if self.places.available_permits() == 0 {
                self.connections.turn_away();
            }
            match listener.accept().await {
                Ok((stream, peer)) => self.serve(stream, peer, place),
                Err(error) => pause_after(&error).await,
            }
        }
    }

    /// The next place, for which somebody makes room where none is free.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            tokio::select! {
                place = Arc::clone(&self.places).acquire_owned() => return place.ok(),
                () = tokio::time::sleep(LOOK) => self.connections.turn_away(),
            }
        }
    }

    /// Goes on for a while, so that nobody is cut off in the middle of asking.
    async fn take_leave(&self, listener: TcpListener, hurry: &CancellationToken) {
        if self.limits.linger.is_zero() {
            return;
        }
        tokio::select! {
            () = self.let_in(&listener) => {}
            () = tokio::time::sleep(self.limits.linger) => {}
            () = hurry.cancelled() => {}
        }
        self.let_in_who_waits(listener);
        tokio::select! {
            () = tokio::time::sleep(SETTLE) => {}
            () = hurry.cancelled() => {}
        }
    }

    /// Lets in who has knocked already, and nobody else. The system would cut them off with the
    /// listener, and who has sent a request by then cannot know whether it was done.
    fn let_in_who_waits(&self, listener: TcpListener) {
        // Asked itself, the system knows of everybody; the runtime may not have heard yet.
        let Ok(listener) = listener.into_std() else {
            return;
        };
        while let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            let Ok((stream, peer)) = listener.accept() else {
                return;
            };
            let stream = stream
                .set_nonblocking(true)
                .and_then(|()| TcpStream::from_std(stream));
            if let Ok(stream) = stream {
                self.serve(stream, peer, place);
            }
        }
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) {
        let peer = peer.ip();
        let is_carrier = self.limits.carriers.contain(peer);
        let of_peer = (!is_carrier).then(|| self.peers.take(peer));
        if matches!(of_peer, Some(None)) {
            tracing::debug!(%peer, "a connection is closed, there are as many from there as may be");
            return;
        }
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_headers(self.limits.headers)
            .max_header_size(self.limits.head_bytes);
        let outlet = Outlet::default();
        let presence = self.connections.add();
        let unread = WriteLimit {
            time: self.limits.unread,
            is_waiting: presence.is_writing(),
        };
        let stream = prepared(stream, outlet.clone(), unread);
        let answering = answering(
            &self.entrance,
            outlet,
            peer,
            Arc::clone(&presence),
            Arc::clone(&self.leave),
        );
        let connection = self
            .graceful
            .watch(http.serve_connection(stream, answering));
        tokio::spawn(async move {
            tokio::select! {
                // Before the connection reads on: what it has taken up would be lost.
                biased;
                () = presence.turned_away() => {
                    tracing::debug!(%peer, "an idle connection made room for others");
                }
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended early");
                },
            }
            drop((place, of_peer));
        });
    }
}

fn prepared(
    stream: TcpStream,
    outlet: Outlet,
    unread: WriteLimit,
) -> TokioIo<WriteDeadline<FileSender>> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    // Finds out about clients whose machine or line is gone while a long answer is made for them.
    if let Err(error) = rustix::net::sockopt::set_socket_keepalive(&stream, true) {
        tracing::debug!(%error, "SO_KEEPALIVE cannot be set");
    }
    TokioIo::new(WriteDeadline::new(FileSender::new(stream, outlet), unread))
}

fn answering(
    entrance: &Entrance,
    outlet: Outlet,
    peer: IpAddr,
    presence: Arc<Presence>,
    leave: Arc<Leave>,
) -> impl hyper::service::Service<
    http::Request<Incoming>,
    Response = http::Response<Answer>,
    Error = Infallible,
    Future: Send,
> + use<> {
    let entrance = entrance.clone();
    service_fn(move |request: http::Request<Incoming>| {
        let asking = presence.asks();
        let waits_to_be_asked = request.headers().contains_key(header::EXPECT);
        let is_last = waits_to_be_asked || question::is_too_long(request.body());
        let leave = Arc::clone(&leave);
        let mut request = request
            .map(|body| Body::new(Question::new(body, waits_to_be_asked, Arc::clone(&leave))));
        // Of use there alone, and not free.
        if IS_POSSIBLE && request.uri().path().starts_with(files::PATH) {
            request.extensions_mut().insert(outlet.clone());
        }
        let answer = entrance.answer(request, peer);
        async move {
            let mut response = answer.await.map(|body| Answer::new(body, asking));
            let is_late = response.status() == StatusCode::REQUEST_TIMEOUT;
            // Asked for now: the server may have been told to stop since the request came.
            if is_last || is_late || leave.has_begun.load(Ordering::Relaxed) {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok(response)
        }
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
