//! The bytes of the files that jobs leave.
//!
//! An artifact is described to anyone only once all of it is kept and was found so: a reader
//! finds the whole file or nothing. Where it lies tells who wrote it: `<job>/<epoch>-<name>`, so
//! that a worker that lost its claim cannot replace what its successor wrote.
//!
//! There are two kinds of places. In a folder a file is written to a `.part`, made durable,
//! renamed and made durable again ([`CRASH_POINTS`]). In a bucket it is one object, put at once
//! where it is small and as a multipart upload where it is not ([`OBJECT_CRASH_POINTS`]).
//! [`Artifacts`] hides which of them it is from its users.
//!
//! The way of the bytes: [`Artifacts::create`] hands a sink to the job, the sink's
//! `finish` returns the row to record, [`Artifacts::read`] opens what a row describes,
//! and [`ArtifactFile::body`] sends it. [`Artifacts::strays`] removes what a crash left between
//! these steps.

mod check;
mod copy;
mod error;
mod folder;
#[doc(hidden)]
pub mod fuzzing;
mod location;
mod objects;
mod read;
mod sign;
mod space;
mod sweep;
mod work;
mod write;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use cap_std::fs::Dir;
use url::Url;

pub use crate::{
    copy::Originals,
    error::ArtifactError,
    folder::{
        pieces::{PIECE, Piece, Pieces},
        write::CRASH_POINTS,
    },
    objects::upload::OBJECT_CRASH_POINTS,
    read::{ArtifactBody, ArtifactFile},
    space::{Granted, Shortage, Space},
    sweep::{Needed, Swept},
};
use crate::{folder::Folder, objects::Objects};

/// Where artifacts are kept, and the work folders of jobs, which are always local; cheap to
/// clone.
#[derive(Clone, Debug)]
pub struct Artifacts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    place: Place,
    work: Dir,
    work_path: PathBuf,
    space: Space,
    work_place: String,
}

/// Two kinds and no trait: both are ours.
#[derive(Debug)]
enum Place {
    Folder(Folder),
    Objects(Objects),
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
        Self::with(data, |data| {
            Folder::open(&data.join("artifacts")).map(Place::Folder)
        })
    }

    /// Opens the place that `url` names, and `work/` in the folder `data` as [`open`](Self::open)
    /// does.
    ///
    /// | URL | place |
    /// | --- | --- |
    /// | `file:///srv/artifacts` | a folder, perhaps on a disk that machines share |
    /// | `s3://bucket/prefix` | S3, or a store that speaks its protocol; feature `s3` |
    /// | `gs://bucket/prefix` | Google Cloud Storage; feature `gcs` |
    /// | `az://container/prefix` | Azure Blob Storage; feature `azure` |
    /// | `memory:` | this process, for tests: gone with it |
    ///
    /// `options` are environment variables; those that begin with `AWS_`, `GOOGLE_` or `AZURE_`
    /// are read as the crate `object_store` defines them, the others and those that it does not
    /// know are passed over. Uploads run on the tokio runtime that this is called in. Nothing is
    /// asked of the store yet, [`check`](Self::check) does that.
    ///
    /// # Errors
    /// [`BadUrl`](ArtifactError::BadUrl), or as [`open`](Self::open).
    pub fn open_url(
        data: &Path,
        url: &Url,
        options: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ArtifactError> {
        if url.scheme() == "file" {
            let path = url.to_file_path().map_err(|()| ArtifactError::BadUrl {
                url: objects::shown(url),
                reason: "it names no folder of this machine".to_owned(),
            })?;
            return Self::with(data, |_| Folder::open(&path).map(Place::Folder));
        }
        let objects = Objects::open(url, options)?;
        Self::with(data, |_| Ok(Place::Objects(objects)))
    }

    fn with(
        data: &Path,
        place: impl FnOnce(&Path) -> Result<Place, ArtifactError>,
    ) -> Result<Self, ArtifactError> {
        let failed = |error| ArtifactError::io("open the data folder", data.display(), error);
        folder::create_all(data).map_err(failed)?;
        // Jobs get their work folder as a path and may run elsewhere, so it is absolute.
        let data = fs::canonicalize(data).map_err(failed)?;
        let place = place(&data)?;
        let work_path = data.join("work");
        let work = open_top(&work_path)?;
        let work_place = work::place(&data)?;
        let data = fs::File::open(&data).map_err(failed)?;
        data.sync_all().map_err(failed)?;
        let mut places = vec![data, file_of(&work).map_err(failed)?];
        if let Place::Folder(folder) = &place {
            places.push(file_of(folder.root()).map_err(failed)?);
        }
        Ok(Self(Arc::new(Inner {
            place,
            work,
            work_path,
            space: Space::of(places),
            work_place,
        })))
    }

    /// The room where jobs write on this machine.
    pub fn space(&self) -> &Space {
        &self.0.space
    }
}

fn open_top(path: &Path) -> Result<Dir, ArtifactError> {
    let open = || -> io::Result<Dir> {
        folder::create_all(path)?;
        Ok(Dir::from_std_file(fs::File::open(path)?))
    };
    open().map_err(|error| ArtifactError::io("open the folder", path.display(), error))
}

/// Another handle of `folder`.
fn file_of(folder: &Dir) -> io::Result<fs::File> {
    folder.try_clone().map(Dir::into_std_file)
}

/// Runs what waits for a disk where it keeps nobody from working.
async fn unblocked<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArtifactError> + Send + 'static,
) -> Result<T, ArtifactError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|lost| {
            Err(ArtifactError::io(
                "finish",
                "the work",
                io::Error::other(lost),
            ))
        })
}
