//! `add`, by a single connection.

use anyhow::Result;

use super::Bench;
use crate::{
    load::{Expected, Measured},
    mcp,
    report::{Bound, Comparison, Report, Unit},
    requests,
    rounds::{Contestant, rounds},
    servers::{self, On},
};

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let on = On::Core(bench.machine);
    let bare = servers::bare_axum(bench.setup, on, b"")?;
    let rmcp = servers::plain_rmcp(bench.setup, on)?;
    let farcall = servers::example(bench.setup, on, None)?;
    let contestants = [
        ("bare axum", &bare, requests::add()),
        ("farcall", &farcall, requests::add()),
        ("farcall, event stream", &farcall, requests::add_as_stream()),
        // Only to see what of the difference is the SDK's.
        ("plain rmcp", &rmcp, requests::add()),
    ]
    .map(|(name, server, request)| Contestant {
        name,
        server,
        requests: vec![request],
        expected: Expected::Body(mcp::judge_sum),
    });
    let series = rounds(&contestants, bench.options.brisk(), bench.machine)?;
    report.details("add, c = 1", &series);
    let [bare, farcall, stream, _] = series.as_slice() else {
        anyhow::bail!("a contestant is lost");
    };
    for (what, ours, floor, goal) in [
        ("add p50, c = 1", farcall, 1.4, 1.05),
        ("add p50, c = 1, event stream", stream, 1.5, 1.5),
    ] {
        report.compare(Comparison {
            id: "G2b",
            what,
            peer: "bare axum",
            ratio: ours.over(bare, Measured::p50),
            measured_in: Unit::Microseconds,
            shown_as: Unit::Times,
            floor: Bound::AtMost(floor),
            goal: Bound::AtMost(goal),
        });
    }
    Ok(())
}
