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

/// Whether `token` counts where the keys of `set` are published.
pub(crate) fn opens(set: &[u8], token: &str) -> bool {
    let clock = Arc::new(ManualClock::at(NOW));
    let trust = Trust {
        keys: Keys::new(These(Bytes::copy_from_slice(set)), clock.clone()),
        algorithms: ["RS256", "ES256", "EdDSA"]
            .iter()
            .filter_map(|name| Algorithm::named(name))
            .collect(),
        issuer: "https://as.example.com".to_owned(),
        audiences: vec!["https://farm.example.com/mcp".to_owned()],
        clock,
    };
    let runtime = runtime::Builder::new_current_thread().build();
    runtime.is_ok_and(|runtime| runtime.block_on(trust.verify(token)).is_ok())
}
