//! What happens to jobs when the process that runs them is killed, seen from outside: real
//! processes, real signals, and a count of stage runs where no crash can take it back.

#![expect(
    clippy::unwrap_used,
    reason = "clippy's own exception ends at `#[test]` functions"
)]

/// A release build has no crash points.
#[cfg(debug_assertions)]
mod backup;
mod changes;
mod folder;
mod isolation;
mod keys;
mod leavers;
mod losses;
mod operator;
/// The same.
#[cfg(debug_assertions)]
mod points;
mod poison;
/// The same.
#[cfg(debug_assertions)]
mod pruning;
/// The same.
#[cfg(debug_assertions)]
mod publishing;
mod rig;
mod stages;
mod stopping;
