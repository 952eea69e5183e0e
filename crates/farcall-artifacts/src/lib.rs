//! The bytes of the files that jobs leave.
//!
//! An artifact is written to a `.part` file, made durable, renamed and made durable
//! again; only then is it described to anyone, so a reader finds all of it or nothing.
//! Where it lies tells who wrote it: `artifacts/<job>/<epoch>-<name>` under the data
//! folder, so that a worker that lost its claim cannot replace what its successor wrote.
//!
//! The way of the bytes: [`Artifacts::create`] hands a sink to the job, the sink's
//! `finish` returns the row to record, [`Artifacts::read`] opens what a row describes,
//! and [`ArtifactFile::body`] sends it. [`Artifacts::sweep`] removes at start what a
//! crash left between these steps.
//!
//! A local folder is the only place so far; [`Artifacts`] hides that from its users.

mod body;
mod buffer;
mod check;
mod error;
mod folder;
mod location;
mod read;
mod sweep;
mod work;
mod write;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
};

use cap_std::fs::Dir;

use crate::buffer::Buffers;
pub use crate::{
    body::ArtifactBody, error::ArtifactError, read::ArtifactFile, sweep::Swept, write::CRASH_POINTS,
};

/// Where artifacts are kept, and the work folders of jobs beside them; cheap to clone.
///
/// One process owns the data folder at a time; the store's lock sees to that.
#[derive(Clone, Debug)]
pub struct Artifacts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    artifacts: Dir,
    work: Dir,
    work_path: PathBuf,
    buffers: Buffers,
    checks: AtomicU64,
}

impl Artifacts {
    /// Opens `artifacts/` and `work/` in the folder `data`; creates what is missing, for
    /// this user only (0700). Blocks on the disk.
    ///
    /// The two may be links to another disk; nothing below them may be a link.
    ///
    /// # Errors
    /// [`Io`](ArtifactError::Io) or [`StorageFull`](ArtifactError::StorageFull) when a
    /// folder cannot be created or opened.
    pub fn open(data: &Path) -> Result<Self, ArtifactError> {
        let failed = |error| ArtifactError::io("open the data folder", data.display(), error);
        folder::create_all(data).map_err(failed)?;
        // Jobs get their work folder as a path and may run elsewhere, so it is absolute.
        let data = fs::canonicalize(data).map_err(failed)?;
        let artifacts = open_top(&data, "artifacts")?;
        let work = open_top(&data, "work")?;
        fs::File::open(&data)
            .and_then(|data| data.sync_all())
            .map_err(failed)?;
        Ok(Self(Arc::new(Inner {
            artifacts,
            work,
            work_path: data.join("work"),
            buffers: Buffers::default(),
            checks: AtomicU64::new(0),
        })))
    }
}

fn open_top(data: &Path, name: &str) -> Result<Dir, ArtifactError> {
    let path = data.join(name);
    let open = || -> io::Result<Dir> {
        folder::create_all(&path)?;
        Ok(Dir::from_std_file(fs::File::open(&path)?))
    };
    open().map_err(|error| ArtifactError::io("open the folder", path.display(), error))
}
