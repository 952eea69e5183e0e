//! Connections, and how long anybody waits for them.

use std::{
    io,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use farcall_core::clock::Timestamp;
#[cfg(debug_assertions)]
use farcall_core::planted;
use sqlx::{
    Connection, PgConnection, PgPool, Postgres, Row,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::{sleep, timeout};

use crate::{Fence, StoreError};

/// How long to wait for a connection before the caller is told. A server that is started again is
/// back within that, and who waits for a connection does not notice.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The same while the server is known to be away: enough to be let in again, and no longer, because
/// everybody who asks waits for it.
const AWAY_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait before the server's socket is looked for again.
const SOCKET_PAUSE: Duration = Duration::from_millis(100);

/// How long a whole operation may take. Longer than the server gives a statement, so that a slow
/// one is told by the server, which knows that nothing was written; this is for a network that
/// has fallen silent.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a connection may have been idle before it is asked whether it still is one.
const TRUSTED: Duration = Duration::from_secs(1);

/// How long to wait at the end for connections that are at work.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections of one kind.
#[derive(Debug)]
pub(super) struct Pool {
    connections: PgPool,
    /// How many of them are at work.
    working: AtomicUsize,
    /// Whether the last who waited in vain did so although no connection was at work: there was a
    /// place for one, and no server to make it with.
    is_away: AtomicBool,
}

/// Makes what a transaction wrote durable, between the two crash points of the operation.
macro_rules! commit {
    ($transaction:expr, $operation:literal) => {{
        farcall_core::crash_point!(concat!("store.", $operation, ".begun"));
        $transaction.commit().await?;
        farcall_core::crash_point!(concat!("store.", $operation, ".committed"));
    }};
}
pub(super) use commit;

/// The same for an operation that is one statement, and so a transaction by itself.
macro_rules! alone {
    ($statement:expr, $operation:literal) => {{
        farcall_core::crash_point!(concat!("store.", $operation, ".begun"));
        let answer = $statement.await?;
        farcall_core::crash_point!(concat!("store.", $operation, ".committed"));
        answer
    }};
}
pub(super) use alone;

/// A connection that is closed unless its work came to an end: what was given up half way, by a
/// caller or because the server fell silent, must not be waited for, nor be used again.
struct Session<'a> {
    connection: PoolConnection<Postgres>,
    is_done: bool,
    working: &'a AtomicUsize,
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.working.fetch_sub(1, Ordering::Relaxed);
        if !self.is_done {
            self.connection.close_on_drop();
        }
    }
}

impl Pool {
    /// At most `connections` of `options`, made when they are needed.
    pub(super) fn new(connections: u32, options: PgConnectOptions) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // A test of each would cost every statement a round trip.
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for > TRUSTED {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            });
        Self {
            connections: pool.connect_lazy_with(options),
            working: AtomicUsize::new(0),
            is_away: AtomicBool::new(false),
        }
    }

    async fn session(&self) -> Result<Session<'_>, StoreError> {
        let limit = if self.is_away.load(Ordering::Relaxed) {
            AWAY_TIMEOUT
        } else {
            ACQUIRE_TIMEOUT
        };
        let late = |_| Err(sqlx::Error::PoolTimedOut);
        let acquired = timeout(limit, self.acquire()).await.unwrap_or_else(late);
        let is_idle = self.working.load(Ordering::Relaxed) == 0;
        let is_away = acquired.is_err() && is_idle;
        self.is_away.store(is_away, Ordering::Relaxed);
        let connection = acquired?;
        self.working.fetch_add(1, Ordering::Relaxed);
        Ok(Session {
            connection,
            is_done: false,
            working: &self.working,
        })
    }

    /// Waits for a connection, also while the server has taken its socket away, and while what stands
    /// before it takes connections and ends them: to sqlx only a port that nobody listens at is a
    /// server that starts.
    async fn acquire(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        loop {
            match self.connections.acquire().await {
                Err(sqlx::Error::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                    sleep(SOCKET_PAUSE).await;
                }
                // An end where the word on TLS should be is no word to sqlx.
                Err(sqlx::Error::Protocol(_)) => sleep(SOCKET_PAUSE).await,
                acquired => return acquired,
            }
        }
    }

    /// Does `work` on a connection, within the time that there is for it.
    pub(super) async fn run<T>(
        &self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut session = self.session().await?;
        let answer = timeout(ANSWER_TIMEOUT, work(&mut session.connection))
            .await
            .map_err(|_| {
                let late = format!("no answer within {} s", ANSWER_TIMEOUT.as_secs());
                let late = io::Error::new(io::ErrorKind::TimedOut, late);
                StoreError::Unavailable(sqlx::Error::Io(late))
            })?;
        session.is_done = true;
        answer
    }

    /// The same for a write under `fence`. Every write of a worker begins here; its statements
    /// name the fence that `work` is given.
    pub(super) async fn run_fenced<T>(
        &self,
        fence: Fence,
        work: impl AsyncFnOnce(&mut PgConnection, Fence) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.run(async |connection| {
            #[cfg(debug_assertions)]
            let fence = if planted!("no-fence") {
                unfenced(connection, fence).await?
            } else {
                fence
            };
            work(connection, fence).await
        })
        .await
    }

    /// Closes all connections.
    pub(super) async fn close(&self) {
        // Whatever still hangs after that is closed with the process.
        let _ = timeout(CLOSE_TIMEOUT, self.connections.close()).await;
    }
}

/// Locks the job that runs under `fence` until the end of the transaction, and returns its
/// sequence and the time; [`StoreError::StaleClaim`] where it does not run under that claim.
pub(super) async fn held(
    transaction: &mut PgConnection,
    fence: Fence,
) -> Result<(i64, Timestamp), StoreError> {
    const HELD: &str = "
        SELECT sequence, farcall_now() FROM jobs
        WHERE id = $1 AND epoch = $2 AND state = 'running'
        FOR NO KEY UPDATE";
    let row = sqlx::query(HELD)
        .bind(fence.id.to_string())
        .bind(fence.epoch)
        .fetch_optional(transaction)
        .await?
        .ok_or(StoreError::StaleClaim)?;
    Ok((row.try_get(0)?, Timestamp(row.try_get(1)?)))
}

/// The planted bug: whoever writes to a job has its claim.
#[cfg(debug_assertions)]
async fn unfenced(connection: &mut PgConnection, fence: Fence) -> Result<Fence, StoreError> {
    let epoch = sqlx::query_scalar("SELECT epoch FROM jobs WHERE id = $1")
        .bind(fence.id.to_string())
        .fetch_optional(connection)
        .await?
        .unwrap_or(fence.epoch);
    Ok(Fence { epoch, ..fence })
}
