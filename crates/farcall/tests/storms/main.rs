//! Hundreds of kills, disconnects and cancels at random moments, while programs with families run:
//! after each, no process is left that should not be. And thousands of clients that mean no good.
//!
//! Each story prints its seed; `FARCALL_SEED` repeats one, and `FARCALL_STORMS` multiplies their length.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cancels;
mod census;
mod chance;
mod disconnects;
mod edge;
mod flood;
#[expect(
    dead_code,
    unused_imports,
    reason = "it is that of `tests/wrap`, where all of it is used"
)]
#[path = "../wrap/harness/mod.rs"]
mod harness;
mod honest;
mod kills;
mod mounted;
mod refusals;

use census::Census;
use harness::Project;

/// A tool and a job, each of which is a family.
const TOML: &str = r#"
[tool.family]
description = "Have a family."
command = ["sh", "family.sh", "{how}", "{more}"]
grace = "100ms"
env = { CENSUS = "${CENSUS}", OUT = "${OUT}" }
writable = ["OUT"]
params.how = { type = "string", enum = ["stay", "go"], description = "Whether it stays." }
params.more = { type = "string", description = "What it says, or how long it takes." }

[job.kin]
description = "Have a family."
command = ["sh", "family.sh", "{how}", "{more}"]
grace = "100ms"
env = { CENSUS = "${CENSUS}", OUT = "${OUT}" }
writable = ["OUT"]
params.how = { type = "string", enum = ["stay", "go"], description = "Whether it stays." }
params.more = { type = "string", description = "What it says, or how long it takes." }
"#;

/// A project whose processes are counted.
fn counted() -> (Project, Census, tempfile::TempDir) {
    counted_of(TOML)
}

/// The same of another file.
fn counted_of(toml: &str) -> (Project, Census, tempfile::TempDir) {
    let census = Census::new();
    let out = tempfile::tempdir().unwrap();
    let place = out.path().to_str().unwrap();
    let toml = toml.replace("\"OUT\"", &format!("{place:?}"));
    let mut project = Project::with_programs("tests/storms/programs", &toml);
    project.binary = census.binary();
    let project = project
        .with("CENSUS", census.mark())
        .with("OUT", place)
        .with("FARCALL_CONCURRENCY", "8")
        .with("FARCALL_LOG", "warn");
    (project, census, out)
}
