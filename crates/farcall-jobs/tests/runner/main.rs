//! The runner over a real store, in process: what happens at every moment of a job's life.

#![expect(
    clippy::unwrap_used,
    reason = "clippy's own exception ends at `#[test]` functions"
)]

mod cancel;
mod checkpoints;
mod elsewhere;
mod leases;
mod limits;
mod retention;
mod rig;
mod space;
mod standstill;
mod suspects;
