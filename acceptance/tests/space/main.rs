//! What happens when a disk is full: real servers on real, small disks.
//!
//! Each test runs in a process of its own, where it may mount what it likes.

#![expect(
    clippy::unwrap_used,
    reason = "clippy's own exception ends at `#[test]` functions"
)]

/// A release build has no planted bugs.
#[cfg(debug_assertions)]
mod caught;
mod endings;
mod recovery;
mod rig;
mod starts;
