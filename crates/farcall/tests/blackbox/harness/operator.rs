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
use farcall_core::{allowance::ToolAllowance, artifact::hexadecimal, clock::SystemClock};
use farcall_store::{
    Caller, CallerName, JobStore, NewToken, Revoked, Rights, SqliteStore, TokenId,
};
use sha2::{Digest, Sha256};

use super::soon;

/// The store of a server, as `farcall token` has it.
pub(crate) struct Operator(Arc<dyn JobStore>);

impl Operator {
    pub(crate) async fn at(folder: &str, database: Option<&str>) -> Self {
        #[cfg(feature = "postgres-tests")]
        if let Some(url) = database {
            let store = farcall_store::PostgresStore::attach(url).await.unwrap();
            return Self(Arc::new(store));
        }
        assert_eq!(database, None);
        let store = SqliteStore::attach(folder.as_ref(), Arc::new(SystemClock)).await;
        Self(Arc::new(store.unwrap()))
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
        assert!(self.0.admit(&named(name), &rights, &kept).await.unwrap());
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
        assert!(self.0.rotate(&named(name), &kept, overlap).await.unwrap());
        token
    }

    pub(crate) async fn revokes(&self, token: &str) {
        let id = TokenId::parse(TokenId::within(token).unwrap()).unwrap();
        assert_eq!(self.0.revoke(&Revoked::Token(id)).await.unwrap(), 1);
    }

    /// The caller `name`, when it is as the test waits for.
    pub(crate) async fn sees(&self, name: &str, is_it: impl Fn(&Caller) -> bool) -> Caller {
        soon(async {
            loop {
                let mut callers = self.0.callers().await.unwrap().callers;
                callers.retain(|caller| caller.name == named(name) && is_it(caller));
                if let Some(caller) = callers.pop() {
                    return caller;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }
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
