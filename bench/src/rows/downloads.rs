//! Files that a job left, beside nginx serving the very same files.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};

use super::{Bench, CONNECTIONS};
use crate::{
    client::Client,
    load::{Expected, Measured},
    mcp,
    report::{Bound, Comparison, Report, Unit},
    requests,
    rounds::{Contestant, Series, rounds},
    servers::{self, On, Server},
};

const LARGE: u64 = 256 << 20;
const SMALL: u64 = 64 << 10;

pub(super) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let on = On::Core(bench.machine);
    let farcall = servers::big_files(bench.setup, on, None)?;
    let artifacts = farcall.folder().join("data/artifacts");
    let nginx = servers::nginx(bench.setup, on, &artifacts)?;
    let (large, small) = (File::write(&farcall, LARGE)?, File::write(&farcall, SMALL)?);
    for file in [&large, &small] {
        file.check(&farcall, &nginx)?;
    }

    if bench.options.wants(&["G5", "G5c"]) {
        for connections in [1, 4] {
            let contestants = large.wanted_by(connections, &farcall, &nginx);
            let rhythm = bench.options.broad();
            let series = rounds(&contestants, rhythm, bench.machine)?;
            report.details(&format!("256 MiB, c = {connections}"), &series);
            compare_large(connections, &series, report)?;
        }
    }
    if bench.options.wants(&["G5b"]) {
        let contestants = small.wanted_by(CONNECTIONS, &farcall, &nginx);
        let rhythm = bench.options.brisk();
        let series = rounds(&contestants, rhythm, bench.machine)?;
        report.details("64 KiB, c = 16", &series);
        let [nginx, farcall] = series.as_slice() else {
            anyhow::bail!("a contestant is lost");
        };
        report.compare(Comparison {
            id: "G5b",
            what: "64 KiB downloads",
            peer: "nginx",
            ratio: farcall.over(nginx, Measured::rate),
            measured_in: Unit::PerSecond,
            shown_as: Unit::Share,
            floor: Bound::AtLeast(0.40),
            goal: Bound::AtLeast(0.75),
        });
    }
    Ok(())
}

fn compare_large(connections: usize, series: &[Series], report: &mut Report) -> Result<()> {
    let [nginx, farcall] = series else {
        anyhow::bail!("a contestant is lost");
    };
    report.compare(Comparison {
        id: "G5",
        what: &format!("256 MiB download, c = {connections}"),
        peer: "nginx",
        ratio: farcall.over(nginx, Measured::megabytes),
        measured_in: Unit::MegabytesPerSecond,
        shown_as: Unit::Share,
        floor: Bound::AtLeast(0.75),
        goal: Bound::AtLeast(1.0),
    });
    report.compare(Comparison {
        id: "G5c",
        what: &format!("CPU seconds per GB, c = {connections}"),
        peer: "nginx",
        ratio: farcall.over(nginx, Measured::seconds_per_gigabyte),
        measured_in: Unit::Seconds,
        shown_as: Unit::Times,
        floor: Bound::AtMost(1.5),
        goal: Bound::AtMost(1.0),
    });
    Ok(())
}

/// A file as both servers know it.
struct File {
    length: u64,
    on_disk: PathBuf,
    at_farcall: String,
    at_nginx: String,
}

impl File {
    /// Has a job write it.
    fn write(farcall: &Server, length: u64) -> Result<Self> {
        let job = mcp::write_file(farcall.address, length)?;
        let folder = farcall.folder().join("data/artifacts").join(&job);
        let mut files = fs::read_dir(&folder)?;
        let file = files.next().context("the job left no file")??;
        let name = file.file_name();
        Ok(Self {
            length,
            on_disk: file.path(),
            at_farcall: format!("/files/{job}"),
            at_nginx: format!("/{job}/{}", name.to_string_lossy()),
        })
    }

    /// Both send the bytes that are on disk.
    fn check(&self, farcall: &Server, nginx: &Server) -> Result<()> {
        let bytes = fs::read(&self.on_disk)?;
        for (server, path) in [(farcall, &self.at_farcall), (nginx, &self.at_nginx)] {
            let answer = Client::connect(server.address)?.succeed(&requests::get(path))?;
            ensure!(answer.body() == bytes, "other bytes came from {path}");
        }
        Ok(())
    }

    fn wanted_by<'a>(
        &self,
        connections: usize,
        farcall: &'a Server,
        nginx: &'a Server,
    ) -> [Contestant<'a>; 2] {
        [
            ("nginx", nginx, &self.at_nginx),
            ("farcall", farcall, &self.at_farcall),
        ]
        .map(|(name, server, path)| Contestant {
            name,
            server,
            requests: vec![requests::get(path); connections],
            expected: Expected::Length(self.length),
        })
    }
}
