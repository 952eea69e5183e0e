//! What tests put into debug builds is not in what people run.
//!
//! It needs a release build, which takes minutes, so it has a feature of its own:
//! `cargo build --release --package farcall --bin farcall`, then
//! `cargo test --package farcall-acceptance --features release --test release`.

use std::{env, fs, path::PathBuf};

/// Switches, and bugs to plant.
const SWITCHES: [&str; 8] = [
    "FARCALL_CRASH_AT",
    "FARCALL_CRASH_AFTER",
    "FARCALL_PLANT",
    "FARCALL_TEST_ACCESS_KEYS",
    "no-fence",
    "early-ack",
    "no-ballast",
    "no-watermark",
];

/// Which of the switches and crash points stand in `program`.
fn found(program: &PathBuf) -> Vec<&'static str> {
    let bytes = fs::read(program).unwrap_or_else(|error| {
        panic!(
            "`{}` cannot be read: {error}; build it with `cargo build --release --package farcall --bin farcall`, or name another one in FARCALL_RELEASE_BINARY",
            program.display()
        )
    });
    let text = String::from_utf8_lossy(&bytes);
    all().filter(|name| text.contains(name)).collect()
}

fn all() -> impl Iterator<Item = &'static str> {
    let points = [
        farcall_artifacts::CRASH_POINTS,
        farcall_artifacts::OBJECT_CRASH_POINTS,
        farcall_cli::verbs::backup::CRASH_POINTS,
        farcall_jobs::CRASH_POINTS,
        farcall_store::CRASH_POINTS,
    ];
    SWITCHES.into_iter().chain(points.concat())
}

#[test]
fn a_release_binary_has_no_crash_point_and_no_planted_bug() {
    let built = env::var_os("FARCALL_RELEASE_BINARY").map_or_else(
        || {
            let debug = PathBuf::from(env!("CARGO_BIN_EXE_kills"));
            let target = debug.ancestors().nth(2).expect("a target folder");
            target.join("release/farcall")
        },
        PathBuf::from,
    );
    let left = found(&built);
    assert!(left.is_empty(), "`{}` holds {left:?}", built.display());
}

/// The same look finds all of them where they are.
#[cfg(debug_assertions)]
#[test]
fn a_debug_binary_has_all_of_them() {
    let there = found(&PathBuf::from(env!("CARGO_BIN_EXE_kills")));
    let missing: Vec<_> = all().filter(|name| !there.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
