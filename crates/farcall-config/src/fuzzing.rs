//! Parsers that are nobody's business but this crate's, for the targets of `fuzz`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use farcall_core::rate::Rate;

use crate::{
    Source,
    file::{FileFaults, Project, read_bytes},
    units,
};

/// Reads the bytes of a `farcall.toml` that lies in a folder which does not exist.
///
/// # Errors
/// All that is wrong with it.
pub fn farcall_toml(bytes: &[u8]) -> Result<Project, FileFaults> {
    let (folder, source) = (Path::new("/nowhere"), Source::default());
    match read_bytes(bytes, folder, &source) {
        Ok((project, _)) => Ok(project),
        Err((faults, warnings)) => Err(FileFaults {
            path: PathBuf::from("farcall.toml"),
            faults,
            warnings,
        }),
    }
}

/// A text as a duration.
pub fn duration(text: &str) -> Option<Duration> {
    units::duration(text)
}

/// A text as a number of bytes.
pub fn bytes(text: &str) -> Option<u64> {
    units::bytes(text)
}

/// A text as how often something may happen.
pub fn rate(text: &str) -> Option<Rate> {
    units::rate(text)
}
