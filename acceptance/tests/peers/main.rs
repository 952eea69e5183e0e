//! The example server and the conformance server as clients of others see them.
//!
//! `peers/install` puts those clients in place. One that is missing is a failure, never a skip:
//! a promise that was not looked at is not kept.

#![expect(
    clippy::unwrap_used,
    reason = "clippy's own exception ends at `#[test]` functions"
)]

mod conformance;
mod deploy;
mod example;
mod guide;
mod handoff;
mod inspector;
mod installed;
mod kill;
mod mount;
mod oauth;
mod outage;
mod peer;
mod postgres;
mod prometheus;
mod replicas;
mod schemathesis;
mod script;
mod smoke;
mod stdio;
mod typescript;
