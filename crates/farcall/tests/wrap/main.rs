//! Programs as tools and jobs: `farcall serve` over a `farcall.toml`, as its owner runs it and as a
//! client sees it.
//!
//! The programs are real Python ones (`programs/`). Nothing sleeps: what must happen is looked for,
//! with a deadline.

#![expect(
    clippy::unwrap_used,
    reason = "`json!` values are made where they are passed, and a test that cannot go on has failed"
)]

mod access;
mod advisories;
mod afar;
mod artifacts;
mod canary;
mod corpus;
mod doctor;
mod harness;
mod hostile;
mod jobs;
mod keys;
mod kills;
mod leftovers;
mod metrics;
mod mount;
mod mount_ends;
mod mount_floods;
mod mount_lists;
mod mounted_jobs;
mod mounted_reload;
#[cfg(feature = "otel")]
mod otel;
mod place;
mod python;
mod reload;
mod services;
mod start;
mod tokens;
mod tools;
mod traces;
mod warnings;
