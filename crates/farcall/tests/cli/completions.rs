//! `farcall completions`, as the shells read it that this machine has.

use std::{fs, io::ErrorKind, process::Command};

use crate::harness::farcall;

/// The shells of the guide, and how the line begins by which each knows what is completed.
const SHELLS: [(&str, &str); 3] = [
    ("bash", "_farcall() {"),
    ("fish", "complete -c farcall "),
    ("zsh", "#compdef farcall"),
];

#[test]
fn each_shell_completes_the_program_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, line) in SHELLS {
        let ended = farcall(["completions", shell]).ended();
        assert_eq!((ended.exit, ended.stderr.as_str()), (0, ""), "{shell}");
        let script = &ended.stdout;
        assert!(script.lines().any(|own| own.starts_with(line)), "{script}");
        let file = folder.path().join(shell);
        fs::write(&file, script).unwrap();
        match Command::new(shell).arg("-n").arg(&file).output() {
            Ok(read) => assert!(read.status.success(), "{shell}: {read:?}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{shell}"),
        }
    }
}
