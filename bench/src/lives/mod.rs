//! Whole lives of jobs, as fast as stores take them.

mod embedded;
mod on_postgres;
mod pgbench;
mod postgres;

pub(crate) use self::{
    embedded::embedded, on_postgres::on_postgres, pgbench::pgbench, postgres::postgres,
};

/// How many start jobs at once, each the next when its last one is over.
pub(crate) const PRODUCERS: usize = 16;

/// How often a job reports.
const REPORTS: u32 = 3;
