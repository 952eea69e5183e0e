//! Opens a file for reading, whatever its recorded location says.

use std::{fs::File, ops::Range, sync::Arc};

use cap_std::fs::Dir;
use farcall_core::artifact::Artifact;
use rustix::{
    fs::{FileType, Mode, OFlags},
    io::Errno,
};

use super::{Folder, body::FileBody, buffer::Buffers, pieces::Pieces};
use crate::{error::ArtifactError, location::Location};

/// A pipe that was put in place of a file must not hold up who opens it.
const READING: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

impl Folder {
    pub(crate) async fn read(
        &self,
        location: Location,
        artifact: &Artifact,
    ) -> Result<OpenFile, ArtifactError> {
        let opened = self.open_file(location).await;
        Ok(OpenFile {
            file: Arc::new(verified(opened, artifact)?),
            buffers: self.0.buffers.clone(),
        })
    }

    /// Opens a file on a thread that may wait for the disk.
    pub(crate) fn open_blocking(
        &self,
        location: &Location,
        artifact: &Artifact,
    ) -> Result<File, ArtifactError> {
        verified(open_from_disk(&self.0.root, location), artifact)
    }

    async fn open_file(&self, location: Location) -> Result<File, Errno> {
        if let Some(outcome) = open_from_cache(&self.0.root, &location) {
            return outcome;
        }
        let folder = self.clone();
        tokio::task::spawn_blocking(move || open_from_disk(&folder.0.root, &location))
            .await
            // The task neither panics nor is aborted, so the runtime is going away.
            .unwrap_or(Err(Errno::CANCELED))
    }
}

/// The file that was opened, if it is one and as long as was recorded.
fn verified(opened: Result<File, Errno>, artifact: &Artifact) -> Result<File, ArtifactError> {
    let bad = |reason| ArtifactError::bad_location(artifact, reason);
    let file = opened.map_err(|errno| match errno {
        Errno::NOENT => ArtifactError::NotFound {
            location: artifact.location.clone(),
        },
        Errno::LOOP | Errno::NOTDIR | Errno::XDEV | Errno::NXIO => {
            bad("a link or no file lies there")
        }
        _ => ArtifactError::io("open", &artifact.location, errno),
    })?;
    let status = rustix::fs::fstat(&file)
        .map_err(|errno| ArtifactError::io("look at", &artifact.location, errno))?;
    if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
        return Err(bad("no file lies there"));
    }
    ArtifactError::check_size(artifact, u64::try_from(status.st_size).unwrap_or(0))?;
    Ok(file)
}

/// Opens without waiting for the disk; `None` where the system cannot tell without.
#[cfg(target_os = "linux")]
fn open_from_cache(root: &Dir, location: &Location) -> Option<Result<File, Errno>> {
    use rustix::fs::ResolveFlags;

    let resolve = ResolveFlags::CACHED | ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    match rustix::fs::openat2(root, location.to_string(), READING, Mode::empty(), resolve) {
        // Not in the cache; or a kernel older than 5.12; or a container that forbids it.
        Err(Errno::AGAIN | Errno::INVAL | Errno::NOSYS | Errno::PERM) => None,
        outcome => Some(outcome.map(File::from)),
    }
}

#[cfg(not(target_os = "linux"))]
fn open_from_cache(_: &Dir, _: &Location) -> Option<Result<File, Errno>> {
    None
}

fn open_from_disk(root: &Dir, location: &Location) -> Result<File, Errno> {
    let folder = super::open(root, &location.folder())
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    rustix::fs::openat(&folder, location.file(), READING, Mode::empty()).map(File::from)
}

/// A file that is open: it stays readable even when its name is removed.
#[derive(Clone, Debug)]
pub(crate) struct OpenFile {
    file: Arc<File>,
    buffers: Buffers,
}

impl OpenFile {
    pub(crate) fn body(&self, range: Range<u64>) -> FileBody {
        FileBody::new(Arc::clone(&self.file), range, self.buffers.clone())
    }

    pub(crate) fn pieces(&self, range: Range<u64>) -> Pieces {
        Pieces::new(Arc::clone(&self.file), range, self.buffers.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use cap_std::ambient_authority;
    use farcall_core::id::JobId;

    use super::*;
    use crate::Artifacts;

    // From outside, this way is only taken when the kernel has forgotten the names.
    #[test]
    fn the_slow_way_opens_the_same_and_follows_no_link() {
        let data = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(data.path()).unwrap();
        let [one, two] = [1, 2].map(|number| JobId::from_random([number; 16]));
        let artifact = artifacts
            .create(one, 1, "a", "x/y")
            .unwrap()
            .finish()
            .unwrap();
        let root = Dir::open_ambient_dir(data.path().join("artifacts"), ambient_authority());
        let root = root.unwrap();
        let open = |location: &str| open_from_disk(&root, &Location::parse(location).unwrap());
        assert!(open(&artifact.location).is_ok());

        let link = |name: &str, target: &str| {
            let path = data.path().join("artifacts").join(name);
            std::os::unix::fs::symlink(Path::new(target), path).unwrap();
        };
        link(&two.to_string(), &one.to_string());
        link(&format!("{one}/2-a"), "1-a");
        assert!(matches!(
            open(&format!("{two}/1-a")),
            Err(Errno::NOTDIR | Errno::LOOP)
        ));
        assert!(matches!(open(&format!("{one}/2-a")), Err(Errno::LOOP)));
    }
}
