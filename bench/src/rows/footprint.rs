//! Size at rest, time to start, and what doing nothing costs.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;

use super::Bench;
use crate::{
    process::pause,
    report::{Absolute, Bound, Report, Unit},
    rounds::median,
    servers::{self, On, Server},
};

const STARTS: usize = 11;

/// Until what happens once after the start is over.
const SETTLING: Duration = Duration::from_secs(1);

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    measure_rest(bench, report)?;
    if bench.options.wants(&["G6c"]) {
        measure_starts(bench, report)?;
    }
    let binary = fs::metadata(bench.setup.program("example-mcp-server"))?.len();
    report.check(Absolute {
        id: "G6d",
        what: "stripped binary",
        beside: String::new(),
        ours: binary as f64,
        result: binary as f64,
        unit: Unit::Mebibytes,
        floor: Bound::AtMost(f64::from(30 << 20)),
        goal: Bound::AtMost(f64::from(16 << 20)),
    });
    Ok(())
}

fn measure_rest(bench: &Bench, report: &mut Report) -> Result<()> {
    let farcall = servers::example(bench.setup, On::Anything, None)?;
    let rmcp = servers::plain_rmcp(bench.setup, On::Anything)?;
    let guide = servers::guide(bench.setup, On::Anything)?;
    pause(SETTLING);
    let resident = |server: &Server| Ok::<_, anyhow::Error>(server.process().resident()? as f64);
    let ours = resident(&farcall)?;
    report.check(Absolute {
        id: "G6",
        what: "idle RSS, job store open",
        beside: format!(
            "rmcp {}, guide {}",
            Unit::Mebibytes.show(resident(&rmcp)?),
            Unit::Mebibytes.show(resident(&guide)?)
        ),
        ours,
        result: ours,
        unit: Unit::Mebibytes,
        floor: Bound::AtMost(f64::from(25 << 20)),
        goal: Bound::AtMost(f64::from(10 << 20)),
    });

    // Long enough for everything that happens every few seconds to happen.
    let window = Duration::from_secs(bench.options.by_length(3, 12, 60));
    let spent = |server: &Server| server.process().exact_processor_time();
    let before = [spent(&farcall)?, spent(&rmcp)?, spent(&guide)?];
    let begun = Instant::now();
    pause(window);
    let elapsed = begun.elapsed();
    let after = [spent(&farcall)?, spent(&rmcp)?, spent(&guide)?];
    let share = |number: usize| {
        after[number].saturating_sub(before[number]).as_secs_f64() / elapsed.as_secs_f64()
    };
    report.check(Absolute {
        id: "G11",
        what: &format!("idle CPU, of one core, over {} s", window.as_secs()),
        beside: format!(
            "rmcp {}, guide {}",
            Unit::FineShare.show(share(1)),
            Unit::FineShare.show(share(2))
        ),
        ours: share(0),
        result: share(0),
        unit: Unit::FineShare,
        floor: Bound::AtMost(0.005),
        goal: Bound::AtMost(0.001),
    });
    Ok(())
}

fn measure_starts(bench: &Bench, report: &mut Report) -> Result<()> {
    bench.machine.wait_for_quiet()?;
    let kept = tempfile::tempdir()?;
    let start = |data: Option<&Path>| servers::example(bench.setup, On::Anything, data);
    // The store of the kept folder is made here.
    drop(start(Some(kept.path()))?);
    let rmcp = starts(STARTS, || servers::plain_rmcp(bench.setup, On::Anything))?;
    let guide = starts(3, || servers::guide(bench.setup, On::Anything))?;
    let again = starts(STARTS, || start(Some(kept.path())))?;
    let first = starts(STARTS, || start(None))?;
    for (what, ours) in [
        ("start to the first /healthz", again),
        ("the same, with an empty data folder", first),
    ] {
        report.check(Absolute {
            id: "G6c",
            what,
            beside: format!(
                "rmcp {}, guide {}",
                Unit::Milliseconds.show(rmcp),
                Unit::Milliseconds.show(guide)
            ),
            ours,
            result: ours,
            unit: Unit::Milliseconds,
            floor: Bound::AtMost(60.0),
            goal: Bound::AtMost(15.0),
        });
    }
    Ok(())
}

/// The median time of several starts, in milliseconds.
fn starts(number: usize, start: impl Fn() -> Result<Server>) -> Result<f64> {
    let times: Result<Vec<_>> = (0..number)
        .map(|_| Ok(start()?.started_after.as_secs_f64() * 1e3))
        .collect();
    Ok(median(times?.into_iter()))
}
