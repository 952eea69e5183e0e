//! Jobs, as their callers see them.

mod cancel;
mod contract;
mod foreign;
mod keys;
mod limits;
mod order;
mod restart;
mod retries;
mod slots;
