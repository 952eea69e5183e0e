//! Copies artifacts from one place into another, and holds each against its checksum on the way.

use std::{
    io::{self, Read},
    path::Path,
};

use farcall_core::artifact::Artifact;
use url::Url;

use crate::{
    ArtifactError, Artifacts, Place, folder::Folder, objects, objects::Objects, read::parse,
};

/// Where artifacts are that somebody else keeps: they are read, and nothing is made or removed.
#[derive(Debug)]
pub struct Originals(Place);

impl Originals {
    /// The artifacts in the data folder `data`.
    ///
    /// # Errors
    /// [`Io`](ArtifactError::Io) where there is no folder of them, or it cannot be opened.
    pub fn open(data: &Path) -> Result<Self, ArtifactError> {
        Self::in_folder(&data.join("artifacts"))
    }

    /// The artifacts at the place that `url` names, as [`Artifacts::open_url`] reads it.
    ///
    /// # Errors
    /// [`BadUrl`](ArtifactError::BadUrl), or as [`open`](Self::open).
    pub fn open_url(
        url: &Url,
        options: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ArtifactError> {
        if url.scheme() != "file" {
            return Ok(Self(Place::Objects(Objects::open(url, options)?)));
        }
        let path = url.to_file_path().map_err(|()| ArtifactError::BadUrl {
            url: objects::shown(url),
            reason: "it names no folder of this machine".to_owned(),
        })?;
        Self::in_folder(&path)
    }

    fn in_folder(path: &Path) -> Result<Self, ArtifactError> {
        let folder = Folder::open_there(path);
        let folder =
            folder.map_err(|error| ArtifactError::io("open the folder", path.display(), error))?;
        Ok(Self(Place::Folder(folder)))
    }

    /// Copies the file that `artifact` describes to the same location in `to`, a folder; `going_on`
    /// hears how many bytes were read since the last time, and may have it stop there with an error.
    /// All of it is on the disk then, or nothing is there. Waits for the disk or the network.
    ///
    /// # Errors
    /// [`NotFound`](ArtifactError::NotFound), [`BadLocation`](ArtifactError::BadLocation),
    /// [`WrongSize`](ArtifactError::WrongSize) and [`OtherBytes`](ArtifactError::OtherBytes) where
    /// the file is not what was recorded, or what the system or the store says.
    pub fn copy(
        &self,
        artifact: &Artifact,
        to: &Artifacts,
        going_on: impl FnMut(usize) -> io::Result<()>,
    ) -> Result<(), ArtifactError> {
        let location = parse(artifact)?;
        let Place::Folder(to) = &to.0.place else {
            return Err(ArtifactError::bad_location(
                artifact,
                "it is copied into folders only",
            ));
        };
        let bytes = match &self.0 {
            Place::Folder(folder) => Box::new(folder.open_blocking(&location, artifact)?),
            Place::Objects(objects) => objects.open_blocking(&location, artifact)?,
        };
        to.write(location, artifact, &mut Counted { bytes, going_on })
    }
}

/// Bytes, and who hears of them.
struct Counted<F> {
    bytes: Box<dyn Read + Send>,
    going_on: F,
}

impl<F: FnMut(usize) -> io::Result<()>> Read for Counted<F> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let length = self.bytes.read(room)?;
        (self.going_on)(length)?;
        Ok(length)
    }
}
