//! Jobs, as their callers see them.

mod callers;
mod cancel;
mod contract;
mod disconnect;
mod foreign;
mod keys;
mod limits;
mod log;
mod order;
mod restart;
mod retries;
mod slots;
mod texts;
mod times;
mod wait;
