//! Polls of a job, beside the guide's server, which keeps jobs in a dictionary.

use std::time::Duration;

use anyhow::Result;

use super::{Bench, CONNECTIONS};
use crate::{
    load::{Expected, Judge, Load, Measured, Until, Watch},
    mcp,
    report::{Bound, Comparison, Report, Unit, thousands},
    requests,
    rounds::{Contestant, Series, rounds},
    servers::{self, On, Place, Server},
};

/// Jobs that report while others are polled.
const REPORTING: usize = 50;
/// Longer than any measurement.
const LONG: f64 = 3_600.0;

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    if bench.options.wants(&["G8"]) {
        measure_many(bench, report)?;
    }
    if bench.options.wants(&["G8b"]) {
        measure_reporting(bench, report)?;
    }
    Ok(())
}

/// Many jobs are over, and one is polled that runs.
fn measure_many(bench: &Bench, report: &mut Report) -> Result<()> {
    let on = On::Core(bench.machine);
    let jobs = bench.options.by_length(500, 10_000, 10_000);
    let guide = servers::guide_with_steps(bench.setup, on, 0.0)?;
    let farcall = servers::many_jobs(bench.setup, on, Place::default())?;
    fill(
        bench,
        &farcall,
        &vec![requests::start_work(0.0); CONNECTIONS],
        jobs,
    )?;
    let sessions = sessions(&guide)?;
    let starts: Vec<_> = sessions.iter().map(|id| start_render(id)).collect();
    fill(bench, &guide, &starts, jobs)?;
    // Jobs are taken in the order they came, so this one is over after them.
    let last = mcp::start(farcall.address, &requests::start_work(0.0))?;
    mcp::wait_for_success(farcall.address, &requests::status_of("work", &last, None))?;

    let theirs = mcp::start(guide.address, &start_render(&sessions[0]))?;
    let ours = mcp::start(farcall.address, &requests::start_work(LONG))?;
    let series = polled(bench, (&guide, &theirs, &sessions), (&farcall, &ours))?;
    report.details(&format!("polls, {} jobs", thousands(jobs)), &series);
    // Their jobs would not let them go for a long time.
    guide.kill()?;
    farcall.kill()?;
    let [guide, farcall] = series.as_slice() else {
        anyhow::bail!("a contestant is lost");
    };
    report.compare(Comparison {
        id: "G8",
        what: &format!("polls, {} jobs kept", thousands(jobs)),
        peer: "guide",
        ratio: farcall.over(guide, Measured::rate),
        measured_in: Unit::PerSecond,
        shown_as: Unit::Times,
        floor: Bound::AtLeast(20.0),
        goal: Bound::AtLeast(70.0),
    });
    Ok(())
}

/// Polls of a job while many others report.
fn measure_reporting(bench: &Bench, report: &mut Report) -> Result<()> {
    let on = On::Core(bench.machine);
    let guide = servers::guide_with_steps(bench.setup, on, LONG)?;
    let farcall = servers::many_jobs(bench.setup, on, Place::default())?;
    let sessions = sessions(&guide)?;
    let mut jobs = (String::new(), String::new());
    for _ in 0..REPORTING {
        jobs = (
            mcp::start(guide.address, &start_render(&sessions[0]))?,
            mcp::start(farcall.address, &requests::start_work(LONG))?,
        );
    }
    let series = polled(bench, (&guide, &jobs.0, &sessions), (&farcall, &jobs.1))?;
    report.details(&format!("polls, {REPORTING} jobs report"), &series);
    // Their jobs would not let them go for a long time.
    guide.kill()?;
    farcall.kill()?;
    let [guide, farcall] = series.as_slice() else {
        anyhow::bail!("a contestant is lost");
    };
    report.compare(Comparison {
        id: "G8b",
        what: &format!("poll p99, {REPORTING} jobs report"),
        peer: "guide",
        ratio: farcall.over(guide, Measured::p99),
        measured_in: Unit::Microseconds,
        shown_as: Unit::Times,
        floor: Bound::AtMost(0.1),
        goal: Bound::AtMost(0.02),
    });
    Ok(())
}

fn polled(
    bench: &Bench,
    (guide, theirs, sessions): (&Server, &str, &[String]),
    (farcall, ours): (&Server, &str),
) -> Result<Vec<Series>> {
    let in_sessions = sessions.iter();
    let in_sessions =
        in_sessions.map(|session| requests::status_of("render", theirs, Some(session)));
    let contestants = [
        Contestant {
            name: "guide",
            server: guide,
            requests: in_sessions.collect(),
            expected: Expected::Body(mcp::judge_status),
        },
        Contestant {
            name: "farcall",
            server: farcall,
            requests: vec![requests::status_of("work", ours, None); CONNECTIONS],
            expected: Expected::Body(mcp::judge_status),
        },
    ];
    rounds(&contestants, bench.options.brisk(), bench.machine)
}

/// Starts so many jobs.
fn fill(bench: &Bench, server: &Server, requests: &[Vec<u8>], jobs: u64) -> Result<()> {
    let load = Load {
        address: server.address,
        watch: Watch {
            server: server.process(),
            machine: bench.machine,
        },
        requests,
        expected: Expected::Body(mcp::judge_started as Judge),
        warm_up: Duration::ZERO,
        until: Until::Answers(jobs),
    };
    load.run().map(drop)
}

fn sessions(guide: &Server) -> Result<Vec<String>> {
    let sessions = (0..CONNECTIONS).map(|_| mcp::open_session(guide.address));
    sessions.collect()
}

fn start_render(session: &str) -> Vec<u8> {
    requests::older_call("start_render", "{}", Some(session))
}
