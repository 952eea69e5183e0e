//! Folders as capabilities: a handle and one name at a time, never following a link.

use std::{fs, io, os::unix::fs::DirBuilderExt, path::Path};

use cap_std::fs::{Dir, DirBuilder};
use rustix::fs::{Mode, OFlags};

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
