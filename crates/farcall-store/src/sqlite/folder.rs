//! The folder of the database: made, judged and locked before SQLite sees it.

use std::{
    fs::{DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::StoreError;

/// Keeps every other process out of the folder, until it is dropped.
#[derive(Debug)]
#[expect(dead_code, reason = "the file is held open, and so is its lock")]
pub(super) struct FolderLock(File);

/// Makes the folder where it is missing, and takes it for this process. Returns its full path.
pub(super) fn prepare(folder: &Path) -> Result<(PathBuf, FolderLock), StoreError> {
    let unusable = |source: io::Error| StoreError::Folder {
        folder: folder.to_owned(),
        source,
    };
    create(folder).map_err(unusable)?;
    let full = folder.canonicalize().map_err(unusable)?;
    refuse_network_file_system(&full)?;

    let file = open_private(&full.join("lock")).map_err(unusable)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok((full, FolderLock(file))),
        Err(Errno::WOULDBLOCK) => Err(StoreError::Locked {
            folder: folder.to_owned(),
        }),
        Err(error) => Err(unusable(error.into())),
    }
}

/// Makes the database file where it is missing, readable for its owner only; SQLite gives the
/// files beside it the same permissions.
///
/// Only while nobody has the database open: closing any other handle of the file would drop
/// the locks that SQLite holds on it.
pub(super) fn create_database(file: &Path) -> io::Result<()> {
    open_private(file).map(drop)
}

fn open_private(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(file)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

fn create(folder: &Path) -> io::Result<()> {
    let missing: Vec<_> = folder
        .ancestors()
        .filter(|ancestor| !ancestor.as_os_str().is_empty())
        .take_while(|ancestor| !ancestor.exists())
        .collect();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    for made in missing {
        // A folder whose name is not on disk is gone after a power cut, with all that is in it.
        let parent = made
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn refuse_network_file_system(folder: &Path) -> Result<(), StoreError> {
    let found = rustix::fs::statfs(folder).map_err(|error| StoreError::Folder {
        folder: folder.to_owned(),
        source: error.into(),
    })?;
    match network_file_system(i128::from(found.f_type)) {
        Some(kind) => Err(StoreError::NetworkFileSystem {
            folder: folder.to_owned(),
            kind,
        }),
        None => Ok(()),
    }
}

/// Elsewhere the numbers mean other things, and the operator has to know.
#[cfg(not(target_os = "linux"))]
fn refuse_network_file_system(_: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// The network file system that `statfs(2)` means by `magic`, which the C library may have
/// sign-extended; `None` for a local one.
#[cfg(target_os = "linux")]
fn network_file_system(magic: i128) -> Option<&'static str> {
    Some(match magic & 0xffff_ffff {
        0x0102_1997 => "9P",
        0x5346_414f => "AFS",
        0x00c3_6400 => "Ceph",
        0xff53_4d42 => "CIFS",
        0x7375_7245 => "Coda",
        0x6573_5546 => "FUSE",
        0x0116_1970 => "GFS2",
        0x0bd0_0bd0 => "Lustre",
        0x564c => "NCP",
        0x6969 => "NFS",
        0x7461_636f => "OCFS2",
        0x517b | 0xfe53_4d42 => "SMB",
        _ => return None,
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_told_from_local_ones() {
        assert_eq!(network_file_system(0x6969), Some("NFS"));
        assert_eq!(network_file_system(0xff53_4d42), Some("CIFS"));
        // The same number, from a C library that counts in 32 signed bits.
        assert_eq!(network_file_system(-0x00ac_b2be), Some("CIFS"));
        for (local, magic) in [
            ("ext4", 0xef53),
            ("tmpfs", 0x0102_1994),
            ("xfs", 0x5846_5342),
        ] {
            assert_eq!(network_file_system(magic), None, "{local}");
        }
    }
}
