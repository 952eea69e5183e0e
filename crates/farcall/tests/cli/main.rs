//! The command line as people type it, and the server of `farcall::testing` that it is tried on.
//!
//! A test of the command line runs the `farcall` binary and looks at the exit status, standard
//! output and standard error. Nothing sleeps: a job waits until it has been looked at. The verbs
//! that look after jobs find a store that this process has open, as a server has.

#![expect(clippy::unwrap_used, reason = "these are tests")]

mod backup;
mod completions;
mod deploy;
mod handoff;
mod harness;
mod jobs;
mod keys;
mod project;
mod smoke;
mod terminal;
mod testing;
mod token;
