//! What is measured, group by group; the rows are those of the goals.

mod calls;
mod downloads;
mod footprint;
mod growth;
mod health;
mod jobs;
mod latency;
mod listing;
mod lives;
mod memory;
mod mounts;
mod overhead;
mod polls;
mod programs;

use anyhow::{Context, Result};

use crate::{machine::Machine, options::Options, report::Report, setup::Setup};

/// Every row there is.
pub(crate) const NAMES: &[&str] = &[
    "G1", "G1b", "G1c", "G2", "G2b", "G3", "G4", "G5", "G5b", "G5c", "G5d", "G6", "G6c", "G6d",
    "G7", "G8", "G8b", "G9", "G9b", "G9e", "G9f", "G10", "G11", "G12", "G13", "G14",
];

/// Connections at once where a row says nothing else.
const CONNECTIONS: usize = 16;

/// What every group works with.
struct Bench<'a> {
    options: &'a Options,
    setup: &'a Setup,
    machine: &'a Machine,
}

/// Rows that come from the same servers.
struct Group {
    name: &'static str,
    rows: &'static [&'static str],
    measure: fn(&Bench, &mut Report) -> Result<()>,
}

/// Servers that may run on any core: how large they are, and how quickly they start.
const FREE: &[Group] = &[
    Group {
        name: "footprint",
        rows: &["G6", "G6c", "G6d", "G11"],
        measure: footprint::measure,
    },
    Group {
        name: "lives of jobs",
        rows: &["G9", "G9b", "G9e"],
        measure: lives::measure,
    },
];

/// Servers on one core, the load on another.
const PINNED: &[Group] = &[
    Group {
        name: "calls",
        rows: &["G1", "G1b", "G1c", "G2"],
        measure: calls::measure,
    },
    Group {
        name: "latency",
        rows: &["G2b"],
        measure: latency::measure,
    },
    Group {
        name: "tools/list",
        rows: &["G3"],
        measure: listing::measure,
    },
    Group {
        name: "/healthz",
        rows: &["G4"],
        measure: health::measure,
    },
    Group {
        name: "downloads",
        rows: &["G5", "G5b", "G5c"],
        measure: downloads::measure,
    },
    Group {
        name: "memory during downloads",
        rows: &["G5d"],
        measure: memory::measure,
    },
    Group {
        name: "polls",
        rows: &["G8", "G8b"],
        measure: polls::measure,
    },
    Group {
        name: "starts of jobs",
        rows: &["G9f", "G10"],
        measure: jobs::measure,
    },
    Group {
        name: "mounted servers",
        rows: &["G12", "G13"],
        measure: mounts::measure,
    },
    Group {
        name: "wrapped programs",
        rows: &["G14"],
        measure: programs::measure,
    },
    Group {
        name: "growth",
        rows: &["G7"],
        measure: growth::measure,
    },
];

/// Measures what is asked for.
pub(crate) fn measure(
    options: &Options,
    setup: &Setup,
    machine: &Machine,
    report: &mut Report,
) -> Result<()> {
    let bench = Bench {
        options,
        setup,
        machine,
    };
    run(FREE, &bench, report)?;
    machine.pin_generator()?;
    run(PINNED, &bench, report)
}

fn run(groups: &[Group], bench: &Bench, report: &mut Report) -> Result<()> {
    for group in groups
        .iter()
        .filter(|group| bench.options.wants(group.rows))
    {
        eprintln!("measuring {}", group.name);
        (group.measure)(bench, report).with_context(|| group.name)?;
    }
    Ok(())
}
