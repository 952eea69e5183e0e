//! Requests that have to be refused, as many as an attacker sends who means to be felt.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufStream},
    net::TcpStream,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

/// How many connections they come over.
const CONNECTIONS: usize = 8;

/// How long each connection waits between two: together they send 400 a second, where an honest client polls
/// once. More would measure how attacker, client and server share the processors of one machine.
const PAUSE: Duration = Duration::from_millis(20);

/// What is sent, and how it has to be answered.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// Whole requests, byte by byte.
    pub(crate) requests: Vec<Vec<u8>>,
    /// The status of each refusal is one of these.
    pub(crate) refusals: &'static [u16],
}

/// An attack that goes on until it is ended.
pub(crate) struct Flood {
    attackers: JoinSet<()>,
    answered: Arc<[AtomicUsize]>,
    end: CancellationToken,
}

impl Flood {
    /// Sends the requests to `address`, one after the other and again from the first.
    pub(crate) fn of(attack: &Arc<Attack>, address: SocketAddr) -> Self {
        let end = CancellationToken::new();
        let answered: Arc<[_]> = attack
            .refusals
            .iter()
            .map(|_| AtomicUsize::new(0))
            .collect();
        let next = Arc::new(AtomicUsize::new(0));
        let mut attackers = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (attack, answered) = (Arc::clone(attack), Arc::clone(&answered));
            let (next, end) = (Arc::clone(&next), end.clone());
            attackers.spawn(async move {
                let mut pauses = interval(PAUSE);
                pauses.set_missed_tick_behavior(MissedTickBehavior::Skip);
                let mut connection = None;
                while !end.is_cancelled() {
                    pauses.tick().await;
                    let number = next.fetch_add(1, Ordering::Relaxed) % attack.requests.len();
                    let request = &attack.requests[number];
                    let status = status(&mut connection, address, request).await;
                    let known = attack
                        .refusals
                        .iter()
                        .position(|&refusal| refusal == status);
                    let known = known.unwrap_or_else(|| {
                        let request = String::from_utf8_lossy(request);
                        panic!("{}: {status} to {request}", attack.name)
                    });
                    answered[known].fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self {
            attackers,
            answered,
            end,
        }
    }

    /// How many requests were refused so far.
    pub(crate) fn refused(&self) -> usize {
        let answered = self.answered.iter();
        answered.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Ends it, and returns how often each refusal came. Panics where an answer was none of them.
    pub(crate) async fn end(self) -> Vec<usize> {
        self.end.cancel();
        self.attackers.join_all().await;
        let answered = self.answered.iter();
        answered
            .map(|count| count.load(Ordering::Relaxed))
            .collect()
    }
}

/// The status that a request is answered with, over this connection or, where the server has closed that,
/// over another.
async fn status(
    connection: &mut Option<BufStream<TcpStream>>,
    address: SocketAddr,
    request: &[u8],
) -> u16 {
    if let Some(open) = connection
        && let Ok((status, is_kept)) = exchange(open, request).await
    {
        if !is_kept {
            *connection = None;
        }
        return status;
    }
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut fresh = BufStream::new(stream);
    let (status, is_kept) = exchange(&mut fresh, request).await.unwrap();
    *connection = is_kept.then_some(fresh);
    status
}

/// Its status, and whether the connection stays open.
async fn exchange(
    connection: &mut BufStream<TcpStream>,
    request: &[u8],
) -> io::Result<(u16, bool)> {
    connection.write_all(request).await?;
    connection.flush().await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let field = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.strip_prefix(name));
        lines.next().map(str::trim)
    };
    let length = field("content-length:").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok((status, field("connection:") != Some("close")))
}
