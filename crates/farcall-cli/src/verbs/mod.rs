//! What the command line can do, a module a verb.

pub mod backup;
pub mod jobs;
pub mod serve;
pub mod smoke;
