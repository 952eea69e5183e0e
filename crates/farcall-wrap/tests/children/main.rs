//! Programs under the shim: real processes, real signals.

#[cfg(feature = "bwrap-tests")]
mod bubblewrap;
mod ends;
mod harness;
mod holders;
mod place;
mod starts;
