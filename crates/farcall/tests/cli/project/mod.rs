//! The verbs about a `farcall.toml`, in folders as people have them.

mod check;
mod init;
mod schema;
mod serve;

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::harness::{Ended, farcall};

/// A folder with these files.
fn folder<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// `farcall` with these arguments, in a folder.
fn typed(folder: &Path, arguments: &[&str]) -> Ended {
    farcall(arguments).within(folder).ended()
}
