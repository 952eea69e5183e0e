//! Writes a file: whole and durable, or not at all.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
};

use cap_std::fs::Dir;
use farcall_core::{
    artifact::{Artifact, ArtifactSink, hexadecimal},
    crash_point,
    problem::Problem,
};
use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};

use super::Folder;
use crate::{error::ArtifactError, location::Location};

/// The places in a write to a folder where a test can end the process, in the order they are passed.
pub const CRASH_POINTS: &[&str] = &[
    "artifacts.write.begun",
    "artifacts.write.written",
    "artifacts.write.synced",
    "artifacts.write.renamed",
    "artifacts.write.dir_synced",
];

/// What a job writes in small pieces is gathered to this many bytes.
const BUFFER: usize = 64 * 1024;

impl Folder {
    pub(crate) fn create(
        &self,
        location: Location,
        media_type: &str,
    ) -> Result<Box<dyn ArtifactSink>, ArtifactError> {
        Ok(Box::new(self.sink(location, media_type)?))
    }

    /// Writes what `bytes` has to where `artifact` says that it is, or nothing where they are
    /// others than were recorded.
    pub(crate) fn write(
        &self,
        location: Location,
        artifact: &Artifact,
        bytes: &mut impl Read,
    ) -> Result<(), ArtifactError> {
        let mut sink = self.sink(location, &artifact.media_type)?;
        // What cannot be read, and what cannot be written.
        let copied = io::copy(bytes, &mut sink);
        if let Some(error) = sink.failure.take() {
            return Err(ArtifactError::io("write", &artifact.location, error));
        }
        copied.map_err(|error| match error.kind() {
            // So says the way out of a bucket.
            io::ErrorKind::InvalidData => ArtifactError::OtherBytes {
                location: artifact.location.clone(),
            },
            _ => ArtifactError::io("read", &artifact.location, error),
        })?;
        sink.expected = Some((artifact.size, artifact.sha256.clone()));
        sink.complete().map(drop)
    }

    fn sink(&self, location: Location, media_type: &str) -> Result<Sink, ArtifactError> {
        let folder = super::create(&self.0.root, &location.folder())
            .map_err(|error| ArtifactError::io("create the folder", location.folder(), error))?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, location.part(), flags, Mode::RUSR | Mode::WUSR)
            .map_err(|errno| match errno {
                rustix::io::Errno::EXIST => ArtifactError::taken(&location),
                _ => ArtifactError::io("create the part of", &location, errno),
            })?;
        let unfinished = Unfinished {
            name: Some(location.part()),
            folder,
        };
        crash_point!("artifacts.write.begun");
        // Looked for only now: whoever finishes this name has to own its part, and that
        // is us.
        if unfinished.folder.symlink_metadata(location.file()).is_ok() {
            return Err(ArtifactError::taken(&location));
        }
        Ok(Sink {
            home: self.clone(),
            location,
            media_type: media_type.to_owned(),
            expected: None,
            failure: None,
            writer: BufWriter::with_capacity(BUFFER, Hashed::new(File::from(file))),
            unfinished,
        })
    }
}

struct Sink {
    home: Folder,
    location: Location,
    media_type: String,
    /// The length and the checksum that it must have.
    expected: Option<(u64, String)>,
    /// The first failed write: a file with a hole must not be finished.
    failure: Option<io::Error>,
    writer: BufWriter<Hashed>,
    unfinished: Unfinished,
}

impl Sink {
    fn note<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &outcome
            && error.kind() != io::ErrorKind::Interrupted
            && self.failure.is_none()
        {
            self.failure = Some(same(error));
        }
        outcome
    }

    fn complete(mut self) -> Result<Artifact, ArtifactError> {
        let location = self.location.to_string();
        let failed = |action| {
            let location = &location;
            move |error: io::Error| ArtifactError::io(action, location, error)
        };
        if let Some(error) = self.failure {
            return Err(failed("write")(error));
        }
        let hashed = self
            .writer
            .into_inner()
            .map_err(|error| failed("write")(error.into_error()))?;
        let (size, sha256) = (hashed.size, hexadecimal(&hashed.sha256.finalize()));
        if self
            .expected
            .is_some_and(|expected| expected != (size, sha256.clone()))
        {
            return Err(ArtifactError::OtherBytes { location });
        }
        crash_point!("artifacts.write.written");
        hashed.file.sync_all().map_err(failed("sync"))?;
        crash_point!("artifacts.write.synced");
        self.unfinished
            .rename(self.location.file())
            .map_err(failed("rename"))?;
        crash_point!("artifacts.write.renamed");
        // The folder above is synced every time: whoever created the job's folder may
        // have died before syncing it.
        super::sync(&self.unfinished.folder)
            .and_then(|()| super::sync(&self.home.0.root))
            .map_err(failed("sync the folder of"))?;
        crash_point!("artifacts.write.dir_synced");
        self.unfinished.keep();
        Ok(Artifact::new(
            self.location.name(),
            self.media_type,
            size,
            sha256,
            location,
        ))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let outcome = self.writer.write(bytes);
        self.note(outcome)
    }

    fn flush(&mut self) -> io::Result<()> {
        let outcome = self.writer.flush();
        self.note(outcome)
    }
}

impl ArtifactSink for Sink {
    fn finish(self: Box<Self>) -> Result<Artifact, Problem> {
        self.complete().map_err(ArtifactError::into_problem)
    }
}

/// The same error once more; `io::Error` cannot be cloned.
fn same(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error.kind().into(),
    }
}

/// A file that knows the checksum and the length of what went into it.
struct Hashed {
    file: File,
    sha256: Sha256,
    size: u64,
}

impl Hashed {
    fn new(file: File) -> Self {
        Self {
            file,
            sha256: Sha256::new(),
            size: 0,
        }
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file on disk that goes away unless it is kept.
struct Unfinished {
    folder: Dir,
    name: Option<String>,
}

impl Unfinished {
    fn rename(&mut self, to: &str) -> io::Result<()> {
        if let Some(name) = &mut self.name {
            self.folder.rename(&*name, &self.folder, to)?;
            to.clone_into(name);
        }
        Ok(())
    }

    fn keep(mut self) {
        self.name = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(name) = &self.name
            && let Err(error) = self.folder.remove_file(name)
        {
            tracing::warn!(file = name, %error, "an unfinished artifact stays until the next start");
        }
    }
}
