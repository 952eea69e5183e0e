//! Spans for whoever keeps them: OTLP over HTTP, as JSON, in a program with the feature `otel`.

#[cfg(feature = "otel")]
mod otlp;
#[cfg(feature = "otel")]
mod sender;

use farcall_config::Config;

use crate::Failure;

/// Sends spans, until it is closed.
pub(crate) struct Spans(#[cfg(feature = "otel")] Option<sender::Sender>);

impl Spans {
    /// Begins to send them where the configuration says, as those of `name`.
    ///
    /// # Errors
    /// A [`Failure`] where the client that sends them cannot be made.
    #[cfg(feature = "otel")]
    pub(crate) fn start(config: &Config, name: &str, version: &str) -> Result<Self, Failure> {
        let Some(spans) = &config.spans else {
            return Ok(Self(None));
        };
        let service = spans.service.as_deref().unwrap_or(name);
        sender::Sender::start(spans, service, version).map(|sender| Self(Some(sender)))
    }

    /// Says that nothing is sent, where somebody expects it.
    ///
    /// # Errors
    /// None.
    #[cfg(not(feature = "otel"))]
    #[expect(clippy::unnecessary_wraps, reason = "with the feature it may fail")]
    pub(crate) fn start(config: &Config, _name: &str, _version: &str) -> Result<Self, Failure> {
        if config.spans.is_some() {
            tracing::warn!(
                "OTEL_EXPORTER_OTLP_ENDPOINT is set, and no span is sent: this program was built without farcall's feature `otel`"
            );
        }
        Ok(Self())
    }

    /// Sends what is left, for five seconds at most.
    #[cfg(feature = "otel")]
    pub(crate) async fn close(self) {
        if let Some(sender) = self.0 {
            sender.close().await;
        }
    }

    /// Nothing is left.
    #[cfg(not(feature = "otel"))]
    #[expect(clippy::unused_async, reason = "with the feature it waits")]
    pub(crate) async fn close(self) {}
}
