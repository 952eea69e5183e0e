//! The program behind a command: found when the file is read, so that nothing is looked for, and
//! nothing else found, when a caller is waiting.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use toml::Spanned;

use super::Reading;
use crate::file::{Element, Piece, nearest::nearest};

/// Where a program is looked for where `PATH` is not set.
const USUAL: &str = "/usr/local/bin:/usr/bin:/bin";

/// The absolute path of the program that the file calls `name`.
pub(super) fn find(reading: &Reading<'_>, name: &Spanned<&str>) -> Option<PathBuf> {
    let (written, at) = (*name.get_ref(), name.span());
    if written.is_empty() || written.contains('\0') {
        reading.fault(&at, "the program has no name", "name it, or write its path");
        return None;
    }
    let shown = written.escape_debug();
    if written.contains('/') {
        let path = reading.resolve(written);
        if is_executable(&path) {
            return Some(path);
        }
        let (reason, hint) = if path.is_dir() {
            ("is a folder", "write the path of the program in it")
        } else if path.exists() {
            (
                "cannot be executed",
                "make it a program with chmod +x, or name its interpreter first",
            )
        } else {
            (
                "is not there",
                "a path begins at the folder of the file; see that it is right",
            )
        };
        reading.fault(&at, format!("the program `{shown}` {reason}"), hint);
        return None;
    }
    let path = reading.source.named("PATH").unwrap_or(USUAL);
    let folders: Vec<_> = std::env::split_paths(path)
        // What a relative folder holds depends on where the server was started.
        .filter(|folder| folder.is_absolute())
        .collect();
    let found = folders
        .iter()
        .map(|folder| folder.join(written))
        .find(|path| is_executable(path));
    if found.is_none() {
        let hint = if reading.resolve(written).is_file() {
            format!("there is one in the folder of the file: write ./{written}")
        } else if let Some((first, _)) = written.split_once(char::is_whitespace) {
            format!("each argument is an element of its own: [\"{first}\", …]")
        } else {
            absent(written, &folders)
        };
        reading.fault(&at, format!("there is no program `{shown}` in PATH"), hint);
    }
    found
}

/// What to do about a program that is nowhere.
fn absent(name: &str, folders: &[PathBuf]) -> String {
    const OFTEN: [&str; 12] = [
        "bash", "ffmpeg", "git", "java", "julia", "node", "npx", "perl", "python3", "ruby",
        "Rscript", "uv",
    ];
    let is_there = |name: &&str| {
        folders
            .iter()
            .any(|folder| is_executable(&folder.join(name)))
    };
    match nearest(name, OFTEN.into_iter().filter(is_there)) {
        Some(other) => format!("did you mean `{other}`?"),
        None => "install it, or write its path".to_owned(),
    }
}

/// Whether this user can execute a file.
fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Makes the script that an interpreter is to run an absolute path: the program runs in a folder of its
/// own, where a path that begins at the folder of the file leads nowhere.
///
/// It is the first argument that is the name of a file there, before anything that callers say. A
/// script that an interpreter is given and that is not there is a fault.
pub(super) fn find_script(
    reading: &Reading<'_>,
    program: &str,
    elements: &mut [(Element, Spanned<&str>)],
) {
    let literal = |element: &Element| match &element.pieces[..] {
        [Piece::Text(text)] => Some(text.clone()),
        _ => None,
    };
    for (element, at) in elements.iter_mut() {
        let Some(text) = literal(element) else { return };
        if text.starts_with('-') || text.is_empty() || text.contains('\0') {
            continue;
        }
        let path = reading.resolve(&text);
        if path.is_file() {
            element.pieces = vec![Piece::Text(path.to_string_lossy().into_owned())];
            return;
        }
        if is_script_of(program, &text) && !path.exists() {
            reading.fault(
                &at.span(),
                format!("the script `{}` is not there", text.escape_debug()),
                "a path begins at the folder of the file; see that it is right",
            );
            return;
        }
    }
}

/// Whether `text` looks like a script of this interpreter.
fn is_script_of(program: &str, text: &str) -> bool {
    const SCRIPTS: &[(&str, &[&str])] = &[
        ("bash", &["sh", "bash"]),
        ("bun", &["js", "ts", "mjs"]),
        ("deno", &["js", "ts", "mjs"]),
        ("java", &["jar"]),
        ("julia", &["jl"]),
        ("lua", &["lua"]),
        ("node", &["js", "mjs", "cjs", "ts"]),
        ("perl", &["pl"]),
        ("php", &["php"]),
        ("python", &["py", "pyz"]),
        ("Rscript", &["R", "r"]),
        ("ruby", &["rb"]),
        ("sh", &["sh"]),
    ];
    let extension = Path::new(text).extension().map(OsStr::as_bytes);
    SCRIPTS.iter().any(|(interpreter, extensions)| {
        // `python3` and `python3.13` are the same interpreter.
        let bare = program.trim_end_matches(|sign: char| sign.is_ascii_digit() || sign == '.');
        bare == *interpreter
            && extensions
                .iter()
                .any(|known| extension == Some(known.as_bytes()))
    })
}
