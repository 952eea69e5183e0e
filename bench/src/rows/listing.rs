//! `tools/list` of 200 tools, beside a server that has the answer ready.

use anyhow::Result;

use super::{Bench, CONNECTIONS};
use crate::{
    client::Client,
    load::{Expected, Measured},
    mcp,
    report::{Bound, Comparison, Report, Unit},
    requests,
    rounds::{Contestant, rounds},
    servers::{self, On},
};

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let on = On::Core(bench.machine);
    let farcall = servers::many_tools(bench.setup, on)?;
    let answer = Client::connect(farcall.address)?.succeed(&requests::tools_list())?;
    let bare = servers::bare_axum(bench.setup, on, answer.body())?;
    let contestants =
        [("bare axum", &bare), ("farcall", &farcall)].map(|(name, server)| Contestant {
            name,
            server,
            requests: vec![requests::tools_list(); CONNECTIONS],
            expected: Expected::Body(mcp::judge_tools),
        });
    let series = rounds(&contestants, bench.options.brisk(), bench.machine)?;
    report.details("tools/list, 200 tools, c = 16", &series);
    let [bare, farcall] = series.as_slice() else {
        anyhow::bail!("a contestant is lost");
    };
    report.compare(Comparison {
        id: "G3",
        what: "tools/list, 200 tools",
        peer: "bare axum, ready string",
        ratio: farcall.over(bare, Measured::rate),
        measured_in: Unit::PerSecond,
        shown_as: Unit::Share,
        floor: Bound::AtLeast(0.12),
        goal: Bound::AtLeast(0.85),
    });
    Ok(())
}
