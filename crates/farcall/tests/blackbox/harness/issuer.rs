//! An authorization server, as far as a resource server knows it, on this machine.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use farcall::{
    axum::{
        self, Json, Router,
        extract::State,
        http::{HeaderMap, StatusCode},
        routing::{get, post},
    },
    json,
};
use serde_json::Value;
use tokio::{net::TcpListener, task::AbortHandle};

use super::Signer;

/// A server that publishes keys, until it is dropped.
pub(crate) struct Issuer {
    /// Where it is, without a slash at its end.
    pub(crate) url: String,
    published: Arc<Published>,
    serving: AbortHandle,
}

struct Published {
    /// A JWK Set, or nothing while it is down.
    keys: Mutex<Option<String>>,
    /// What it says about tokens.
    tokens: Mutex<HashMap<String, Value>>,
    /// Whether it never comes to an answer about others.
    is_brooding: AtomicBool,
    asked: AtomicUsize,
}

/// Whom it tells about tokens: `farm` with a secret, both escaped as RFC 6749 section 2.3.1 has it.
const CLIENT: &str = "Basic ZmFybTphK3NlY3JldCUzQSt3aXRoJTJCc2lnbnMlMjU=";

impl Issuer {
    /// Publishes the keys of these.
    pub(crate) async fn of(signers: &[&Signer]) -> Self {
        let published = Arc::new(Published {
            keys: Mutex::default(),
            tokens: Mutex::default(),
            is_brooding: AtomicBool::new(false),
            asked: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let metadata = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
        let routes = Router::new()
            .route("/keys", get(keys))
            .route("/introspect", post(introspect))
            .route(
                "/.well-known/openid-configuration",
                get(async || Json(metadata)),
            )
            .with_state(Arc::clone(&published));
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let issuer = Self {
            url,
            published,
            serving: serving.abort_handle(),
        };
        issuer.publish(signers);
        issuer
    }

    /// Where the keys are.
    pub(crate) fn keys(&self) -> String {
        format!("{}/keys", self.url)
    }

    /// Publishes the keys of these from now on.
    pub(crate) fn publish(&self, signers: &[&Signer]) {
        let keys: Vec<_> = signers.iter().map(|signer| signer.jwk()).collect();
        let set = json!({"keys": keys, "public_cert": {"kid": "x", "cert": "y"}});
        *self.published.keys.lock().unwrap() = Some(set.to_string());
    }

    /// Publishes nothing from now on, and says so with 503.
    pub(crate) fn go_down(&self) {
        *self.published.keys.lock().unwrap() = None;
    }

    /// Where it is asked about tokens.
    pub(crate) fn introspection(&self) -> String {
        format!("{}/introspect", self.url)
    }

    /// Says this about `token` from now on.
    pub(crate) fn says(&self, token: &str, answer: &Value) {
        let mut tokens = self.published.tokens.lock().unwrap();
        tokens.insert(token.to_owned(), answer.clone());
    }

    /// Says nothing from now on about tokens that it does not know, and takes for ever.
    pub(crate) fn broods_over_others(&self) {
        self.published.is_brooding.store(true, Ordering::SeqCst);
    }

    /// How often it was asked for keys, or about tokens.
    pub(crate) fn asked(&self) -> usize {
        self.published.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn keys(State(published): State<Arc<Published>>) -> Result<String, StatusCode> {
    published.asked.fetch_add(1, Ordering::SeqCst);
    let keys = published.keys.lock().unwrap().clone();
    keys.ok_or(StatusCode::SERVICE_UNAVAILABLE)
}

async fn introspect(
    State(published): State<Arc<Published>>,
    headers: HeaderMap,
    form: String,
) -> Result<Json<Value>, StatusCode> {
    published.asked.fetch_add(1, Ordering::SeqCst);
    if headers
        .get("authorization")
        .is_none_or(|client| client != CLIENT)
    {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let form = form.strip_suffix("&token_type_hint=access_token");
    let token = form.and_then(|form| form.strip_prefix("token="));
    let answer = token.and_then(|token| {
        let known = published.tokens.lock().unwrap();
        known.get(token).cloned()
    });
    if answer.is_none() && published.is_brooding.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    Ok(Json(answer.unwrap_or(json!({"active": false}))))
}
