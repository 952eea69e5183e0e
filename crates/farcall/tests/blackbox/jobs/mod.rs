//! Jobs, as their callers see them.

mod cancel;
mod contract;
mod foreign;
mod restart;
mod retries;
