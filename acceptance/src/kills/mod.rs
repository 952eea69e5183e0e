//! Kills servers again and again, and sees that nothing they promised is broken.
//!
//! A [`run`] has some rigs at the same time. A rig is a data folder with one process after the
//! other on it; each is a *life*. A life takes up what the one before left, gets a job that is
//! sure to run, is called by two callers, and ends by SIGKILL: at a crash point or at a random
//! moment. Now and then a life is asked to stop instead, or has two workers of which one is
//! declared lost and goes on.
//!
//! What ran is told by a log outside of the data folder (`log`), what was asked for and
//! acknowledged by the books of the callers (`ledger`), what there is by SQL and by the files
//! (`records`). Every ten lives `check` holds the three against each other.

mod brew;
mod caller;
mod check;
mod database;
mod fault;
mod finish;
mod ledger;
mod life;
mod log;
mod part;
mod points;
mod press;
mod random;
mod records;
mod report;
mod respondent;
mod rig;
mod rivalry;
mod run;
pub mod trials;

pub use self::{
    fault::{Fault, Kind},
    part::play,
    report::Report,
    run::{Engine, Options, run, scratch},
};
