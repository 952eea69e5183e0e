//! Keys that servers share: from a secret of the configuration, or else from the job store, where
//! `farcall keys` exchanges them.

pub(crate) mod stored;

use std::{sync::Arc, time::Duration};

use farcall_config::Config;
use farcall_core::clock::Clock;
use farcall_jobs::{
    LinkKeys,
    links::{Signing, key_id},
};
use farcall_server::{Proof, StateKeys, auth::NamedCallers};
use farcall_store::JobStore;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use self::stored::{Purpose, Ring};
use crate::{App, Failure};

/// How often it is looked whether the keys in the store are others: ten times until one signs that
/// was made meanwhile.
const PAUSE: Duration = Duration::from_secs(3);

/// The keys of a server.
pub(super) struct Keys {
    /// Sign links to files.
    pub(super) links: LinkKeys,
    /// Sign what travels through a client between two rounds of a call.
    pub(super) request_state: StateKeys,
    /// Shows the operator that a path leads here.
    pub(super) proof: Proof,
    /// Where they become others while the server runs.
    store: Option<Arc<dyn JobStore>>,
    previous: Option<SecretString>,
    /// What was read last.
    rings: [Ring; 2],
}

impl Keys {
    /// Those of the configuration, or of `store`. Without both they are this process's own: what they
    /// sign is not accepted after a restart, nor by another server.
    ///
    /// # Errors
    /// A [`Failure`] where the store has none to give, or the system no random bytes.
    pub(super) async fn open(
        config: &Config,
        store: Option<Arc<dyn JobStore>>,
    ) -> Result<Self, Failure> {
        let store = store.filter(|_| config.auth.secret.is_none());
        let rings = match (&store, &config.auth.secret) {
            (Some(store), _) => stored::made(store.as_ref()).await?,
            (None, Some(secret)) => {
                Purpose::ALL.map(|purpose| Ring::alone(made_from(secret, purpose)))
            }
            (None, None) => [Ring::alone(stored::fresh()?), Ring::alone(stored::fresh()?)],
        };
        let previous = config.auth.previous_secret.clone();
        let [links, request_state] = all(&rings, previous.as_ref());
        Ok(Self {
            links: LinkKeys::new(links.signing, links.others),
            request_state: StateKeys::new(request_state.signing, request_state.others),
            proof: Proof::new(proving(&rings[0].signing)),
            store,
            previous,
            rings,
        })
    }

    /// Goes along with what becomes of the keys in the store, as long as somebody has what is
    /// returned; nothing, where they stay as they are.
    pub(super) fn watch(mut self) -> Option<AbortOnDropHandle<()>> {
        let store = self.store.take()?;
        Some(AbortOnDropHandle::new(tokio::spawn(self.look(store))))
    }

    /// A store that is away takes no key from anybody: there is nobody then who could exchange one.
    async fn look(mut self, store: Arc<dyn JobStore>) {
        let mut is_away = false;
        loop {
            sleep(PAUSE).await;
            match stored::rings(store.as_ref()).await {
                Ok(rings) => {
                    if std::mem::take(&mut is_away) {
                        tracing::info!("the keys in the store can be read again");
                    }
                    self.take(rings);
                }
                Err(error) if !is_away => {
                    is_away = true;
                    tracing::warn!(%error, "the keys in the store cannot be read; those that were read before go on");
                }
                Err(_) => {}
            }
        }
    }

    fn take(&mut self, rings: [Ring; 2]) {
        if rings == self.rings {
            return;
        }
        for (purpose, (ring, before)) in Purpose::ALL.iter().zip(rings.iter().zip(&self.rings)) {
            if ring.signing != before.signing {
                let (purpose, id) = (purpose.name(), key_id(&ring.signing));
                tracing::info!(purpose, id, "another key signs from now on");
            }
        }
        let [links, request_state] = all(&rings, self.previous.as_ref());
        self.links.exchange(links.signing, links.others);
        let (signing, others) = (request_state.signing, request_state.others);
        self.request_state.exchange(signing, others);
        self.proof.exchange(proving(&rings[0].signing));
        self.rings = rings;
    }
}

/// The keys of these rings, and what is accepted beside them because the configuration says so.
fn all(rings: &[Ring; 2], previous: Option<&SecretString>) -> [Ring; 2] {
    let [links, request_state] = rings.clone();
    let accepting = |mut ring: Ring, purpose| {
        ring.others
            .extend(previous.map(|secret| made_from(secret, purpose)));
        ring
    };
    [
        accepting(links, Purpose::Links),
        accepting(request_state, Purpose::RequestState),
    ]
}

/// What a server of this configuration and this store can be asked with a nonce, and what it answers to each; nothing,
/// where it has keys that it shares with nobody.
pub(crate) async fn proofs(
    config: &Config,
    store: Option<&dyn JobStore>,
    nonce: &str,
) -> Vec<(String, String)> {
    let keys = match (&config.auth.secret, store) {
        (Some(secret), _) => vec![made_from(secret, Purpose::Links)],
        (None, Some(store)) => match store.secrets(Purpose::Links.name()).await {
            Ok(secrets) => secrets.live.iter().map(|secret| secret.value).collect(),
            Err(_) => Vec::new(),
        },
        (None, None) => Vec::new(),
    };
    let proofs = keys
        .iter()
        .filter_map(|key| Proof::of(&proving(key), nonce));
    proofs.collect()
}

/// The key of the proof, made from that of links: from it nobody learns that one.
fn proving(links: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in ["farcall".as_bytes(), "proof".as_bytes(), links] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// How links to files are signed with `keys`.
pub(super) fn signing(
    keys: &Keys,
    app: &App,
    config: &Config,
    named: &Arc<NamedCallers>,
    clock: &Arc<dyn Clock>,
) -> Signing {
    let asks_everybody = !(config.auth.is_open() && app.verifiers.is_empty());
    let named = Arc::clone(named);
    Signing {
        keys: keys.links.clone(),
        lifetime: config.files.link_lifetime,
        clock: Arc::clone(clock),
        // Where everybody may fetch everything, a link has nothing to prove.
        is_wanted: Arc::new(move || asks_everybody || named.has_callers()),
    }
}

/// The key for `purpose`; from one key nobody learns another, nor the secret.
fn made_from(secret: &SecretString, purpose: Purpose) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in ["farcall", purpose.name(), secret.expose_secret()] {
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
        let key = made_from(&secret, Purpose::RequestState);
        assert_eq!(key, made_from(&secret.clone(), Purpose::RequestState));
        assert_ne!(key, made_from(&secret, Purpose::Links));
        assert_ne!(key, made_from(&other, Purpose::RequestState));
    }
}
