//! Bubblewrap: namespaces of its own for one program, made by bwrap(1).

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{given::Given, places};
use crate::wire::{Specification, Text};

/// What holds for every program: no network, no sight of other processes, no privileges, and the end
/// together with whoever started it.
const ALWAYS: &[&str] = &[
    "--die-with-parent",
    "--unshare-all",
    "--cap-drop",
    "ALL",
    "--dev",
    "/dev",
    "--proc",
    "/proc",
    "--tmpfs",
    "/tmp",
];

/// Where `bwrap` is.
///
/// # Errors
/// A sentence where it is in none of the folders of `PATH`.
pub(crate) fn find() -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join("bwrap"))
        .find(|program| program.is_absolute() && program.is_file())
        .ok_or_else(|| "there is no `bwrap` in `PATH`; install bubblewrap".to_owned())
}

/// Runs a program that does nothing, in the same namespaces.
///
/// # Errors
/// A sentence where they cannot be made.
pub(super) fn try_out(bubblewrap: &Path) -> Result<(), String> {
    let output = around(bubblewrap, &Given::to_all())
        .args(["--", "true"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{}` does not run: {error}", bubblewrap.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "bubblewrap does not work here: `{}`",
        words.lines().next().unwrap_or_default()
    ))
}

/// The command that runs a program in bubblewrap. Its status is that of the program, where a signal is
/// 128 and its number.
pub(crate) fn command(bubblewrap: &Path, specification: &Specification) -> Command {
    let program = specification.program.as_path();
    let given = Given::by(specification);
    let mut command = around(bubblewrap, &given);
    command
        .arg("--chdir")
        .arg(specification.working_dir.as_os_str())
        .arg("--")
        .arg(program)
        .args(specification.arguments.iter().map(Text::as_os_str));
    command
}

fn around(bubblewrap: &Path, given: &Given) -> Command {
    let mut command = Command::new(bubblewrap);
    command.args(ALWAYS);
    // What is mounted already stays.
    let is_new = |folder: &&Path| *folder != Path::new("/") && *folder != Path::new("/tmp");
    let listed = given.listed.iter().map(PathBuf::as_path).filter(is_new);
    for folder in listed.clone() {
        command.arg("--tmpfs").arg(folder);
    }
    for place in &given.readable {
        command.arg("--ro-bind-try").arg(place).arg(place);
    }
    for device in places::devices() {
        command.arg("--dev-bind-try").arg(&device).arg(&device);
    }
    for (target, link) in &given.links {
        command.arg("--symlink").arg(target).arg(link);
    }
    for place in &given.writable {
        command.arg("--bind-try").arg(place).arg(place);
    }
    // What is written between them would seem to be kept, and would be in memory only.
    for folder in listed.chain([Path::new("/")]) {
        command.arg("--remount-ro").arg(folder);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_run_is_told_with_its_path() {
        let sentence = try_out(Path::new("/nowhere/bwrap")).unwrap_err();
        assert!(
            sentence.starts_with("`/nowhere/bwrap` does not run"),
            "{sentence}"
        );
    }

    #[test]
    fn what_runs_and_fails_is_told_with_its_own_words() {
        let sentence = try_out(Path::new("/bin/ls")).unwrap_err();
        assert!(
            sentence.starts_with("bubblewrap does not work here: `/bin/ls"),
            "{sentence}"
        );
    }
}
