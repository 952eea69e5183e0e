//! The process dies at each step of a write; crash points need debug assertions.
#![cfg(debug_assertions)]

use std::{collections::HashSet, env, os::unix::process::ExitStatusExt, process::Command};

use farcall_artifacts::CRASH_POINTS;

use super::*;

const DATA: &str = "FARCALL_TEST_DATA";

#[test]
fn a_killed_write_leaves_the_whole_file_or_none() {
    let bytes = pattern(100_000);
    let whole = Store::new().write(job(1), 1, "a", &bytes);
    for point in CRASH_POINTS {
        let store = Store::new();
        let ended = Command::new(env::current_exe().unwrap())
            .args(["--exact", "crash::the_process_that_is_killed", "--ignored"])
            .env("FARCALL_CRASH_AT", point)
            .env(DATA, store.data.path())
            .output()
            .unwrap();
        assert_eq!(ended.status.signal(), Some(9), "`{point}` was not passed");

        let is_there = store.open(&whole);
        let renamed = matches!(
            *point,
            "artifacts.write.renamed" | "artifacts.write.dir_synced"
        );
        if renamed {
            assert!(store.read(&whole, 0..u64::MAX) == bytes, "{point}");
        } else {
            assert!(
                matches!(is_there, Err(ArtifactError::NotFound { .. })),
                "{point}"
            );
        }

        // No row was committed, so the next start has nothing to keep.
        store.sweep(&HashSet::new(), &HashSet::new());
        assert!(tree(&store.artifacts_path()).is_empty(), "{point}");
        assert_eq!(store.write(job(1), 1, "a", &bytes), whole);
    }
}

#[test]
#[ignore = "the test above starts it as a process of its own"]
fn the_process_that_is_killed() {
    let artifacts = Artifacts::open(Path::new(&env::var_os(DATA).unwrap())).unwrap();
    let mut sink = artifacts.create(job(1), 1, "a", "image/gif").unwrap();
    sink.write_all(&pattern(100_000)).unwrap();
    sink.finish().unwrap();
}
