//! A program that is a tool, beside the same program as anybody starts it.

use std::{
    io::Read,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};

use super::{Bench, overhead::Overhead};
use crate::{
    load::Expected,
    mcp,
    report::{Bound, Report},
    requests,
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
    let overhead = Overhead {
        id: "G14",
        what: "p50 of a call of a wrapped program, less its bare start",
        heading: "call of a wrapped program, c = 1",
        farcall: &farcall,
        request: requests::older_call("say", "{}", None),
        expected: Expected::Body(mcp::judge_program),
        without: "started directly",
        directly: &directly,
        floor: Bound::AtMost(10_000.0),
        goal: Bound::AtMost(3_000.0),
    };
    overhead.measure(bench, report)
}

/// How long it takes from the start of the program to the first byte that it writes, in microseconds.
fn directly() -> Result<Vec<f64>> {
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
    Ok(times)
}
