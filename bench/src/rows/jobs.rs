//! How soon a start is acknowledged, and how soon work goes on after a crash.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::{Bench, CONNECTIONS};
use crate::{
    load::{Expected, Load, Measured, Until, Watch},
    mcp,
    process::pause,
    report::{Absolute, Bound, Report, Unit},
    requests,
    rounds::median,
    servers::{self, On},
};

const CRASHES: usize = 7;
/// A job that has not begun by then will not.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    if bench.options.wants(&["G9f"]) {
        measure_answers(bench, report)?;
    }
    if bench.options.wants(&["G10"]) {
        measure_restarts(bench, report)?;
    }
    Ok(())
}

/// An answer says that the start is on the disk.
fn measure_answers(bench: &Bench, report: &mut Report) -> Result<()> {
    let server = servers::many_jobs(bench.setup, On::Core(bench.machine), None, None)?;
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
        let (data, begun) = (kept.path().join("data"), kept.path().join("begun"));
        let lines = || fs::read_to_string(&begun).map_or(0, |lines| lines.lines().count());
        let wait_for = |wanted: usize| {
            let since = Instant::now();
            while lines() < wanted {
                ensure!(since.elapsed() < PATIENCE, "the job does not begin");
                pause(Duration::from_micros(500));
            }
            Ok(())
        };
        let server = servers::many_jobs(bench.setup, On::Anything, Some(&data), Some(&begun))?;
        mcp::start(server.address, &requests::start_work(600.0))?;
        wait_for(1)?;
        server.kill()?;
        let since = Instant::now();
        let again = servers::many_jobs(bench.setup, On::Anything, Some(&data), Some(&begun))?;
        wait_for(2)?;
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
