//! Whole lives of jobs: accepted, claimed, reported of three times, ended; each step on the disk.

use std::{process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use farcall_testpg::{Cluster, Durability};

use super::Bench;
use crate::{
    lives::{PRODUCERS, embedded, on_postgres, pgbench, postgres},
    report::{Bound, Comparison, Report, Unit},
    rounds::Ratio,
};

const ROUNDS: usize = 5;

/// Jobs that docket is given at once.
const DOCKET_JOBS: u64 = 320;

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let cluster = Cluster::start(Durability::Disk);
    if bench.options.wants(&["G9", "G9b"]) {
        measure_embedded(bench, &cluster, report)?;
    }
    if bench.options.wants(&["G9e"]) {
        measure_on_postgres(bench, &cluster, report)?;
    }
    Ok(())
}

fn measure_embedded(bench: &Bench, cluster: &Cluster, report: &mut Report) -> Result<()> {
    let seconds = bench.options.by_length(1, 3, 10);
    let window = Duration::from_secs(seconds);
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

/// Both do the same to a database of their own, new in every round.
fn measure_on_postgres(bench: &Bench, cluster: &Cluster, report: &mut Report) -> Result<()> {
    let window = Duration::from_secs(bench.options.by_length(2, 5, 10));
    let mut rates = [const { Vec::new() }; 2];
    for round in 0..ROUNDS {
        for turn in 0..rates.len() {
            let contestant = (round + turn) % rates.len();
            let database = format!("round_{round}_{turn}");
            cluster.create_database(&database);
            bench.machine.wait_for_quiet()?;
            rates[contestant].push(match contestant {
                0 => on_postgres(&cluster.url(&database), window)?,
                _ => pgbench(cluster, &database, window)?,
            });
        }
    }
    let [ours, theirs] = &rates;
    report.compare(Comparison {
        id: "G9e",
        what: &format!("lives of jobs in PostgreSQL, {PRODUCERS} workers"),
        peer: "pgbench, same statements",
        ratio: Ratio::of_rounds(ours, theirs),
        measured_in: Unit::PerSecond,
        shown_as: Unit::Share,
        floor: Bound::AtLeast(0.6),
        goal: Bound::AtLeast(1.1),
    });
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
