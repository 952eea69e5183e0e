//! Holds a stage of the crash server where a test wants it.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, FileType, Mode, OFlags};

use crate::wait::until;

/// A named pipe in the middle of a stage: who opens it for reading waits for the test.
#[derive(Debug)]
pub struct Gate(PathBuf);

/// A stage that waits at its gate; it goes on when this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Held(#[expect(dead_code, reason = "it is closed when it is dropped")] File);

impl Gate {
    /// Closes the gate of `stage`; `folder` is the one that the crash server was told.
    pub fn close(folder: &Path, stage: &str) -> Self {
        let path = folder.join(stage);
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        Self(path)
    }

    /// Waits until the stage is at its gate.
    pub async fn reached(&self) -> Held {
        let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
        let what = format!("a stage at the gate `{}`", self.0.display());
        until(&what, async || {
            // Opening a pipe in this way fails as long as nobody is at its other end.
            let open = OpenOptions::new()
                .write(true)
                .custom_flags(nonblocking)
                .open(&self.0);
            open.ok().map(Held)
        })
        .await
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // Whoever waits at it goes on waiting; the next one passes.
        let _ = fs::remove_file(&self.0);
    }
}

/// The other side: waits at the gate of `stage` where a test has closed it.
///
/// # Errors
/// What the system says, but for a gate that is not there.
pub fn pass(folder: &Path, stage: &str) -> std::io::Result<()> {
    match fs::read(folder.join(stage)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
