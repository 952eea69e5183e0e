//! Whoever names the callers of a server, beside it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use farcall::Scope;
use farcall_core::{
    allowance::ToolAllowance,
    artifact::hexadecimal,
    clock::{Clock, ManualClock, SystemClock, Timestamp},
};
use farcall_store::{
    Caller, CallerName, JobStore, NewToken, Revoked, Rights, Rotation, SqliteStore, TokenId,
};
use sha2::{Digest, Sha256};

use super::{pace, soon};

/// The store of a server, as `farcall token` has it.
pub(crate) struct Operator {
    store: Arc<dyn JobStore>,
    folder: String,
}

impl Operator {
    pub(crate) async fn at(folder: &str, database: Option<&str>) -> Self {
        #[cfg(feature = "postgres-tests")]
        if let Some(url) = database {
            let store = farcall_store::PostgresStore::attach(url).await.unwrap();
            return Self {
                store: Arc::new(store),
                folder: folder.to_owned(),
            };
        }
        assert_eq!(database, None);
        let store = SqliteStore::attach(folder.as_ref(), Arc::new(SystemClock)).await;
        Self {
            store: Arc::new(store.unwrap()),
            folder: folder.to_owned(),
        }
    }

    /// Names a caller with the scope `call`, and returns its token.
    pub(crate) async fn names(&self, name: &str, change: impl FnOnce(&mut Rights)) -> String {
        let mut rights = Rights {
            scopes: BTreeSet::from([Scope::Call]),
            tools: None,
            max_open_jobs: None,
        };
        change(&mut rights);
        let (token, kept) = fresh(None);
        assert!(
            self.store
                .admit(&named(name), &rights, &kept)
                .await
                .unwrap()
        );
        token
    }

    /// One more token, while the others live on for `overlap`.
    pub(crate) async fn rotates(
        &self,
        name: &str,
        overlap: Duration,
        lives_for: Option<Duration>,
    ) -> String {
        let (token, kept) = fresh(lives_for);
        assert!(
            self.store
                .rotate(&named(name), &kept, overlap)
                .await
                .unwrap()
        );
        token
    }

    pub(crate) async fn revokes(&self, token: &str) {
        let id = TokenId::parse(TokenId::within(token).unwrap()).unwrap();
        assert_eq!(self.store.revoke(&Revoked::Token(id)).await.unwrap(), 1);
    }

    /// Puts another key before those for links and for request states.
    pub(crate) async fn exchanges(&self, key: [u8; 32], made: Made) {
        let store = match made {
            Made::Now => Arc::clone(&self.store),
            Made::LongAgo => self.with_a_clock_that_is_late().await,
        };
        let keys = [("links", key), ("request-state", key)];
        let overlapping = Rotation::Overlapping(Duration::ZERO);
        let rotation = store.rotate_secrets(&keys, overlapping);
        assert!(rotation.await.unwrap(), "it was too soon");
    }

    /// Puts it in their place.
    pub(crate) async fn exchanges_at_once(&self, key: [u8; 32]) {
        let keys = [("links", key), ("request-state", key)];
        let rotation = self.store.rotate_secrets(&keys, Rotation::AtOnce);
        assert!(rotation.await.unwrap());
    }

    /// The same store for somebody whose clock is an hour late.
    async fn with_a_clock_that_is_late(&self) -> Arc<dyn JobStore> {
        let clock = ManualClock::at(Timestamp(SystemClock.now().0 - 3_600_000));
        let store = SqliteStore::attach(self.folder.as_ref(), Arc::new(clock)).await;
        Arc::new(store.unwrap())
    }

    /// The caller `name`, when it is as the test waits for.
    pub(crate) async fn sees(&self, name: &str, is_it: impl Fn(&Caller) -> bool) -> Caller {
        soon(async {
            loop {
                let mut callers = self.store.callers().await.unwrap().callers;
                callers.retain(|caller| caller.name == named(name) && is_it(caller));
                if let Some(caller) = callers.pop() {
                    return caller;
                }
                pace().await;
            }
        })
        .await
    }
}

/// When a key was made, which says whether it signs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Made {
    LongAgo,
    Now,
}

/// A list of tools, as it is typed.
pub(crate) fn tools(entries: &[&str]) -> ToolAllowance {
    ToolAllowance::new(entries.iter().copied()).unwrap()
}

fn named(name: &str) -> CallerName {
    CallerName::parse(name).unwrap()
}

/// A token that no other call returns; tests need no chance.
fn fresh(lives_for: Option<Duration>) -> (String, NewToken) {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    let id = TokenId::parse(&format!("t{number:011}")).unwrap();
    let secret = hexadecimal(&Sha256::digest(format!("{number} of the tests")));
    let token = id.with(&secret[..43]);
    let kept = NewToken {
        id,
        digest: Sha256::digest(&token).into(),
        lives_for,
    };
    (token, kept)
}
