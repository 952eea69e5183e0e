//! Opens an artifact for reading, whatever its recorded location says.

use std::{
    fmt,
    io::{self, Read},
    ops::Range,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use farcall_core::artifact::Artifact;
use http_body::{Body, Frame, SizeHint};

use crate::{
    Artifacts, Place,
    error::ArtifactError,
    folder::{body::FileBody, pieces::Pieces, read::OpenFile},
    location::Location,
    objects::read::{Object, ObjectBody},
};

impl Artifacts {
    /// Opens the file that `artifact` describes; needs a tokio runtime.
    ///
    /// The location is not trusted: it must be one that this crate could have written,
    /// and neither the file nor its folder may be a link. A bucket is asked for the object's
    /// size, and has ten seconds to answer.
    ///
    /// # Errors
    /// [`NotFound`](ArtifactError::NotFound), [`BadLocation`](ArtifactError::BadLocation),
    /// [`WrongSize`](ArtifactError::WrongSize), [`Store`](ArtifactError::Store), or what the
    /// system says.
    pub async fn read(&self, artifact: &Artifact) -> Result<ArtifactFile, ArtifactError> {
        let location = parse(artifact)?;
        let source = match &self.0.place {
            Place::Folder(folder) => Source::File(folder.read(location, artifact).await?),
            Place::Objects(objects) => Source::Object(objects.read(&location, artifact).await?),
        };
        Ok(ArtifactFile {
            size: artifact.size,
            source,
        })
    }

    /// Opens the file that `artifact` describes for a thread that may wait for the disk or the
    /// network.
    ///
    /// # Errors
    /// As [`read`](Self::read), and reading fails as [`ArtifactBody`] does.
    pub fn open_blocking(
        &self,
        artifact: &Artifact,
    ) -> Result<Box<dyn Read + Send>, ArtifactError> {
        let location = parse(artifact)?;
        match &self.0.place {
            Place::Folder(folder) => Ok(Box::new(folder.open_blocking(&location, artifact)?)),
            Place::Objects(objects) => objects.open_blocking(&location, artifact),
        }
    }
}

pub(crate) fn parse(artifact: &Artifact) -> Result<Location, ArtifactError> {
    Location::parse(&artifact.location)
        .ok_or_else(|| ArtifactError::bad_location(artifact, "it is not `<job>/<epoch>-<name>`"))
}

/// An artifact that is open. In a folder it stays readable even when its name is removed.
#[derive(Clone, Debug)]
pub struct ArtifactFile {
    size: u64,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    File(OpenFile),
    Object(Object),
}

impl ArtifactFile {
    /// Length in bytes, as it was recorded.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes of `range`, counted from 0; what lies past the end is left out.
    pub fn body(&self, range: Range<u64>) -> ArtifactBody {
        let range = self.within(range);
        ArtifactBody(match &self.source {
            Source::File(file) => Bodies::File(file.body(range)),
            Source::Object(object) => Bodies::Object(object.body(range)),
        })
    }

    /// The same in pieces that the kernel can send by itself; `None` where it is no file.
    pub fn pieces(&self, range: Range<u64>) -> Option<Pieces> {
        match &self.source {
            Source::File(file) => Some(file.pieces(self.within(range))),
            Source::Object(_) => None,
        }
    }

    fn within(&self, range: Range<u64>) -> Range<u64> {
        let end = range.end.min(self.size);
        range.start.min(end)..end
    }
}

/// A range of an artifact as an HTTP body of known length; needs a tokio runtime.
///
/// A body that holds a whole object ends with an error in place of its last bytes where they do
/// not have the recorded checksum. Parts of an object cannot be verified, and files of a folder
/// are not: what the disk returns is sent.
///
/// # Errors
/// What the system or the store says, [`io::ErrorKind::UnexpectedEof`] when a file became
/// shorter than it was when it was opened, and [`io::ErrorKind::InvalidData`] for the checksum.
#[derive(Debug)]
pub struct ArtifactBody(Bodies);

enum Bodies {
    File(FileBody),
    Object(ObjectBody),
}

impl fmt::Debug for Bodies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(body) => body.fmt(formatter),
            Self::Object(body) => write!(formatter, "object with {:?} to come", body.size_hint()),
        }
    }
}

impl Body for ArtifactBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.0 {
            Bodies::File(body) => Pin::new(body).poll_frame(context),
            Bodies::Object(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Bodies::File(body) => body.is_end_stream(),
            Bodies::Object(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Bodies::File(body) => body.size_hint(),
            Bodies::Object(body) => body.size_hint(),
        }
    }
}
