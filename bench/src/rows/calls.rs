//! `add`, by 16 connections, in both forms of the protocol.

use anyhow::Result;

use super::{Bench, CONNECTIONS};
use crate::{
    load::{Expected, Measured},
    mcp,
    report::{Bound, Comparison, Report, Unit},
    requests,
    rounds::{Contestant, rounds},
    servers::{self, On, Server},
};

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let on = On::Core(bench.machine);
    let bare = servers::bare_axum(bench.setup, on, b"")?;
    let rmcp = servers::plain_rmcp(bench.setup, on)?;
    let guide = servers::guide(bench.setup, on)?;
    let farcall = servers::example(bench.setup, on, None)?;

    let sessions: Result<Vec<_>> = (0..CONNECTIONS)
        .map(|_| mcp::open_session(guide.address))
        .collect();
    let in_sessions = sessions?
        .iter()
        .map(|id| requests::older_add(Some(id)))
        .collect();
    let contestants = [
        calling("bare axum", &bare, requests::add()),
        calling("farcall", &farcall, requests::add()),
        calling("plain rmcp", &rmcp, requests::add()),
        calling("farcall, 2025 form", &farcall, requests::older_add(None)),
        calling("plain rmcp, 2025 form", &rmcp, requests::older_add(None)),
        Contestant {
            name: "guide, 2025 form",
            server: &guide,
            requests: in_sessions,
            expected: Expected::Body(mcp::judge_sum),
        },
    ];
    let series = rounds(&contestants, bench.options.brisk(), bench.machine)?;
    report.details("add, c = 16", &series);
    let [bare, farcall, rmcp, older, older_rmcp, older_guide] = series.as_slice() else {
        anyhow::bail!("a contestant is lost");
    };

    report.compare(Comparison {
        id: "G1",
        what: "add calls, 2026-07-28 form",
        peer: "bare axum",
        ratio: farcall.over(bare, Measured::rate),
        measured_in: Unit::PerSecond,
        shown_as: Unit::Share,
        floor: Bound::AtLeast(0.22),
        goal: Bound::AtLeast(0.75),
    });
    report.compare(Comparison {
        id: "G1b",
        what: "add calls, 2025 form",
        peer: "guide",
        ratio: older.over(older_guide, Measured::rate),
        measured_in: Unit::PerSecond,
        shown_as: Unit::Times,
        floor: Bound::AtLeast(38.0),
        goal: Bound::AtLeast(110.0),
    });
    for (what, ours, theirs) in [
        ("add calls, 2026-07-28 form", farcall, rmcp),
        ("add calls, 2025 form", older, older_rmcp),
    ] {
        report.compare(Comparison {
            id: "G1c",
            what,
            peer: "plain rmcp",
            ratio: ours.over(theirs, Measured::rate),
            measured_in: Unit::PerSecond,
            shown_as: Unit::Times,
            floor: Bound::AtLeast(0.9),
            goal: Bound::AtLeast(3.0),
        });
    }
    report.compare(Comparison {
        id: "G2",
        what: "add p99",
        peer: "bare axum",
        ratio: farcall.over(bare, Measured::p99),
        measured_in: Unit::Microseconds,
        shown_as: Unit::Times,
        floor: Bound::AtMost(5.0),
        goal: Bound::AtMost(1.3),
    });
    Ok(())
}

fn calling<'a>(name: &'static str, server: &'a Server, request: Vec<u8>) -> Contestant<'a> {
    Contestant {
        name,
        server,
        requests: vec![request; CONNECTIONS],
        expected: Expected::Body(mcp::judge_sum),
    }
}
