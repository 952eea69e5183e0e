//! What keeps jobs and their files in order around the work itself.

mod recover;
mod sweep;

pub(crate) use self::{recover::recover, sweep::keep_sweeping};
