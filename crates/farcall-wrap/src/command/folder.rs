//! A folder for one run of a program, which does not outlive its server by more than its absence.
//!
//! All folders of a server lie in one, which the server holds locked. The kernel gives up the lock
//! when the process is gone, however it went: whoever finds such a folder that is not locked may
//! remove it ([`remove_left_overs`]).

use std::{
    env,
    fs::{self, File, Permissions},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use farcall_core::problem::Problem;
use rustix::{
    fs::{CWD, FlockOperation, Mode, OFlags, flock, openat},
    io::Errno,
};
use tempfile::TempDir;

/// What the name of every server's folder begins with.
const PREFIX: &str = "farcall-runs-";

/// This server's folder, while there is a run.
static RUNS: Mutex<Weak<Runs>> = Mutex::new(Weak::new());

/// A new folder that only this user may enter (0700), in the system's place for temporary files.
/// Dropped, it is removed with all that is in it, away from the threads that answer requests.
pub(crate) struct RunFolder(Option<(TempDir, Arc<Runs>)>);

impl RunFolder {
    /// Makes one; blocks on the disk.
    pub(crate) fn create() -> Result<Self, Problem> {
        let runs = Runs::of_this_server()?;
        let folder = private("run-").tempdir_in(runs.folder.path())?;
        Ok(Self(Some((folder, runs))))
    }

    pub(crate) fn path(&self) -> &Path {
        let folder = self.0.as_ref();
        folder.map_or(Path::new(""), |(folder, _)| folder.path())
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        let folder = self.0.take();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || drop(folder));
        }
    }
}

/// The folder of all runs of one server; removed after the last of them.
struct Runs {
    folder: TempDir,
    /// Locked as long as this is open.
    _lock: File,
}

impl Runs {
    fn of_this_server() -> io::Result<Arc<Self>> {
        let mut known = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runs) = known.upgrade() {
            return Ok(runs);
        }
        let runs = Arc::new(Self::create()?);
        *known = Arc::downgrade(&runs);
        Ok(runs)
    }

    fn create() -> io::Result<Self> {
        loop {
            let folder = private(PREFIX).tempdir()?;
            let lock = open(folder.path())?;
            flock(&lock, FlockOperation::LockExclusive)?;
            // Another server may have found it before it was locked, and removed it.
            let is_there = fs::metadata(folder.path()).map(|found| found.ino());
            if is_there.is_ok_and(|number| lock.metadata().is_ok_and(|own| own.ino() == number)) {
                return Ok(Self {
                    folder,
                    _lock: lock,
                });
            }
        }
    }
}

fn private(prefix: &str) -> tempfile::Builder<'_, 'static> {
    let mut builder = tempfile::Builder::new();
    builder
        .prefix(prefix)
        .permissions(Permissions::from_mode(0o700));
    builder
}

/// A folder itself, not what a link leads to.
fn open(folder: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(CWD, folder, flags, Mode::empty())?.into())
}

/// Removes the folders of runs whose server is gone without having removed them, as after `kill -9`, and
/// returns how many there were. Those of servers that live, and of other users, it leaves alone.
pub fn remove_left_overs() -> usize {
    let found = fs::read_dir(env::temp_dir()).into_iter().flatten();
    let found = found.flatten().filter(|entry| {
        let name = entry.file_name();
        name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
    });
    let removed =
        found.filter(|entry| remove_left_over(&entry.path()).is_ok_and(|is_gone| is_gone));
    removed.count()
}

fn remove_left_over(folder: &Path) -> io::Result<bool> {
    let lock = open(folder)?;
    if lock.metadata()?.uid() != rustix::process::geteuid().as_raw() {
        return Ok(false);
    }
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    fs::remove_dir_all(folder)?;
    Ok(true)
}
