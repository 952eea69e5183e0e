//! Resident memory while many clients pull a large file.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context, Result};

use super::{Bench, CONNECTIONS};
use crate::{
    load::{Expected, Load, Until, Watch},
    mcp,
    process::{Process, pause},
    report::{Absolute, Bound, Report, Unit, gibibytes},
    requests,
    servers::{self, On, S3},
};

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    measure_from("disk", None, bench, report)?;
    measure_from("S3", Some(&S3::start()?), bench, report)
}

fn measure_from(
    place: &str,
    bucket: Option<&S3>,
    bench: &Bench,
    report: &mut Report,
) -> Result<()> {
    let length: u64 = bench.options.by_length(256 << 20, 4 << 30, 4 << 30);
    let server = servers::big_files(bench.setup, On::Core(bench.machine), bucket)?;
    let job = mcp::write_file(server.address, length)?;
    let before = server.process().resident()?;
    let load = Load {
        address: server.address,
        watch: Watch {
            server: server.process(),
            machine: bench.machine,
        },
        requests: &vec![requests::get(&format!("/files/{job}")); CONNECTIONS],
        expected: Expected::Length(length),
        warm_up: Duration::ZERO,
        // The 16 downloads that begin together.
        until: Until::Answers(CONNECTIONS as u64),
    };
    let (loaded, peak) = watched(server.process(), || load.run())?;
    loaded?;
    report.check(Absolute {
        id: "G5d",
        what: &format!(
            "RSS growth, 16 clients pull {} from {place}",
            gibibytes(length)
        ),
        beside: format!("{} before", Unit::Mebibytes.show(before as f64)),
        ours: peak as f64,
        result: peak.saturating_sub(before) as f64,
        unit: Unit::Mebibytes,
        floor: Bound::AtMost(f64::from(64 << 20)),
        goal: Bound::AtMost(f64::from(16 << 20)),
    });
    Ok(())
}

/// What `work` comes to, and the largest resident memory of `process` meanwhile.
fn watched<T>(process: Process, work: impl FnOnce() -> T) -> Result<(T, u64)> {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let watcher = threads.spawn(|| {
            let mut peak = 0;
            while !is_over.load(Ordering::Relaxed) {
                peak = peak.max(process.resident()?);
                pause(Duration::from_millis(20));
            }
            Ok(peak)
        });
        let outcome = work();
        is_over.store(true, Ordering::Relaxed);
        let peak: Result<u64> = watcher.join().ok().context("the watcher is gone")?;
        Ok((outcome, peak?))
    })
}
