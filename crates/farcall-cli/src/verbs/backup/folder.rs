//! The folder of a backup: under another name until it is whole.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::{
    Failure,
    terminal::{printable, talk},
};

/// A folder on its way to become `target`; it goes away unless it is finished.
#[derive(Debug)]
pub(super) struct Unfinished {
    target: PathBuf,
    parent: PathBuf,
    path: PathBuf,
    is_finished: bool,
    /// Held open, and with it the lock that tells who is at work from what was cut off.
    lock: File,
}

impl Unfinished {
    /// Makes the folder beside `target`, for this user only; `data` is what is backed up. What was
    /// cut off there before is removed.
    pub(super) fn begin(target: &Path, data: &Path) -> Result<Self, Failure> {
        let name = target.file_name().ok_or_else(|| {
            Failure::usage(format!("`{}` is no name for a new folder", shown(target)))
                .hint("--to /backups/2026-11-28, for example")
        })?;
        let parent = target.parent().unwrap_or(Path::new(""));
        let parent = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
        let whole = parent.canonicalize().map_err(|error| {
            let parent = shown(parent);
            Failure::usage(format!("the folder `{parent}` cannot be used: {error}"))
                .hint("the backup is made in it, so it has to be there")
        })?;
        if target.symlink_metadata().is_ok() {
            return Err(
                Failure::usage(format!("`{}` is there already", shown(target))).hint(
                    "a backup is never written over anything: name a folder that is not there yet",
                ),
            );
        }
        if data
            .canonicalize()
            .is_ok_and(|data| whole.starts_with(data))
        {
            return Err(Failure::usage(format!(
                "`{}` would be in the data folder, and lost with it",
                shown(target)
            ))
            .hint("name a folder elsewhere, best on another disk"));
        }
        let mut unfinished = OsString::from(".");
        unfinished.push(name);
        unfinished.push(".unfinished");
        let path = whole.join(unfinished);
        let lock = take(&path)?;
        let begun = Self {
            target: whole.join(name),
            parent: whole,
            path,
            is_finished: false,
            lock,
        };
        empty(&begun.path).map_err(|error| begun.failed("emptied", &error))?;
        Ok(begun)
    }

    /// Where it is made.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name, once everything in it is on the disk.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        let named = self
            .lock
            .sync_all()
            // Over an empty folder at most, never over anything in one.
            .and_then(|()| fs::rename(&self.path, &self.target));
        named.map_err(|error| self.failed("given its name", &error))?;
        self.is_finished = true;
        let synced = File::open(&self.parent).and_then(|parent| parent.sync_all());
        synced.map_err(|error| self.failed("made durable", &error))
    }

    fn failed(&self, what: &str, error: &io::Error) -> Failure {
        let path = shown(if self.is_finished {
            &self.target
        } else {
            &self.path
        });
        Failure::failed(format!("`{path}` cannot be {what}: {error}"))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_finished {
            // Whoever makes the next one takes it away first.
            if let Err(error) = fs::remove_dir_all(&self.path) {
                let path = shown(&self.path);
                talk(&format!("the unfinished `{path}` stays: {error}"));
            }
        }
    }
}

/// Makes the folder, or takes over one that was cut off.
fn take(path: &Path) -> Result<File, Failure> {
    let made = DirBuilder::new().mode(0o700).create(path);
    let was_there = matches!(&made, Err(error) if error.kind() == io::ErrorKind::AlreadyExists);
    let unusable = |error: io::Error| {
        Failure::usage(format!(
            "the folder `{}` cannot be made: {error}",
            shown(path)
        ))
        .hint("name a place that this user may write to")
    };
    if !was_there {
        made.map_err(unusable)?;
    }
    let folder = File::open(path).map_err(unusable)?;
    match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(folder),
        Err(Errno::WOULDBLOCK) => Err(Failure::usage(format!(
            "another backup is being made in `{}`",
            shown(path)
        ))
        .hint("wait for it, or give this one another name")),
        // A file system without locks cannot tell whether somebody is at work.
        Err(_) if !was_there => Ok(folder),
        Err(error) => Err(unusable(error.into())),
    }
}

fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn begin(target: &Path) -> Result<Unfinished, Failure> {
        Unfinished::begin(target, Path::new("/nowhere"))
    }

    #[test]
    fn it_has_its_name_when_it_is_finished_and_is_gone_when_it_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("today");
        let entries = || parent.path().read_dir().unwrap().count();
        drop(begin(&target).unwrap());
        assert_eq!(entries(), 0);
        let unfinished = begin(&target).unwrap();
        assert!(!target.exists());
        fs::create_dir(unfinished.path().join("artifacts")).unwrap();
        unfinished.finish().unwrap();
        assert!(target.join("artifacts").exists());
        assert_eq!(entries(), 1);
        let mode = target.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(
            begin(&target)
                .unwrap_err()
                .message
                .contains("there already")
        );
    }

    #[test]
    fn one_that_was_cut_off_is_removed_and_one_that_is_being_made_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("today");
        let at_work = begin(&target).unwrap();
        fs::create_dir(at_work.path().join("artifacts")).unwrap();
        let refused = begin(&target).unwrap_err();
        assert!(refused.message.contains("another backup"), "{refused}");
        assert!(at_work.path().join("artifacts").exists());
        // As a kill leaves it.
        let path = at_work.path().to_owned();
        let at_work = std::mem::ManuallyDrop::new(at_work);
        flock(&at_work.lock, FlockOperation::Unlock).unwrap();
        let next = begin(&target).unwrap();
        assert_eq!(next.path(), path);
        assert_eq!(path.read_dir().unwrap().count(), 0);
    }
}
