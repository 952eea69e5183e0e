//! Whole lives of jobs: accepted, claimed, reported of three times, ended; each step on the disk.

use std::{process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use farcall_testpg::{Cluster, Durability};

use super::Bench;
use crate::{
    lives::{PRODUCERS, embedded, postgres},
    report::{Bound, Comparison, Report, Unit},
    rounds::Ratio,
};

const ROUNDS: usize = 5;

/// Jobs that docket is given at once.
const DOCKET_JOBS: u64 = 400;

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let seconds = bench.options.by_length(1, 3, 10);
    let window = Duration::from_secs(seconds);
    let cluster = Cluster::start(Durability::Disk);
    let database = cluster.url("postgres");
    let mut rates = [const { Vec::new() }; 4];
    for round in 0..ROUNDS {
        for turn in 0..rates.len() {
            let contestant = (round + turn) % rates.len();
            bench.machine.wait_for_quiet()?;
            rates[contestant].push(match contestant {
                0 => embedded(window)?,
                1 => postgres(&database, window)?,
                2 => huey(bench, seconds)?,
                _ => docket(bench)?,
            });
        }
    }
    let [ours, postgres, huey, docket] = &rates;
    for (id, peer, theirs, floor, goal) in [
        ("G9", "PostgreSQL, a commit a step", postgres, 0.5, 2.5),
        ("G9b", "huey on SQLite, fsync", huey, 1.5, 4.0),
        ("G9b", "docket in memory", docket, 3.0, 8.0),
    ] {
        report.compare(Comparison {
            id,
            what: &format!("lives of jobs, {PRODUCERS} producers"),
            peer,
            ratio: Ratio::of_rounds(ours, theirs),
            measured_in: Unit::PerSecond,
            shown_as: Unit::Times,
            floor: Bound::AtLeast(floor),
            goal: Bound::AtLeast(goal),
        });
    }
    Ok(())
}

fn huey(bench: &Bench, seconds: u64) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let mut command = queue(bench, "huey_lives.py");
    command.arg(folder.path()).arg(seconds.to_string());
    rate(command.arg(PRODUCERS.to_string()))
}

fn docket(bench: &Bench) -> Result<f64> {
    let mut command = queue(bench, "docket_lives.py");
    command.arg(DOCKET_JOBS.to_string());
    rate(command.arg(PRODUCERS.to_string()))
}

fn queue(bench: &Bench, script: &str) -> Command {
    let mut command = Command::new(bench.setup.queues_python());
    command.arg(bench.setup.root.join("bench/queues").join(script));
    command
}

/// The only line that a comparator prints.
fn rate(command: &mut Command) -> Result<f64> {
    let output = command.output().context("a comparator does not start")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "a comparator failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    said.trim()
        .parse()
        .with_context(|| format!("a comparator said {said}"))
}
