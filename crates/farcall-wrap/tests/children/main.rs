//! Programs under the shim: real processes, real signals.

#![expect(clippy::unwrap_used, reason = "these are tests")]

#[cfg(feature = "bwrap-tests")]
mod bubblewrap;
mod ends;
mod harness;
mod holders;
mod place;
mod starts;
