//! Callers that an operator has named, each with tokens of its own.
//!
//! All of them are in memory, so that a call reads no database, and neither does whoever tries tokens
//! that nobody has. What is there is held against the store several times a second, and nothing is
//! decided by what was read longer ago than [`TRUSTED`]: a token that is revoked anywhere opens
//! nothing a second later. Before a token is refused it is looked whether it was made a moment ago, so a
//! new one opens at once.

pub(crate) mod fuzzing;
mod known;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use farcall_core::{
    clock::Timestamp,
    principal::Principal,
    problem::{ErrorCode, Problem},
};
use farcall_store::{CallerStore, StoreError, TokenId};
use tokio::{
    sync::{Notify, watch},
    time::{sleep, sleep_until, timeout},
};

use self::known::Known;
use super::TokenVerifier;

/// How often it is looked whether something has changed.
const PAUSE: Duration = Duration::from_millis(300);

/// How often at most, where somebody waits for a look.
const GAP: Duration = Duration::from_millis(50);

/// How long what was read is good for a decision.
const TRUSTED: Duration = Duration::from_millis(800);

/// How long a caller waits for the store where what was read is older.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the store of callers is.
#[async_trait]
pub trait CallerSource: Send + Sync + 'static {
    /// The store; `None` where nobody has made one yet.
    ///
    /// # Errors
    /// What the store says.
    async fn store(&self) -> Result<Option<Arc<dyn CallerStore>>, StoreError>;
}

/// Knows the named callers of a store by their tokens.
pub struct NamedCallers {
    source: Arc<dyn CallerSource>,
    newest: watch::Receiver<Read>,
    /// Told where somebody waits for a look.
    wanted: Arc<Notify>,
}

/// What was read, and when.
#[derive(Clone)]
struct Read {
    known: Arc<Known>,
    /// When it was asked for, which is no later than what it is the state of.
    asked_at: Instant,
    /// The store's time then.
    at: Timestamp,
    /// Whether there is a store that cannot be opened: somebody may be named in it.
    is_out_of_reach: bool,
}

impl Read {
    /// The store's time at this moment.
    fn now(&self) -> Timestamp {
        let since = i64::try_from(self.asked_at.elapsed().as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.at.0.saturating_add(since))
    }

    fn is_trusted(&self) -> bool {
        self.asked_at.elapsed() <= TRUSTED
    }
}

impl NamedCallers {
    /// Reads who is named, and goes on to look for changes until this is dropped.
    ///
    /// # Errors
    /// What the store says.
    pub async fn start(source: Arc<dyn CallerSource>) -> Result<Self, StoreError> {
        let nobody = Read {
            known: Arc::default(),
            asked_at: Instant::now(),
            at: Timestamp(0),
            is_out_of_reach: false,
        };
        let first = read(source.store().await?, &nobody).await?;
        let (newest, received) = watch::channel(first);
        let wanted = Arc::new(Notify::new());
        tokio::spawn(look(Arc::clone(&source), newest, Arc::clone(&wanted)));
        Ok(Self {
            source,
            newest: received,
            wanted,
        })
    }

    /// Whether anybody was ever named, or may have been where nobody can look; then nobody comes in
    /// without a token, also where all tokens are over.
    pub fn has_callers(&self) -> bool {
        let newest = self.newest.borrow();
        newest.known.has_callers() || newest.is_out_of_reach
    }

    /// Whether there is a caller of this name who is let in, as far as is known.
    pub fn has(&self, name: &str) -> bool {
        let read = self.newest.borrow();
        read.known.called(name, read.now()).is_some()
    }

    /// The caller of this name, as long as it has a token that is not over.
    pub(super) async fn called(&self, name: &str) -> Result<Option<Principal>, Problem> {
        let asked_at = Instant::now();
        let read = self.read(Read::is_trusted).await?;
        if let Some(caller) = read.known.called(name, read.now()) {
            return Ok(Some(caller.clone()));
        }
        let read = self.read(|read| read.asked_at >= asked_at).await?;
        Ok(read.known.called(name, read.now()).cloned())
    }

    /// Looks again, where `token` may be one of a caller that was named a moment ago.
    pub(super) async fn look_for(&self, token: &str) {
        if TokenId::within(token).is_some() {
            let now = Instant::now();
            // Where that fails, what was known is known.
            let _ = self.read(|read| read.asked_at >= now).await;
        }
    }

    /// What was read, where it `is_enough`; else what is read next that is.
    async fn read(&self, is_enough: impl Fn(&Read) -> bool) -> Result<Read, Problem> {
        let newest = self.newest.borrow().clone();
        if is_enough(&newest) {
            return Ok(newest);
        }
        self.wanted.notify_one();
        let mut newest = self.newest.clone();
        match timeout(PATIENCE, newest.wait_for(|read| is_enough(read))).await {
            Ok(Ok(read)) => Ok(read.clone()),
            _ => Err(Problem::new(
                ErrorCode::Internal,
                "the store of callers does not answer",
            )),
        }
    }

    /// Whose the token is, by what was read.
    fn holder(&self, read: &Read, id: &str, token: &str) -> Option<Principal> {
        let now = read.now();
        let entry = read.known.holder(token, now)?;
        if entry.is_to_be_noted(now) {
            self.note(id);
        }
        Some(entry.caller.clone())
    }

    /// Has the use of a token noted, which no caller waits for.
    fn note(&self, id: &str) {
        let Some(id) = TokenId::parse(id) else { return };
        let source = Arc::clone(&self.source);
        tokio::spawn(async move {
            let noted = match source.store().await {
                Ok(Some(store)) => store.used(&id).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = noted {
                tracing::debug!(%id, %error, "the use of a token is not noted");
            }
        });
    }
}

#[async_trait]
impl TokenVerifier for NamedCallers {
    async fn verify(&self, token: &str) -> Result<Option<Principal>, Problem> {
        // What has another form is no secret of ours, and may be somebody else's.
        let Some(id) = TokenId::within(token) else {
            return Ok(None);
        };
        let asked_at = Instant::now();
        let read = self.read(Read::is_trusted).await?;
        if let Some(caller) = self.holder(&read, id, token) {
            return Ok(Some(caller));
        }
        let read = self.read(|read| read.asked_at >= asked_at).await?;
        Ok(self.holder(&read, id, token))
    }
}

/// Looks again and again, until nobody wants to know or the store is closed.
async fn look(source: Arc<dyn CallerSource>, newest: watch::Sender<Read>, wanted: Arc<Notify>) {
    let mut is_away = false;
    loop {
        let next = tokio::time::Instant::now() + GAP;
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = wanted.notified() => sleep_until(next).await,
            () = newest.closed() => return,
        }
        let store = source.store().await;
        newest.send_if_modified(|read| {
            let was = std::mem::replace(&mut read.is_out_of_reach, store.is_err());
            was != read.is_out_of_reach
        });
        let before = newest.borrow().clone();
        let next = match store {
            Ok(store) => read(store, &before).await,
            Err(error) => Err(error),
        };
        match next {
            Ok(read) => {
                if read.known.has_callers() && !before.known.has_callers() {
                    tracing::warn!(
                        "a caller was named: from now on nobody comes in without a token"
                    );
                }
                newest.send_replace(read);
                if std::mem::take(&mut is_away) {
                    tracing::info!("the store of callers answers again");
                }
            }
            Err(StoreError::Closed) => return,
            Err(error) if !is_away => {
                is_away = true;
                tracing::warn!(%error, "the store of callers does not answer; meanwhile no token of it is taken");
            }
            Err(_) => {}
        }
    }
}

/// What is the case now; read as a whole only where it is not what it was `before`.
async fn read(store: Option<Arc<dyn CallerStore>>, before: &Read) -> Result<Read, StoreError> {
    let asked_at = Instant::now();
    let Some(store) = store else {
        return Ok(Read {
            asked_at,
            ..before.clone()
        });
    };
    let edition = store.callers_edition().await?;
    if before.known.is_of(edition) {
        return Ok(Read {
            known: Arc::clone(&before.known),
            asked_at,
            at: edition.read_at,
            is_out_of_reach: false,
        });
    }
    let callers = store.callers().await?;
    Ok(Read {
        at: edition.read_at,
        known: Arc::new(Known::new(callers, &before.known)),
        asked_at,
        is_out_of_reach: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_decided_by_what_was_read_a_second_ago() {
        let read = |age| Read {
            known: Arc::default(),
            asked_at: Instant::now().checked_sub(age).unwrap(),
            at: Timestamp(0),
            is_out_of_reach: false,
        };
        assert!(!read(Duration::from_secs(1)).is_trusted());
        // And whoever calls all the time does not wait for a look.
        assert!(read(PAUSE + GAP).is_trusted());
    }
}
