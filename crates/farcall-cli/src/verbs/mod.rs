//! What the command line can do, a module a verb.

pub mod backup;
pub mod check;
pub mod completions;
pub mod deploy;
pub mod doctor;
pub mod handoff;
pub mod healthcheck;
pub mod init;
pub mod jobs;
pub mod keys;
pub mod schema;
pub mod serve;
pub mod smoke;
pub mod token;
