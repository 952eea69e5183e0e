//! A script with an obvious interpreter, which becomes a first job.

use std::{ffi::OsStr, fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::{helper, quoted};

/// What runs the scripts of each ending.
const INTERPRETERS: [(&str, &str); 8] = [
    ("R", "Rscript"),
    ("jl", "julia"),
    ("js", "node"),
    ("mjs", "node"),
    ("pl", "perl"),
    ("py", "python3"),
    ("rb", "ruby"),
    ("sh", "bash"),
];

/// Names of scripts that are rather begun with than others.
const FIRST: [&str; 4] = ["main", "run", "app", "cli"];

/// A script, and what runs it.
pub(super) struct Script {
    pub(super) file: String,
    interpreter: &'static str,
}

/// The script of a folder: the one with a name like `main`, else the first by name. One whose
/// interpreter is not there is none.
pub(super) fn find(folder: &Path) -> Option<Script> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    let mut names: Vec<_> = files
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with(['.', '_']) && !is_about_itself(name))
        .filter(|name| name != helper::FILE)
        .collect();
    names.sort_by_key(|name| {
        let stem = Path::new(name)
            .file_stem()
            .and_then(OsStr::to_str)
            .unwrap_or_default();
        let rank = FIRST.iter().position(|first| *first == stem);
        (rank.unwrap_or(FIRST.len()), name.clone())
    });
    names.into_iter().find_map(|file| {
        let extension = Path::new(&file).extension()?.to_str()?;
        let (_, interpreter) = INTERPRETERS.iter().find(|(known, _)| *known == extension)?;
        is_installed(interpreter).then_some(Script { file, interpreter })
    })
}

/// Tests and the files of builds are scripts that nobody means.
fn is_about_itself(name: &str) -> bool {
    let stem = Path::new(name)
        .file_stem()
        .and_then(OsStr::to_str)
        .unwrap_or_default();
    stem.starts_with("test_")
        || stem.ends_with("_test")
        || [".test", ".config"].iter().any(|end| stem.ends_with(end))
        || matches!(stem, "conftest" | "noxfile" | "setup")
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .any(|folder| {
            let metadata = folder.join(program).metadata();
            metadata.is_ok_and(|metadata| {
                metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
            })
        })
}

impl Script {
    pub(super) fn is_python(&self) -> bool {
        self.interpreter == "python3"
    }

    /// A job that runs it.
    pub(super) fn job(&self) -> String {
        let stem = Path::new(&self.file)
            .file_stem()
            .and_then(OsStr::to_str)
            .unwrap_or_default();
        let mut name: String = stem
            .chars()
            .map(|sign| {
                if sign.is_ascii_alphanumeric() {
                    sign
                } else {
                    '_'
                }
            })
            .take(40)
            .collect();
        name.make_ascii_lowercase();
        let (interpreter, file) = (quoted(self.interpreter), quoted(&self.file));
        let description = quoted(&format!("Run {}.", self.file));
        let tells = if self.is_python() {
            "`farcall.stage(2)` in the program says where it is"
        } else {
            "the program tells through $FARCALL_EVENTS where it is"
        };
        format!(
            "# A job takes minutes or hours: it is started, polled, survives restarts, and leaves files. No shell is
# used: {{steps}} is one argument, whatever a caller says. It runs in a folder of its own.
[job.{name}]
description = {description}   # say what it does and when to use it: agents choose by this
command = [{interpreter}, {file}]   # …, \"--steps\", \"{{steps}}\"]
# params.steps = {{ type = \"integer\", minimum = 1, maximum = 1000, default = 10, description = \"Steps to take.\" }}
# stages = [\"preparing\", \"working\", \"writing\"]   # {tells}
# artifacts = [\"*.png\"]     # files that it leaves in its folder, for the caller
timeout = \"1h\"
# slots = {{ gpu = 1 }}       # what it needs alone
"
        )
    }
}
