//! `farcall jobs`, on each engine.

mod cancel;
mod list;
pub(crate) mod place;
mod retry;
mod show;
mod trouble;
mod watch;
