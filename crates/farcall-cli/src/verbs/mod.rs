//! What the command line can do, a module a verb.

pub mod backup;
pub mod check;
pub mod deploy;
pub mod healthcheck;
pub mod init;
pub mod jobs;
pub mod schema;
pub mod serve;
pub mod smoke;
pub mod token;
