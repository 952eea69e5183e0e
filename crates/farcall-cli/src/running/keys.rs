//! Keys that servers share: from a secret of the configuration, or else from the job store.

use std::sync::Arc;

use farcall_config::Config;
use farcall_core::clock::Clock;
use farcall_jobs::{LinkKeys, links::Signing};
use farcall_server::{JobFiles, StateKeys, auth::NamedCallers};
use farcall_store::JobStore;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::open;
use crate::{App, Failure};

/// Signs what travels through a client between two rounds of a call.
const REQUEST_STATE: &str = "request-state";

/// Signs links to files.
const LINKS: &str = "links";

/// The keys for [`REQUEST_STATE`]. Without a secret and a store the present one is this process's
/// own: what it signed is not accepted after a restart, nor by another server.
pub(super) async fn request_state(
    config: &Config,
    store: Option<&dyn JobStore>,
) -> Result<StateKeys, Failure> {
    Ok(StateKeys {
        present: present_state(config, store).await?,
        other: previous(config, REQUEST_STATE),
    })
}

async fn present_state(config: &Config, store: Option<&dyn JobStore>) -> Result<[u8; 32], Failure> {
    match (store, &config.storage.database_url) {
        (Some(store), _) => shared(config, store, REQUEST_STATE).await,
        // A program without jobs may have questions and a database all the same.
        (None, Some(url)) if config.auth.secret.is_none() => {
            let store = open::open_database(url).await?;
            let key = shared(config, store.as_ref(), REQUEST_STATE).await;
            store.close().await;
            key
        }
        (None, _) => match &config.auth.secret {
            Some(secret) => Ok(made_from(secret, REQUEST_STATE)),
            None => fresh(),
        },
    }
}

/// How links to files are signed.
///
/// # Errors
/// A [`Failure`] where the store has no keys to give.
pub(super) async fn signing(
    app: &App,
    config: &Config,
    jobs: &JobFiles,
    named: &Arc<NamedCallers>,
    clock: &Arc<dyn Clock>,
) -> Result<Signing, Failure> {
    let asks_everybody = !(config.auth.is_open() && app.verifiers.is_empty());
    let named = Arc::clone(named);
    Ok(Signing {
        keys: links(config, jobs.store.as_ref()).await?,
        lifetime: config.files.link_lifetime,
        clock: Arc::clone(clock),
        // Where everybody may fetch everything, a link has nothing to prove.
        is_wanted: Arc::new(move || asks_everybody || named.has_callers()),
    })
}

/// The keys that links to files are signed with, and were before.
async fn links(config: &Config, store: &dyn JobStore) -> Result<LinkKeys, Failure> {
    let key = shared(config, store, LINKS).await?;
    Ok(LinkKeys::new(key, previous(config, LINKS)))
}

/// The key for `purpose` that is not signed with, but accepted.
fn previous(config: &Config, purpose: &str) -> Option<[u8; 32]> {
    let secret = config.auth.previous_secret.as_ref();
    secret.map(|secret| made_from(secret, purpose))
}

/// The key for `purpose` that all servers of a store have.
async fn shared(config: &Config, store: &dyn JobStore, purpose: &str) -> Result<[u8; 32], Failure> {
    if let Some(secret) = &config.auth.secret {
        return Ok(made_from(secret, purpose));
    }
    let kept = store.secret(purpose, fresh()?).await;
    kept.map_err(|error| Failure::failed(error.to_string()))
}

fn fresh() -> Result<[u8; 32], Failure> {
    let mut fresh = [0; 32];
    getrandom::fill(&mut fresh)
        .map_err(|error| Failure::failed(format!("the system gives no random bytes: {error}")))?;
    Ok(fresh)
}

/// The key for `purpose`; from one key nobody learns another, nor the secret.
fn made_from(secret: &SecretString, purpose: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in ["farcall", purpose, secret.expose_secret()] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_has_a_key_of_its_own_and_servers_agree_on_it() {
        let secret = SecretString::from("0123456789abcdef0123456789abcdef");
        let other = SecretString::from("0123456789abcdef0123456789abcdeF");
        let key = made_from(&secret, REQUEST_STATE);
        assert_eq!(key, made_from(&secret.clone(), REQUEST_STATE));
        assert_ne!(key, made_from(&secret, LINKS));
        assert_ne!(key, made_from(&other, REQUEST_STATE));
    }
}
