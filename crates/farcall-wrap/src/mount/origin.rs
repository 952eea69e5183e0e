//! What a server was started from. Where nothing of it has changed, a reload keeps the server.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use farcall_config::file::{Command, Mount, Piece};

use crate::command::Surroundings;

/// All that has a part in how a server runs. What is made of its tools has none.
#[derive(PartialEq, Eq)]
pub(super) struct Origin {
    name: String,
    command: Command,
    pool: u32,
    idle: Option<Duration>,
    restarts: u32,
    folder: PathBuf,
    withheld: BTreeSet<PathBuf>,
    code: Vec<Option<Version>>,
}

/// One state of a file: its device and number, its size in bytes, and when it was written.
#[derive(PartialEq, Eq)]
struct Version([u64; 3], [i64; 2]);

impl Origin {
    pub(super) fn of(mount: &Mount, surroundings: Surroundings<'_>) -> Self {
        Self {
            name: mount.name.clone(),
            command: mount.command.clone(),
            pool: mount.pool,
            idle: mount.idle,
            restarts: mount.restarts,
            folder: surroundings.folder.to_owned(),
            withheld: surroundings.withheld.iter().cloned().collect(),
            code: code(&mount.command, surroundings.folder),
        }
    }
}

/// The program, and the first file that it is told of, which is a script or the like: whoever edits one wants
/// it to run. Files behind that are more likely what it writes to.
fn code(command: &Command, folder: &Path) -> Vec<Option<Version>> {
    let folder = command.working_dir.as_deref().unwrap_or(folder);
    let arguments = command.arguments.iter();
    let mut named = arguments.filter_map(|argument| match argument.pieces.as_slice() {
        [Piece::Text(text)] => Version::of(&folder.join(text)),
        _ => None,
    });
    vec![Version::of(&command.program), named.next()]
}

impl Version {
    fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some(Self(
            [found.dev(), found.ino(), found.len()],
            [found.mtime(), found.mtime_nsec()],
        ))
    }
}
