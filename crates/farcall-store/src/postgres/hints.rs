//! Hints between processes: `NOTIFY` and `LISTEN`.
//!
//! `NOTIFY` takes a lock that all databases of a server share, and holds it while its transaction
//! commits. So it is a transaction by itself, after the one it tells of, at most twenty times a
//! second, and only for what somebody waits for: a job that can be claimed, and a cancel.

use std::{sync::Arc, time::Duration};

use farcall_core::id::JobId;
use sqlx::{
    Executor, PgPool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::pool::Pool;
use crate::{Hint, StoreError, hints::Hints};

/// How long hints are gathered after the first was sent.
const PACE: Duration = Duration::from_millis(50);

/// How many cancels one notification names, far below the 8,000 bytes that it can hold.
const MAX_CANCELS: usize = 200;

/// How long to wait before listening is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// After how much silence the connection is asked whether it still is one.
const SILENCE: Duration = Duration::from_secs(30);

/// How long the answer to that may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The hints of this process and of all others.
#[derive(Debug)]
pub(super) struct SharedHints {
    local: Hints,
    outbox: mpsc::UnboundedSender<Hint>,
    // Connections of its own, because a listener has one for as long as it lives.
    listening: Option<PgPool>,
    tasks: Vec<JoinHandle<()>>,
}

impl SharedHints {
    /// Listens with a connection of `options`, and speaks through `pool`.
    pub(super) async fn open(
        options: PgConnectOptions,
        pool: Arc<Pool>,
    ) -> Result<Self, StoreError> {
        const CHANNEL: &str = "SELECT 'farcall_' || left(md5(current_schema()), 8)";
        let channel: String = pool
            .run(async |connection| Ok(sqlx::query_scalar(CHANNEL).fetch_one(connection).await?))
            .await?;
        let local = Hints::new();
        let listening = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .connect_lazy_with(options);
        let listener = listener(&listening, &channel).await?;
        let (outbox, inbox) = mpsc::unbounded_channel();
        let hear = hear(listener, listening.clone(), channel.clone(), local.clone());
        Ok(Self {
            tasks: vec![
                tokio::spawn(hear),
                tokio::spawn(speak(pool, channel, inbox)),
            ],
            local,
            outbox,
            listening: Some(listening),
        })
    }

    /// Those of this process only.
    pub(super) fn alone() -> Self {
        Self {
            local: Hints::new(),
            outbox: mpsc::unbounded_channel().0,
            listening: None,
            tasks: Vec::new(),
        }
    }

    /// Those of this process, and what is heard of the others.
    pub(super) fn local(&self) -> &Hints {
        &self.local
    }

    /// Tells the other processes.
    pub(super) fn spread(&self, hint: Hint) {
        // After the end there is nobody to tell.
        let _ = self.outbox.send(hint);
    }

    /// Lets go of the connection.
    pub(super) async fn close(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        if let Some(listening) = &self.listening {
            let _ = timeout(PATIENCE, listening.close()).await;
        }
    }
}

impl Drop for SharedHints {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn listener(pool: &PgPool, channel: &str) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    // What is lost has to be known, and not only made up for.
    listener.eager_reconnect(false);
    listener.listen(channel).await?;
    Ok(listener)
}

/// Listens for as long as the process lives.
async fn hear(mut heard: PgListener, pool: PgPool, channel: String, hints: Hints) {
    loop {
        hear_until_lost(&mut heard, &hints).await;
        drop(heard);
        heard = loop {
            match listener(&pool, &channel).await {
                Ok(listener) => break listener,
                Err(_) => sleep(RETRY).await,
            }
        };
        hints.tell([Hint::All]);
    }
}

async fn hear_until_lost(listener: &mut PgListener, hints: &Hints) {
    loop {
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => hints.tell(read(notification.payload())),
            Ok(Ok(None) | Err(_)) => return,
            // Nothing would ever come through a connection that is broken without a word.
            Err(_) => {
                let answer = timeout(PATIENCE, listener.execute("SELECT 1")).await;
                if !matches!(answer, Ok(Ok(_))) {
                    return;
                }
            }
        }
    }
}

async fn speak(pool: Arc<Pool>, channel: String, mut inbox: mpsc::UnboundedReceiver<Hint>) {
    while let Some(first) = inbox.recv().await {
        let mut hints = vec![first];
        while let Ok(hint) = inbox.try_recv() {
            hints.push(hint);
        }
        let notify = pool.run(async |connection| {
            sqlx::query("SELECT pg_notify($1, $2)")
                .bind(&channel)
                .bind(written(&hints))
                .execute(connection)
                .await?;
            Ok(())
        });
        // Nobody relies on it: whoever was not told looks within a second.
        let _ = notify.await;
        sleep(PACE).await;
    }
}

/// Hints as words: `queued`, the ids of cancelled jobs, `all`.
fn written(hints: &[Hint]) -> String {
    let mut words: Vec<String> = hints
        .iter()
        .filter_map(|hint| match hint {
            Hint::CancelRequested(id) => Some(id.to_string()),
            _ => None,
        })
        .collect();
    if words.len() > MAX_CANCELS {
        return "all".to_owned();
    }
    if hints.contains(&Hint::Queued) {
        words.push("queued".to_owned());
    }
    words.join(" ")
}

fn read(words: &str) -> impl Iterator<Item = Hint> {
    words.split(' ').map(|word| match word {
        "queued" => Hint::Queued,
        id => JobId::parse(id).map_or(Hint::All, Hint::CancelRequested),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(bits: u8) -> JobId {
        JobId::from_random([bits; 16])
    }

    #[test]
    fn hints_come_back_as_they_were_written() {
        let hints = [
            Hint::CancelRequested(id(1)),
            Hint::CancelRequested(id(2)),
            Hint::Queued,
        ];
        assert_eq!(read(&written(&hints)).collect::<Vec<_>>(), hints);
    }

    #[test]
    fn many_at_once_are_one_word() {
        assert_eq!(written(&[Hint::Queued; 500]), "queued");
        let cancels: Vec<_> = (0..=200)
            .map(|bits| Hint::CancelRequested(id(bits)))
            .collect();
        assert!(written(&cancels[1..]).len() < 8_000);
        assert_eq!(read(&written(&cancels)).collect::<Vec<_>>(), [Hint::All]);
    }

    #[test]
    fn what_a_later_version_says_may_be_anything() {
        assert_eq!(read("paused").collect::<Vec<_>>(), [Hint::All]);
    }
}
