//! A server's judgement for the targets of `fuzz`.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use farcall_core::clock::{ManualClock, Timestamp};
use tokio::runtime;

use super::{Algorithm, Keys, Source, Trust};
use crate::auth::outbound::NoAnswer;

/// The end of 2026, in milliseconds.
const NOW: Timestamp = Timestamp(1_798_761_600_000);

struct These(Bytes);

#[async_trait]
impl Source for These {
    async fn fetch(&self) -> Result<Bytes, NoAnswer> {
        Ok(self.0.clone())
    }
}

/// What a token has to be to count where the keys of `set` are published.
pub(in crate::auth) fn trust(set: &[u8]) -> Trust {
    let clock = Arc::new(ManualClock::at(NOW));
    Trust {
        keys: Keys::new(These(Bytes::copy_from_slice(set)), clock.clone()),
        algorithms: ["RS256", "ES256", "EdDSA"]
            .iter()
            .filter_map(|name| Algorithm::named(name))
            .collect(),
        issuer: "https://as.example.com".to_owned(),
        audiences: vec!["https://farm.example.com/mcp".to_owned()],
        clock,
    }
}

/// Whether `token` counts there.
pub(crate) fn opens(set: &[u8], token: &str) -> bool {
    let runtime = runtime::Builder::new_current_thread().build();
    runtime.is_ok_and(|runtime| runtime.block_on(trust(set).verify(token)).is_ok())
}
