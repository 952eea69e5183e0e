//! The report: rows held against floors and goals, and what they were made of.

mod publish;
mod row;
mod table;
mod unit;

use std::process::Command;

use anyhow::Result;
use serde::Serialize;

use self::row::{Row, Verdict};
pub(crate) use self::{
    row::{Absolute, Bound, Comparison},
    unit::{Unit, gibibytes, thousands},
};
use crate::{
    load::Measured,
    machine::Machine,
    options::Options,
    rounds::Series,
    setup::{Setup, version_of},
};

/// Everything that was measured, and where.
#[derive(Serialize)]
pub(crate) struct Report {
    date: String,
    command: String,
    machine: String,
    versions: Vec<String>,
    rows: Vec<Row>,
    details: Vec<Detail>,
    #[serde(skip)]
    wanted: Vec<String>,
    #[serde(skip)]
    file: std::path::PathBuf,
}

/// What one contestant came to; medians of the rounds.
#[derive(Serialize)]
struct Detail {
    what: String,
    server: &'static str,
    per_second: f64,
    megabytes_per_second: f64,
    p50_microseconds: f64,
    p99_microseconds: f64,
    resident_bytes: u64,
    server_busy: f64,
    load_busy: f64,
    others_busy: f64,
    disturbed_rounds: String,
}

impl Report {
    pub(crate) fn new(machine: &Machine, setup: &Setup, options: &Options) -> Result<Self> {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        let mut command = "cargo run --release -p farcall-bench".to_owned();
        if !arguments.is_empty() {
            command = format!("{command} -- {}", arguments.join(" "));
        }
        let python = "import mcp, importlib.metadata as m, platform; print('mcp', m.version('mcp'), 'on Python', platform.python_version())";
        let versions = vec![
            format!("farcall {}", env!("CARGO_PKG_VERSION")),
            version_of(Command::new("rustc").arg("--version"))?,
            "rmcp 3.11.0".to_owned(),
            version_of(Command::new(setup.python()).args(["-c", python]))?,
            version_of(Command::new(setup.nginx()).arg("-v"))?.replace("nginx version: ", ""),
        ];
        Ok(Self {
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            command,
            machine: format!(
                "{} cores of {}, Linux {}",
                machine.cores, machine.model, machine.kernel
            ),
            versions,
            rows: Vec::new(),
            details: Vec::new(),
            wanted: options.only.clone(),
            file: setup.root.join("docs/benchmarks.md"),
        })
    }

    /// Adds a comparison, where it is asked for.
    pub(crate) fn compare(&mut self, comparison: Comparison) {
        self.add(comparison.into());
    }

    /// Adds a number that is held against a limit by itself, where it is asked for.
    pub(crate) fn check(&mut self, absolute: Absolute) {
        self.add(absolute.into());
    }

    fn add(&mut self, row: Row) {
        let is_wanted = |wanted: &String| wanted.eq_ignore_ascii_case(row.id);
        if self.wanted.is_empty() || self.wanted.iter().any(is_wanted) {
            eprintln!("  {} {}: {}, {}", row.id, row.what, row.result, row.verdict);
            self.rows.push(row);
        }
    }

    /// Adds what contestants came to.
    pub(crate) fn details(&mut self, what: &str, series: &[Series]) {
        self.details.extend(series.iter().map(|series| Detail {
            what: what.to_owned(),
            server: series.name,
            per_second: series.median(Measured::rate),
            megabytes_per_second: series.median(Measured::megabytes),
            p50_microseconds: series.median(Measured::p50),
            p99_microseconds: series.median(Measured::p99),
            resident_bytes: series.resident,
            server_busy: series.median(Measured::server_share),
            load_busy: series.median(Measured::generator_share),
            others_busy: series.median(Measured::others_share),
            disturbed_rounds: format!("{} of {}", series.disturbed(), series.rounds.len()),
        }));
    }

    pub(crate) fn is_above_floors(&self) -> bool {
        self.rows
            .iter()
            .all(|row| row.verdict != Verdict::BelowFloor)
    }
}
