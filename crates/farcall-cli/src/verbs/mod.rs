//! What the command line can do, a module a verb.

pub mod serve;
pub mod smoke;
