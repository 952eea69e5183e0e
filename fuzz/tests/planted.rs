//! The bugs that `cargo xtask fuzz --planted` plants.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use farcall_fuzz::TARGETS;

#[test]
fn every_target_has_a_bug_that_can_be_planted() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let planted: BTreeSet<_> = fs::read_dir(folder.join("planted"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected = TARGETS
        .iter()
        .map(|target| format!("{}.patch", target.name));
    assert_eq!(planted, expected.collect());
    for patch in planted {
        let status = Command::new("git")
            .args(["apply", "--check"])
            .arg(folder.join("planted").join(&patch))
            .current_dir(folder.parent().unwrap())
            .status()
            .unwrap();
        assert!(
            status.success(),
            "`{patch}` does not fit the code any more: make the same mistake in the new code, and keep its diff"
        );
    }
}
