//! The bugs that `cargo xtask fuzz --planted` plants.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

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
    // All at once, as they are planted: two that change the same line are told as well.
    let mut check = Command::new("git")
        .args(["apply", "--check"])
        .current_dir(folder.parent().unwrap())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = check.stdin.take().unwrap();
    for patch in planted {
        let patch = fs::read(folder.join("planted").join(patch)).unwrap();
        input.write_all(&patch).unwrap();
    }
    drop(input);
    assert!(
        check.wait().unwrap().success(),
        "a patch does not fit the code any more: make the same mistake in the new code, and keep its diff"
    );
}
