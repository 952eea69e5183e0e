//! What the repository does with itself: `cargo xtask <verb>`.

#![expect(clippy::print_stderr, reason = "people read it")]

mod farcall_toml;
mod generate;
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
    /// Measure against the peers, and write docs/benchmarks.md
    Bench {
        /// Arguments of the benchmark, such as --quick
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
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
        Verb::Bench { arguments } => suite::bench(&arguments),
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
