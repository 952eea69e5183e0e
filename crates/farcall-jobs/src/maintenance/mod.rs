//! What keeps jobs and their files in order around the work itself.

mod recover;

pub(crate) use self::recover::recover;
