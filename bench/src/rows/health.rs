//! The probe: routing and layers without MCP.

use anyhow::Result;

use super::{Bench, CONNECTIONS};
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
    let farcall = servers::example(bench.setup, on, None)?;
    let contestants =
        [("bare axum", &bare), ("farcall", &farcall)].map(|(name, server)| Contestant {
            name,
            server,
            requests: vec![requests::get("/healthz"); CONNECTIONS],
            expected: Expected::Body(mcp::judge_health),
        });
    let series = rounds(&contestants, bench.options.brisk(), bench.machine)?;
    report.details("/healthz, c = 16", &series);
    let [bare, farcall] = series.as_slice() else {
        anyhow::bail!("a contestant is lost");
    };
    report.compare(Comparison {
        id: "G4",
        what: "/healthz",
        peer: "bare axum",
        ratio: farcall.over(bare, Measured::rate),
        measured_in: Unit::PerSecond,
        shown_as: Unit::Share,
        floor: Bound::AtLeast(0.90),
        goal: Bound::AtLeast(0.97),
    });
    Ok(())
}
