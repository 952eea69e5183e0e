//! What the repository does with itself: `cargo xtask <verb>`.

#![expect(clippy::print_stderr, reason = "people read it")]

mod book;
mod clients;
mod command_line;
mod deployed;
mod farcall_toml;
mod fuzz;
mod generate;
mod http_routes;
mod job_tools;
mod layers;
mod suite;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "What the repository does with itself")]
struct Xtask {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Attack an optimised server, and measure what an honest client sees of that
    Attacks,
    /// Measure against the peers, and write docs/benchmarks.md
    Bench {
        /// Arguments of the benchmark, such as --quick
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build the documentation as a book into target/book, and look at every link
    Book,
    /// Let libFuzzer look for inputs that parsers do not bear
    Fuzz {
        /// The targets, all where none is named
        targets: Vec<String>,
        /// How long to give each
        #[arg(long, default_value_t = 60)]
        seconds: u32,
        /// Plant a bug for each in a copy of the code, and look whether it is found
        #[arg(long)]
        planted: bool,
    },
    /// Write the generated references
    Generate {
        /// Write nothing, and fail where something would change
        #[arg(long)]
        check: bool,
    },
    /// Check which crate depends on which
    Layers,
    /// Install the peers, and run every check and every test
    Test,
}

fn main() -> ExitCode {
    let done = match Xtask::parse().verb {
        Verb::Attacks => suite::attacks(),
        Verb::Bench { arguments } => suite::bench(&arguments),
        Verb::Book => book::book(),
        Verb::Fuzz {
            targets,
            seconds,
            planted: true,
        } => fuzz::planted(&targets, seconds),
        Verb::Fuzz {
            targets, seconds, ..
        } => fuzz::fuzz(&targets, seconds),
        Verb::Generate { check } => generate::generate(check),
        Verb::Layers => layers::check(),
        Verb::Test => suite::test(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the repository.
fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
