//! Several machines on one database: replicas behind nginx in plain round robin, and workers.
//!
//! Every machine is a process with a data folder of its own; what they share is a PostgreSQL server
//! and a bucket on an S3 server. `peers/install` puts the programs of others in place. One that is
//! missing is a failure, never a skip.

#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "clippy's own exceptions end at `#[test]` functions"
)]

mod balancer;
mod caller;
mod callers;
mod lost;
mod publishing;
mod retention;
mod rig;
mod roles;
mod rolling;
mod rotation;
mod s3;
mod shared;
mod storm;
