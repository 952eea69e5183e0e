//! Jobs, as their callers see them.

mod contract;
mod foreign;
mod restart;
mod retries;
