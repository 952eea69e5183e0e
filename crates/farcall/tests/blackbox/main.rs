//! Everything that a client, a user or an operator can see, tested from outside.
//!
//! The folders have the shape of the product. A test is a sentence; it says what holds, not what
//! it does. Nothing sleeps: tests wait for signals, and what must happen is waited for at most
//! half a minute.

#![expect(
    clippy::needless_pass_by_value,
    clippy::unwrap_used,
    reason = "`json!` values are made where they are passed, and a test that cannot go on has failed"
)]

mod audit;
mod auth;
mod canary;
mod edge;
mod files;
mod harness;
mod jobs;
mod mcp;
mod metrics;
mod offers;
mod routes;
mod sessions;
mod startup;
mod tasks;
