//! Programs under the shim: real processes, real signals.

mod ends;
mod harness;
mod holders;
mod place;
mod starts;
