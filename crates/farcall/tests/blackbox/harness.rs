//! Serves an `App` in process and talks to it as clients do.
//!
//! Every answer that a test sees has passed [`Reply::checked`]: it has a request id, it is no
//! 500, it says its errors as JSON, it is one that `docs/reference/openapi.json` describes, and it shows
//! nothing of the server's inside.

mod described;
mod engine;
mod events;
pub(crate) mod forgeries;
mod issuer;
pub(crate) mod operator;
mod raw;
mod reply;
mod rpc;
mod server;
mod signer;

use std::time::Duration;

pub(crate) use self::{
    engine::{Engine, on_each_engine},
    events::Events,
    issuer::Issuer,
    operator::{Made, Operator},
    raw::{Connection, exchange},
    reply::Reply,
    rpc::{Era, Rpc},
    server::{Client, Http, Server, Setup},
    signer::{Signer, encoded, seconds},
};

/// The longest time to wait for what must happen; long, because test machines are slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a test looks whether something has happened; no caller may call one tool more than 500 times a second.
const PACE: Duration = Duration::from_millis(4);

/// The time between two looks.
pub(crate) async fn pace() {
    tokio::time::sleep(PACE).await;
}

/// What `event` comes to, which must be soon.
pub(crate) async fn soon<F: Future>(event: F) -> F::Output {
    tokio::time::timeout(PATIENCE, event)
        .await
        .expect("it did not happen in time")
}
