//! Short runs; `cargo run -p farcall-acceptance --bin kills` makes long ones.

use std::{env, path::PathBuf};

use farcall_acceptance::kills::{Engine, Kind, Options, Report, run, scratch};

/// How many kills there are here; `FARCALL_KILLS` says otherwise.
const KILLS: u32 = 150;

/// How many kills a planted bug may survive.
const ENOUGH: u32 = 300;

fn options(kills: u32, engine: Engine, plant: Option<&str>) -> Options {
    Options {
        kills,
        // Every run looks elsewhere; the report says where.
        seed: u64::from(std::process::id()),
        rigs: 2,
        engine,
        plant: plant.map(ToOwned::to_owned),
        scratch: scratch(),
        program: PathBuf::from(env!("CARGO_BIN_EXE_kills")),
    }
}

fn planted(bug: &str, engine: Engine) -> Report {
    let report = run(options(ENOUGH, engine, Some(bug)));
    for folder in &report.kept {
        // What a bug left that we planted tells nobody anything.
        std::fs::remove_dir_all(folder).expect("the folder was kept");
    }
    report
}

#[test]
fn kills_at_any_moment_lose_double_tear_and_strand_nothing() {
    let kills = env::var("FARCALL_KILLS").map_or(KILLS, |kills| {
        kills.parse().expect("`FARCALL_KILLS` is a number")
    });
    let report = run(options(kills, Engine::Sqlite, None));
    println!("{report}");
    assert!(report.faults.is_empty(), "{report}");
    assert!(report.kills() >= kills && report.repeated > 0, "{report}");
    let missed = &report.missed;
    assert!(missed.is_empty(), "{missed:?} were passed by in:\n{report}");
}

fn catches_a_missing_fence(engine: Engine) {
    let report = planted("no-fence", engine);
    let found = report.found(Kind::Double) + report.found(Kind::Torn);
    assert!(found > 0, "{report}");
}

fn catches_an_answer_before_the_commit(engine: Engine) {
    let report = planted("early-ack", engine);
    assert!(report.found(Kind::Lost) > 0, "{report}");
}

#[test]
fn the_harness_catches_a_missing_fence() {
    catches_a_missing_fence(Engine::Sqlite);
}

#[test]
fn the_harness_catches_an_answer_before_the_commit() {
    catches_an_answer_before_the_commit(Engine::Sqlite);
}

/// With a server that `peers/install` puts in place.
#[cfg(feature = "peers")]
mod over_postgres {
    use super::*;

    #[test]
    fn the_harness_catches_a_missing_fence() {
        catches_a_missing_fence(Engine::Postgres);
    }

    #[test]
    fn the_harness_catches_an_answer_before_the_commit() {
        catches_an_answer_before_the_commit(Engine::Postgres);
    }
}
