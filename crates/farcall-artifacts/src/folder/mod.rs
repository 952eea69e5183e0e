//! Artifacts in a folder. Folders are capabilities: a handle and one name at a time, never
//! following a link.

pub(crate) mod body;
mod buffer;
mod check;
pub(crate) mod pieces;
pub(crate) mod read;
mod sweep;
pub(crate) mod write;

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::Path,
    sync::{Arc, atomic::AtomicU64},
};

use cap_std::fs::{Dir, DirBuilder};
use farcall_core::id::JobId;
use rustix::fs::{Mode, OFlags};

use self::buffer::Buffers;
use crate::{error::ArtifactError, open_top};

/// A folder of artifacts; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Folder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: Dir,
    buffers: Buffers,
    /// Tells this process from others that have the folder.
    instance: u64,
    checks: AtomicU64,
}

impl Folder {
    /// Opens the folder at `path`, created where missing, for this user only.
    pub(crate) fn open(path: &Path) -> Result<Self, ArtifactError> {
        Self::of(open_top(path)?)
            .map_err(|error| ArtifactError::io("open the folder", path.display(), error))
    }

    /// Opens the folder at `path`, which is there.
    pub(crate) fn open_there(path: &Path) -> io::Result<Self> {
        let root = Dir::from_std_file(fs::File::open(path)?);
        // Opened for reading, everything else would be opened as well.
        if root.dir_metadata()?.is_dir() {
            Self::of(root)
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    fn of(root: Dir) -> io::Result<Self> {
        let mut instance = [0; 8];
        getrandom::fill(&mut instance)?;
        Ok(Self(Arc::new(Inner {
            root,
            instance: u64::from_ne_bytes(instance),
            buffers: Buffers::default(),
            checks: AtomicU64::new(0),
        })))
    }

    pub(crate) fn root(&self) -> &Dir {
        &self.0.root
    }

    /// Removes every file of a job; fine where there is none.
    pub(crate) fn remove(&self, job: JobId) -> Result<(), ArtifactError> {
        let name = job.to_string();
        match self.0.root.remove_dir_all(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ArtifactError::io(
                "remove the files of the job",
                &name,
                error,
            )),
            _ => Ok(()),
        }
    }
}

/// Creates `path` and its parents where missing, for this user only.
pub(crate) fn create_all(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

/// Opens the folder `name` of `parent`, created where missing; a link is refused.
pub(crate) fn create(parent: &Dir, name: &str) -> io::Result<Dir> {
    let mut builder = DirBuilder::new();
    cap_std::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match parent.create_dir_with(name, &builder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => open(parent, name),
    }
}

/// Opens the folder `name` of `parent`; a link is refused with `ENOTDIR` or `ELOOP`.
pub(crate) fn open(parent: &Dir, name: &str) -> io::Result<Dir> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(Dir::from(rustix::fs::openat(
        parent,
        name,
        flags,
        Mode::empty(),
    )?))
}

/// Makes the names in `folder` survive a loss of power.
pub(crate) fn sync(folder: &Dir) -> io::Result<()> {
    Ok(rustix::fs::fsync(folder)?)
}
