//! Short runs; `cargo run -p farcall-acceptance --bin kills` makes long ones.

use std::{env, path::PathBuf};

use farcall_acceptance::kills::{Engine, Kind, Options, Report, run, scratch};

/// How many kills there are here; `FARCALL_KILLS` says otherwise.
const KILLS: u32 = 150;

/// The same over PostgreSQL, where a start takes longer.
const KILLS_OVER_POSTGRES: u32 = 30;

/// How many kills a planted bug may survive.
const ENOUGH: u32 = 300;

fn options(engine: Engine, kills: u32, plant: Option<&str>) -> Options {
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

fn planted(engine: Engine, bug: &str) -> Report {
    let report = run(options(engine, ENOUGH, Some(bug)));
    for folder in &report.kept {
        // What a bug left that we planted tells nobody anything.
        std::fs::remove_dir_all(folder).expect("the folder was kept");
    }
    report
}

#[test]
fn kills_at_any_moment_lose_double_tear_and_strand_nothing() {
    let kills = asked_for().unwrap_or(KILLS);
    let report = sound(Engine::Sqlite, kills);
    let missed = report.missed(if kills < 1000 { 1 } else { 5 });
    assert!(missed.is_empty(), "{missed:?} were passed by in:\n{report}");
}

#[test]
fn kills_of_servers_over_postgresql_do_not_either() {
    sound(Engine::Postgres, asked_for().unwrap_or(KILLS_OVER_POSTGRES));
}

#[test]
fn the_harness_catches_a_missing_fence() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let report = planted(engine, "no-fence");
        let found = report.found(Kind::Double) + report.found(Kind::Torn);
        assert!(found > 0, "{engine:?}:\n{report}");
    }
}

#[test]
fn the_harness_catches_an_answer_before_the_commit() {
    let report = planted(Engine::Sqlite, "early-ack");
    assert!(report.found(Kind::Lost) > 0, "{report}");
}

fn asked_for() -> Option<u32> {
    let kills = env::var("FARCALL_KILLS").ok()?;
    Some(kills.parse().expect("`FARCALL_KILLS` is a number"))
}

/// Kills, and sees that nothing was found.
#[expect(clippy::print_stdout, reason = "the report is what a long run is for")]
fn sound(engine: Engine, kills: u32) -> Report {
    let report = run(options(engine, kills, None));
    println!("{report}");
    assert!(report.faults.is_empty(), "{report}");
    assert!(report.kills() >= kills && report.repeated > 0, "{report}");
    report
}
