//! Parsers that are nobody's business but this crate's, for the targets of `fuzz`.

use std::path::{Path, PathBuf};

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

/// Reads a text as a duration and as a number of bytes.
pub fn units(text: &str) {
    let _ = (units::duration(text), units::bytes(text));
}
