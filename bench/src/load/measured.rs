//! What a load came to.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::watch::{Spent, Watch};

/// Answers and their times within one window.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    begun: Option<Instant>,
    elapsed: Duration,
    bytes: u64,
    /// Times from a request's first byte to its answer's last, in nanoseconds; sorted at the end.
    times: Vec<u32>,
    spent: Spent,
}

impl Measured {
    pub(super) fn begin(watch: Watch<'_>) -> Result<Self> {
        Ok(Self {
            // Never moved to a larger place while it counts.
            times: Vec::with_capacity(2 << 20),
            spent: watch.look()?,
            begun: Some(Instant::now()),
            ..Self::default()
        })
    }

    pub(super) fn arrived(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    pub(super) fn answered(&mut self, time: Duration) {
        self.times
            .push(u32::try_from(time.as_nanos()).unwrap_or(u32::MAX));
    }

    pub(super) fn end(&mut self, watch: Watch<'_>) -> Result<()> {
        self.elapsed = self.begun.map(|begun| begun.elapsed()).unwrap_or_default();
        self.spent = watch.look()?.since(self.spent);
        self.times.sort_unstable();
        self.times.shrink_to_fit();
        Ok(())
    }

    pub(crate) fn answers(&self) -> u64 {
        self.times.len() as u64
    }

    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// Megabytes (10^6) a second, on the wire.
    pub(crate) fn megabytes(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.elapsed.as_secs_f64()
    }

    /// The server's processor seconds for a gigabyte (10^9).
    pub(crate) fn seconds_per_gigabyte(&self) -> f64 {
        self.spent.server.as_secs_f64() / (self.bytes as f64 / 1e9)
    }

    /// The time that half of the answers took at most, in microseconds.
    pub(crate) fn p50(&self) -> f64 {
        self.percentile(50)
    }

    /// The time that 99 of 100 answers took at most, in microseconds.
    pub(crate) fn p99(&self) -> f64 {
        self.percentile(99)
    }

    fn percentile(&self, percent: usize) -> f64 {
        let last = self.times.len().saturating_sub(1);
        let at = (self.times.len() * percent / 100).min(last);
        self.times
            .get(at)
            .map_or(f64::NAN, |&time| f64::from(time) / 1e3)
    }

    /// How busy the server was, of one core.
    pub(crate) fn server_share(&self) -> f64 {
        self.share(self.spent.server)
    }

    /// How busy the load generator was, of its core; near 1 it is what was measured.
    pub(crate) fn generator_share(&self) -> f64 {
        self.share(self.spent.generator)
    }

    /// How busy everybody else was on the two cores, of one.
    pub(crate) fn others_share(&self) -> f64 {
        let known = self.spent.server + self.spent.generator;
        self.share(self.spent.cores.saturating_sub(known))
    }

    fn share(&self, time: Duration) -> f64 {
        time.as_secs_f64() / self.elapsed.as_secs_f64()
    }
}
