//! A program that is a tool, beside the same program as anybody starts it.

use std::{
    io::Read,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};

use super::Bench;
use crate::{
    load::{Expected, Measured},
    mcp,
    report::{Absolute, Bound, Report, Unit},
    requests,
    rounds::{Contestant, median, rounds},
    servers::{
        self, On,
        wrapped::{PROGRAM, SAID},
    },
};

/// How often the program is started directly, and how often before that counts.
const STARTED: usize = 500;
const WARM_UP: usize = 50;

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let farcall = servers::wrapped::farcall(bench.setup, On::Core(bench.machine))?;
    let before = directly()?;
    let contestant = Contestant {
        name: "farcall",
        server: &farcall,
        requests: vec![requests::older_call("say", "{}", None)],
        expected: Expected::Body(mcp::judge_program),
    };
    let series = rounds(
        &[contestant],
        bench.options.brisk(),
        bench.options,
        bench.machine,
    )?;
    report.details("call of a wrapped program, c = 1", &series);
    let [ours] = series.as_slice() else {
        anyhow::bail!("a contestant is lost");
    };
    let through = ours.median(Measured::p50);
    let direct = f64::midpoint(before, directly()?);
    report.check(Absolute {
        id: "G14",
        what: "p50 of a call of a wrapped program, less its bare start",
        beside: format!("started directly {}", Unit::Microseconds.show(direct)),
        ours: through,
        result: through - direct,
        unit: Unit::Microseconds,
        floor: Bound::AtMost(10_000.0),
        goal: Bound::AtMost(3_000.0),
    });
    Ok(())
}

/// The median time from the start of the program to the first byte that it writes, in microseconds.
fn directly() -> Result<f64> {
    let mut times = Vec::with_capacity(STARTED);
    for number in 0..WARM_UP + STARTED {
        let begun = Instant::now();
        let mut child = Command::new(PROGRAM)
            .arg(SAID)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut stdout = child.stdout.take().context("a child without an output")?;
        let mut first = [0];
        stdout.read_exact(&mut first)?;
        let elapsed = begun.elapsed();
        ensure!(child.wait()?.success(), "`{PROGRAM}` failed");
        if number >= WARM_UP {
            times.push(elapsed.as_secs_f64() * 1e6);
        }
    }
    Ok(median(times.into_iter()))
}
