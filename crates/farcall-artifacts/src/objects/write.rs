//! Writes an object: it is there as a whole, or not at all.

use std::{
    collections::HashSet,
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use farcall_core::{
    artifact::{Artifact, ArtifactSink, hexadecimal},
    crash_point,
    problem::Problem,
};
use object_store::{
    Attribute, Attributes, ObjectStoreExt, PutMultipartOptions, PutOptions, path::Path,
};
use sha2::{Digest, Sha256};

use super::{Objects, upload::Upload};
use crate::{error::ArtifactError, location::Location};

/// The length of the first parts in bytes; what is not longer is put at once. S3 wants at least
/// 5 MiB.
const PART: usize = 8 << 20;

/// After so many parts they become twice as long: an upload has at most 10,000, and an object
/// may have 5 TiB.
const PARTS_OF_A_LENGTH: u32 = 1_000;

impl Objects {
    pub(crate) fn create(
        &self,
        location: Location,
        media_type: &str,
    ) -> Result<Box<dyn ArtifactSink>, ArtifactError> {
        let begun = Begun::new(self, &location)?;
        let path = self.path(&location);
        // Asked for rather than left to a conditional put, which takes its own first try for
        // somebody else's where the answer to it was lost.
        match self.wait(self.store.head(&path)) {
            Err(object_store::Error::NotFound { .. }) => {}
            Ok(_) => return Err(ArtifactError::taken(&location)),
            Err(error) => return Err(ArtifactError::store("look at", &location, error)),
        }
        Ok(Box::new(Sink {
            objects: self.clone(),
            path,
            location,
            media_type: media_type.to_owned(),
            part: Vec::new(),
            parts: 0,
            upload: None,
            failure: None,
            sha256: Sha256::new(),
            size: 0,
            _begun: begun,
        }))
    }
}

/// A location that this process is writing to. No other process can: the epoch is ours.
struct Begun {
    all: Arc<Mutex<HashSet<String>>>,
    location: String,
}

impl Begun {
    fn new(objects: &Objects, location: &Location) -> Result<Self, ArtifactError> {
        let mut all = objects.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.insert(location.to_string()) {
            return Err(ArtifactError::taken(location));
        }
        Ok(Self {
            all: Arc::clone(&objects.begun),
            location: location.to_string(),
        })
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&self.location);
    }
}

struct Sink {
    objects: Objects,
    path: Path,
    location: Location,
    media_type: String,
    /// The part that is being filled.
    part: Vec<u8>,
    /// How many were sent before it.
    parts: u32,
    /// Begun with the second part.
    upload: Option<Upload>,
    /// The first failure: an object with a hole must not be finished.
    failure: Option<ArtifactError>,
    sha256: Sha256,
    size: u64,
    _begun: Begun,
}

impl Sink {
    fn part_length(&self) -> usize {
        PART << (self.parts / PARTS_OF_A_LENGTH)
    }

    fn attributes(&self) -> Attributes {
        Attributes::from_iter([(Attribute::ContentType, self.media_type.clone())])
    }

    /// Sends the part, which is full, because there is more.
    fn send(&mut self) -> Result<(), ArtifactError> {
        self.parts += 1;
        let next = Vec::with_capacity(self.part_length());
        let part = Bytes::from(std::mem::replace(&mut self.part, next));
        let options = PutMultipartOptions::from(self.attributes());
        let (objects, path) = (&self.objects, &self.path);
        let upload = self
            .upload
            .get_or_insert_with(|| Upload::begin(objects, path.clone(), options));
        upload.send(part)
    }

    fn complete(mut self) -> Result<Artifact, ArtifactError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let last = Bytes::from(std::mem::take(&mut self.part));
        match self.upload.take() {
            Some(upload) => upload.finish(last)?,
            None => self.put(last)?,
        }
        crash_point!("artifacts.objects.completed");
        let artifact = Artifact::new(
            self.location.name(),
            &self.media_type,
            self.size,
            hexadecimal(&self.sha256.finalize()),
            self.location.to_string(),
        );
        // The store has confirmed what it was sent; what others will find is asked for.
        let found = self.objects.wait(self.objects.store.head(&self.path));
        let found =
            found.map_err(|error| ArtifactError::store("look at", &self.location, error))?;
        ArtifactError::check_size(&artifact, found.size)?;
        Ok(artifact)
    }

    fn put(&self, bytes: Bytes) -> Result<(), ArtifactError> {
        let options = PutOptions::from(self.attributes());
        let put = self
            .objects
            .store
            .put_opts(&self.path, bytes.into(), options);
        let outcome = self.objects.wait(put);
        outcome
            .map(drop)
            .map_err(|error| ArtifactError::store("upload", &self.location, error))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failure.is_none()
            && self.part.len() == self.part_length()
            && let Err(error) = self.send()
        {
            self.failure = Some(error);
        }
        if let Some(failure) = &self.failure {
            return Err(io::Error::other(failure.to_string()));
        }
        let room = self.part_length() - self.part.len();
        let taken = &bytes[..bytes.len().min(room)];
        self.part.extend_from_slice(taken);
        self.sha256.update(taken);
        self.size += taken.len() as u64;
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ArtifactSink for Sink {
    fn finish(self: Box<Self>) -> Result<Artifact, Problem> {
        self.complete().map_err(ArtifactError::into_problem)
    }
}

#[cfg(test)]
mod tests;
