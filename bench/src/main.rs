//! Measures farcall beside its peers in one run, and holds it to the floors.
//!
//! `cargo run --release -p farcall-bench` installs the peers, builds the servers, starts them on
//! loopback ports and measures in interleaved rounds: every round measures every contestant
//! once, so that what else the machine does hits all of them. Servers run on one core, the load
//! generator on another. The exit status is 0 where every floor is met, 1 where one is not, and 2
//! where something could not be measured.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "people read the progress, people and programs read the table"
)]
#![expect(clippy::cast_precision_loss, reason = "no count here comes near 2^53")]

mod client;
mod disturbance;
mod lives;
mod load;
mod machine;
mod mcp;
mod options;
mod process;
mod report;
mod requests;
mod rounds;
mod rows;
mod servers;
mod setup;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::{machine::Machine, options::Options, report::Report, setup::Setup};

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether every floor is met.
fn run(options: &Options) -> Result<bool> {
    options.check()?;
    let setup = Setup::prepare(options.as_built)?;
    let machine = Machine::look(options.patience())?;
    let mut report = Report::new(&machine, &setup, options)?;
    rows::measure(options, &setup, &machine, &mut report)?;
    report.publish(options)?;
    Ok(report.is_above_floors())
}
