//! What many calls and many jobs leave behind in the process.

use std::time::Duration;

use anyhow::Result;

use super::{Bench, CONNECTIONS};
use crate::{
    load::{Expected, Judge, Load, Until, Watch},
    mcp,
    process::{Process, pause},
    report::{Absolute, Bound, Report, Unit, thousands},
    requests,
    servers::{self, On, Server},
};

/// Flat: less than this between the first tenth and the end. The allocator's own ups and downs
/// are of this size.
const FLAT: f64 = (2 << 20) as f64;

/// A job's file.
const FILE: u64 = 1_000;

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let on = On::Core(bench.machine);
    let calls = bench.options.by_length(20_000, 1_000_000, 1_000_000);
    let server = servers::example(bench.setup, on, None)?;
    let add = Repeated {
        server: &server,
        watch: Watch {
            server: server.process(),
            machine: bench.machine,
        },
        request: requests::add(),
        judge: mcp::judge_sum,
        // Answered is done.
        wait: || Ok(()),
    };
    show(
        &format!("{} calls", thousands(calls)),
        &add.grown_by(calls)?,
        report,
    );
    drop(server);

    let jobs = bench.options.by_length(100, 10_000, 10_000);
    let server = servers::big_files(bench.setup, on, None)?;
    let address = server.address;
    let job = Repeated {
        server: &server,
        watch: Watch {
            server: server.process(),
            machine: bench.machine,
        },
        request: mcp::start_file(FILE),
        judge: mcp::judge_started,
        // Jobs are taken in the order they came, so the last one ends last.
        wait: || mcp::write_file(address, FILE).map(|_| ()),
    };
    show(
        &format!("{} jobs", thousands(jobs)),
        &job.grown_by(jobs)?,
        report,
    );
    Ok(())
}

/// A request that is sent many times.
struct Repeated<'a, W> {
    server: &'a Server,
    watch: Watch<'a>,
    request: Vec<u8>,
    judge: Judge,
    /// Returns when everything that was asked for is over.
    wait: W,
}

/// What a process holds on to.
#[derive(Clone, Copy)]
struct Held {
    resident: u64,
    files: usize,
    children: usize,
}

struct Growth {
    before: Held,
    after: Held,
}

impl<W: Fn() -> Result<()>> Repeated<'_, W> {
    fn grown_by(&self, times: u64) -> Result<Growth> {
        self.send(times / 10)?;
        let before = Held::by(self.server.process())?;
        self.send(times - times / 10)?;
        Ok(Growth {
            before,
            after: Held::by(self.server.process())?,
        })
    }

    fn send(&self, times: u64) -> Result<()> {
        let load = Load {
            address: self.server.address,
            watch: self.watch,
            requests: &vec![self.request.clone(); CONNECTIONS],
            expected: Expected::Body(self.judge),
            warm_up: Duration::ZERO,
            until: Until::Answers(times),
        };
        load.run()?;
        (self.wait)()
    }
}

impl Held {
    fn by(process: Process) -> Result<Self> {
        // Connections that were closed here are soon closed there.
        pause(Duration::from_secs(1));
        Ok(Self {
            resident: process.resident()?,
            files: process.open_files()?,
            children: process.children()?.len(),
        })
    }
}

fn show(what: &str, growth: &Growth, report: &mut Report) {
    let Growth { before, after } = growth;
    report.check(Absolute {
        id: "G7",
        what: &format!("RSS growth, {what}"),
        beside: format!(
            "{} after a tenth",
            Unit::Mebibytes.show(before.resident as f64)
        ),
        ours: after.resident as f64,
        result: after.resident.saturating_sub(before.resident) as f64,
        unit: Unit::Mebibytes,
        floor: Bound::AtMost(FLAT),
        goal: Bound::AtMost(FLAT),
    });
    report.check(Absolute {
        id: "G7",
        what: &format!("more open files, {what}"),
        beside: format!("{} after a tenth", before.files),
        ours: after.files as f64,
        result: after.files.saturating_sub(before.files) as f64,
        unit: Unit::Count,
        floor: Bound::AtMost(0.0),
        goal: Bound::AtMost(0.0),
    });
    report.check(Absolute {
        id: "G7",
        what: &format!("child processes, {what}"),
        beside: format!("{} after a tenth", before.children),
        ours: after.children as f64,
        result: after.children as f64,
        unit: Unit::Count,
        floor: Bound::AtMost(0.0),
        goal: Bound::AtMost(0.0),
    });
}
