//! `kills`: kills servers with jobs in them, as often as it is told, and says what it found.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "people read the report, and a panic is how a harness fails"
)]

use std::{env, path::PathBuf, process::ExitCode};

use clap::Parser;
use farcall_acceptance::kills::{self, Engine, Options};

/// Kills servers with jobs running, and sees that nothing is lost, double, torn or stuck.
#[derive(Parser)]
struct Arguments {
    /// How many kills with a job running there must be.
    #[arg(long, default_value_t = 1000)]
    kills: u32,
    /// Where jobs are kept: sqlite or postgres.
    #[arg(long, default_value = "sqlite", value_parser = ["sqlite", "postgres"])]
    engine: String,
    /// Where chance begins; another one each time unless it is said.
    #[arg(long)]
    seed: Option<u64>,
    /// How many data folders are worked on at the same time.
    #[arg(long, default_value_t = 2)]
    rigs: usize,
    /// Where data folders are made; in memory where there is room, else in the temporary folder.
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// A bug for the servers to have, of those planted in debug builds.
    #[arg(long)]
    plant: Option<String>,
}

fn main() -> ExitCode {
    if let Some(played) = kills::play() {
        return played;
    }
    let arguments = Arguments::parse();
    let options = Options {
        kills: arguments.kills,
        seed: arguments
            .seed
            .unwrap_or_else(|| u64::from(std::process::id())),
        rigs: arguments.rigs,
        engine: match arguments.engine.as_str() {
            "postgres" => Engine::Postgres,
            _ => Engine::Sqlite,
        },
        plant: arguments.plant,
        scratch: arguments.scratch.unwrap_or_else(kills::scratch),
        program: env::current_exe().unwrap(),
    };
    let report = kills::run(options);
    println!("{report}");
    let missed = &report.missed;
    if !missed.is_empty() {
        println!("too few processes ended at {missed:?}");
    }
    let is_long = report.kills() >= 1000;
    let has_missed = !missed.is_empty() || is_long && report.repeated == 0;
    ExitCode::from(u8::from(!report.faults.is_empty() || has_missed))
}
