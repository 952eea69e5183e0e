//! Servers are killed again and again, and nothing they promised is broken; servers with a bug
//! planted in them are found out.

/// A release build has neither crash points nor bugs to plant.
#[cfg(debug_assertions)]
mod kills;
