//! How soon a start is acknowledged, and how soon work goes on after a crash.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use farcall_testpg::{Cluster, Durability};

use super::{Bench, CONNECTIONS};
use crate::{
    load::{Expected, Load, Measured, Until, Watch},
    mcp,
    process::pause,
    report::{Absolute, Bound, Report, Unit},
    requests,
    rounds::median,
    servers::{self, On, Place},
};

const CRASHES: usize = 7;
/// Each takes as long as a lease.
const LOSSES: usize = 5;
/// A job that has not begun by then will not.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    if bench.options.wants(&["G9f"]) {
        measure_answers(bench, report)?;
    }
    if bench.options.wants(&["G10"]) {
        measure_restarts(bench, report)?;
        measure_lost_worker(bench, report)?;
    }
    Ok(())
}

/// An answer says that the start is on the disk.
fn measure_answers(bench: &Bench, report: &mut Report) -> Result<()> {
    let server = servers::many_jobs(bench.setup, On::Core(bench.machine), Place::default())?;
    bench.machine.wait_for_quiet()?;
    let load = Load {
        address: server.address,
        watch: Watch {
            server: server.process(),
            machine: bench.machine,
        },
        requests: &vec![requests::start_work(0.0); CONNECTIONS],
        expected: Expected::Body(mcp::judge_started),
        warm_up: Duration::from_millis(200),
        until: Until::Answers(bench.options.by_length(200, 4_000, 20_000)),
    };
    let measured: Measured = load.run()?;
    let ours = measured.p99() / 1e3;
    report.check(Absolute {
        id: "G9f",
        what: "start of a job, p99, c = 16",
        beside: format!(
            "{} starts/s, p50 {}",
            measured.rate().round(),
            Unit::Milliseconds.show(measured.p50() / 1e3)
        ),
        ours,
        result: ours,
        unit: Unit::Milliseconds,
        floor: Bound::AtMost(10.0),
        goal: Bound::AtMost(2.0),
    });
    Ok(())
}

/// From the start of the process to the first line of the job that its predecessor left.
fn measure_restarts(bench: &Bench, report: &mut Report) -> Result<()> {
    let mut times = Vec::with_capacity(CRASHES);
    for _ in 0..CRASHES {
        let kept = tempfile::tempdir()?;
        let data = kept.path().join("data");
        let place = Place {
            data: Some(&data),
            begun: Some(&kept.path().join("begun")),
            ..Place::default()
        };
        let server = servers::many_jobs(bench.setup, On::Anything, place)?;
        mcp::start(server.address, &requests::start_work(600.0))?;
        wait_for(1, place.begun)?;
        server.kill()?;
        let since = Instant::now();
        let again = servers::many_jobs(bench.setup, On::Anything, place)?;
        wait_for(2, place.begun)?;
        times.push(since.elapsed().as_secs_f64() * 1e3);
        again.kill()?;
    }
    let ours = median(times.into_iter());
    report.check(Absolute {
        id: "G10",
        what: "kill -9, start, and the job runs again",
        beside: String::new(),
        ours,
        result: ours,
        unit: Unit::Milliseconds,
        floor: Bound::AtMost(2_000.0),
        goal: Bound::AtMost(500.0),
    });
    Ok(())
}

/// Two servers share a database; the one that runs the job is killed as a whole machine would be,
/// and the other one takes it up when the lease is over.
fn measure_lost_worker(bench: &Bench, report: &mut Report) -> Result<()> {
    let cluster = Cluster::start(Durability::Disk);
    let mut times = Vec::new();
    for round in 0..bench.options.by_length(1, LOSSES, LOSSES) {
        let database = format!("lost_{round}");
        cluster.create_database(&database);
        let (url, kept) = (cluster.url(&database), tempfile::tempdir()?);
        let place = Place {
            begun: Some(&kept.path().join("begun")),
            database: Some(&url),
            ..Place::default()
        };
        let lost = servers::many_jobs(bench.setup, On::AnotherMachine, place)?;
        mcp::start(lost.address, &requests::start_work(600.0))?;
        wait_for(1, place.begun)?;
        let heir = servers::many_jobs(bench.setup, On::Anything, place)?;
        lost.kill()?;
        let since = Instant::now();
        wait_for(2, place.begun)?;
        times.push(since.elapsed().as_secs_f64());
        heir.kill()?;
    }
    let ours = median(times.into_iter());
    report.check(Absolute {
        id: "G10",
        what: "another machine is lost, and its job runs here",
        beside: String::new(),
        ours,
        result: ours,
        unit: Unit::Seconds,
        floor: Bound::AtMost(35.0),
        goal: Bound::AtMost(10.0),
    });
    Ok(())
}

/// Waits until so many jobs have begun, by the file in which they say so.
fn wait_for(wanted: usize, begun: Option<&Path>) -> Result<()> {
    let lines = || {
        let said = begun.and_then(|begun| fs::read_to_string(begun).ok());
        said.map_or(0, |said| said.matches('\n').count())
    };
    let since = Instant::now();
    while lines() < wanted {
        ensure!(since.elapsed() < PATIENCE, "the job does not begin");
        pause(Duration::from_micros(500));
    }
    Ok(())
}
