//! Jobs, as their callers see them.

mod cancel;
mod contract;
mod foreign;
mod limits;
mod restart;
mod retries;
