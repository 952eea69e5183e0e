//! `add` of a server of standard input and output, behind whoever puts it online.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};

use super::{Bench, CONNECTIONS, overhead::Overhead};
use crate::{
    load::{Expected, Measured},
    mcp,
    report::{Bound, Comparison, Report, Unit},
    requests,
    rounds::{Contestant, rounds},
    servers::{self, On, Server},
};

/// How often the server is asked directly, and how often before that counts.
const ASKED: usize = 5_000;
const WARM_UP: usize = 500;

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let on = On::Core(bench.machine);
    let farcall = servers::mounted::farcall(bench.setup, on)?;
    if bench.options.wants(&["G12"]) {
        measure_rate(bench, &farcall, report)?;
    }
    if bench.options.wants(&["G13"]) {
        measure_latency(bench, &farcall, report)?;
    }
    Ok(())
}

fn measure_rate(bench: &Bench, farcall: &Server, report: &mut Report) -> Result<()> {
    let on = On::Core(bench.machine);
    let supergateway = servers::mounted::supergateway(bench.setup, on)?;
    let mcp_proxy = servers::mounted::mcp_proxy(bench.setup, on)?;
    let in_sessions = |server: &Server| -> Result<Vec<_>> {
        let open = |_| {
            let session = mcp::open_session(server.address)?;
            Ok(requests::older_add(Some(&session)))
        };
        (0..CONNECTIONS).map(open).collect()
    };
    let contestants = [
        (
            "farcall",
            farcall,
            vec![requests::older_add(None); CONNECTIONS],
        ),
        ("supergateway", &supergateway, in_sessions(&supergateway)?),
        ("mcp-proxy", &mcp_proxy, in_sessions(&mcp_proxy)?),
    ]
    .map(|(name, server, requests)| Contestant {
        name,
        server,
        requests,
        expected: Expected::Body(mcp::judge_sum),
    });
    let series = rounds(&contestants, bench.options.brisk(), bench.machine)?;
    report.details("add of a mounted server, c = 16", &series);
    let [ours, supergateway, mcp_proxy] = series.as_slice() else {
        anyhow::bail!("a contestant is lost");
    };
    for (peer, theirs) in [("supergateway", supergateway), ("mcp-proxy", mcp_proxy)] {
        report.compare(Comparison {
            id: "G12",
            what: "add calls of a mounted server",
            peer,
            ratio: ours.over(theirs, Measured::rate),
            measured_in: Unit::PerSecond,
            shown_as: Unit::Times,
            floor: Bound::AtLeast(3.0),
            goal: Bound::AtLeast(10.0),
        });
    }
    Ok(())
}

fn measure_latency(bench: &Bench, farcall: &Server, report: &mut Report) -> Result<()> {
    let overhead = Overhead {
        id: "G13",
        what: "add p50 of a mounted server, c = 1, less asked directly",
        heading: "add of a mounted server, c = 1",
        farcall,
        request: requests::older_add(None),
        expected: Expected::Body(mcp::judge_sum),
        without: "directly",
        directly: &|| directly(bench),
        floor: Bound::AtMost(1_000.0),
        goal: Bound::AtMost(200.0),
    };
    overhead.measure(bench, report)
}

/// How long answers of the server itself take, over its pipes, in microseconds.
fn directly(bench: &Bench) -> Result<Vec<f64>> {
    const CALL: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":2,"b":3}}}
"#;
    let mut child = Command::new("taskset")
        .arg("-c")
        .arg(bench.machine.server_core.to_string())
        .arg(bench.setup.program("stdio-server"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("a child without an input")?;
    let stdout = child.stdout.take().context("a child without an output")?;
    let mut stdout = BufReader::new(stdout);
    let mut times = Vec::with_capacity(ASKED);
    let mut line = String::new();
    for number in 0..WARM_UP + ASKED {
        line.clear();
        let begun = Instant::now();
        stdin.write_all(CALL)?;
        stdout.read_line(&mut line)?;
        let elapsed = begun.elapsed();
        ensure!(line.contains("\"sum\":5.0"), "2 and 3 are not {line}");
        if number >= WARM_UP {
            times.push(elapsed.as_secs_f64() * 1e6);
        }
    }
    drop(stdin);
    child.wait()?;
    Ok(times)
}
