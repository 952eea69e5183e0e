//! Sends an object, and goes on where the store broke off.

use std::{
    io::{self, Read},
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use farcall_core::artifact::{Artifact, hexadecimal};
use futures_util::{Stream, StreamExt, stream::BoxStream};
use http_body::{Body, Frame, SizeHint};
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, path::Path};
use sha2::{Digest, Sha256};

use super::Objects;
use crate::{error::ArtifactError, location::Location};

/// The longest piece that is passed on at once, in bytes; a client that stopped reading holds
/// two of them.
const CHUNK: usize = 256 * 1024;

/// How long the store may take to say whether there is an object: a caller waits for it.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// How often in a row, without a byte in between, an object is asked for once more.
const RESUMES: u32 = 3;

/// The first pause before that; it doubles.
const PAUSE: Duration = Duration::from_millis(100);

impl Objects {
    pub(crate) async fn read(
        &self,
        location: &Location,
        artifact: &Artifact,
    ) -> Result<Object, ArtifactError> {
        let path = self.path(location);
        let asked = tokio::time::timeout(ANSWER_TIME, self.store.head(&path)).await;
        let asked = asked.map_err(|late| ArtifactError::store("look at", location, late))?;
        let found = asked.map_err(|error| match error {
            object_store::Error::NotFound { .. } => ArtifactError::NotFound {
                location: location.to_string(),
            },
            error => ArtifactError::store("look at", location, error),
        })?;
        ArtifactError::check_size(artifact, found.size)?;
        Ok(Object {
            store: Arc::clone(&self.store),
            path,
            size: artifact.size,
            sha256: artifact.sha256.as_str().into(),
        })
    }

    pub(crate) fn open_blocking(
        &self,
        location: &Location,
        artifact: &Artifact,
    ) -> Result<Box<dyn Read + Send>, ArtifactError> {
        let object = self.wait(self.read(location, artifact))?;
        Ok(Box::new(Reader {
            objects: self.clone(),
            chunks: object.chunks(0..object.size),
            held: Bytes::new(),
        }))
    }
}

/// An object that is there, and as long as was recorded.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
    sha256: Arc<str>,
}

impl Object {
    pub(crate) fn body(&self, range: Range<u64>) -> ObjectBody {
        ObjectBody {
            left: range.end - range.start,
            chunks: self.chunks(range),
        }
    }

    fn chunks(&self, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
        let is_whole = range == (0..self.size);
        let download = Download {
            object: self.clone(),
            rest: range,
            arriving: None,
            held: Bytes::new(),
            breaks: 0,
            sha256: is_whole.then(Sha256::new),
        };
        futures_util::stream::try_unfold(download, Download::next).boxed()
    }
}

/// A range of an object on its way.
struct Download {
    object: Object,
    /// What is still to be passed on.
    rest: Range<u64>,
    arriving: Option<BoxStream<'static, object_store::Result<Bytes>>>,
    /// What has arrived of it.
    held: Bytes,
    /// How often it broke since the last byte.
    breaks: u32,
    /// The checksum so far, where the range is the whole object.
    sha256: Option<Sha256>,
}

impl Download {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        if self.held.is_empty() {
            self.held = self.receive().await?;
        }
        let left = usize::try_from(self.rest.end - self.rest.start).unwrap_or(usize::MAX);
        let chunk = self.held.split_to(self.held.len().min(CHUNK).min(left));
        self.rest.start += chunk.len() as u64;
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(&chunk);
        }
        if self.rest.is_empty() {
            // Before the last bytes go out, so that a client sees that it has not got them all.
            self.verify()?;
        }
        Ok(Some((chunk, self)))
    }

    fn verify(&mut self) -> io::Result<()> {
        let Some(sha256) = self.sha256.take() else {
            return Ok(());
        };
        if hexadecimal(&sha256.finalize()) == *self.object.sha256 {
            return Ok(());
        }
        let path = &self.object.path;
        tracing::error!(%path, "an object does not have the checksum that was recorded");
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the artifact does not have the checksum that was recorded",
        ))
    }

    /// The next bytes, never none.
    async fn receive(&mut self) -> io::Result<Bytes> {
        loop {
            let error = match self.try_receive().await {
                Ok(bytes) if bytes.is_empty() => continue,
                Ok(bytes) => {
                    self.breaks = 0;
                    return Ok(bytes);
                }
                Err(error) => error,
            };
            let path = &self.object.path;
            let is_gone = matches!(error, object_store::Error::NotFound { .. });
            if is_gone || self.breaks == RESUMES {
                tracing::error!(%path, %error, "an object cannot be read");
                return Err(io::Error::other(error));
            }
            tracing::info!(%path, %error, at = self.rest.start, "an object broke off, it is asked for again");
            tokio::time::sleep(PAUSE * 2_u32.pow(self.breaks)).await;
            self.arriving = None;
            self.breaks += 1;
        }
    }

    async fn try_receive(&mut self) -> object_store::Result<Bytes> {
        let arriving = if let Some(arriving) = &mut self.arriving {
            arriving
        } else {
            let options = GetOptions {
                range: Some(GetRange::Bounded(self.rest.clone())),
                ..GetOptions::default()
            };
            let Object { store, path, .. } = &self.object;
            let answer = store.get_opts(path, options).await?;
            self.arriving.insert(answer.into_stream())
        };
        arriving.next().await.unwrap_or_else(|| {
            Err(object_store::Error::Generic {
                store: "artifacts",
                source: "the object ended early".into(),
            })
        })
    }
}

/// A range of an object as an HTTP body of known length; needs a tokio runtime.
pub(crate) struct ObjectBody {
    left: u64,
    chunks: BoxStream<'static, io::Result<Bytes>>,
}

impl Body for ObjectBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let next = ready!(Pin::new(&mut self.chunks).poll_next(context));
        Poll::Ready(next.map(|chunk| {
            self.left = match &chunk {
                Ok(chunk) => self.left - chunk.len() as u64,
                Err(_) => 0,
            };
            chunk.map(Frame::data)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// An object for a thread that may wait.
struct Reader {
    objects: Objects,
    chunks: BoxStream<'static, io::Result<Bytes>>,
    held: Bytes,
}

impl Read for Reader {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.held.is_empty()
            && let Some(chunk) = self.objects.wait(self.chunks.next())
        {
            self.held = chunk?;
        }
        let length = self.held.len().min(room.len());
        self.held.copy_to_slice(&mut room[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests;
