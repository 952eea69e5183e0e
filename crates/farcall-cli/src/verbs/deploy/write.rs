//! Files on their way to the disk: all of them, or none.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::Failure;

/// A file that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Where it goes, relative to the folder of the project.
    pub path: String,
    /// The whole of it.
    pub text: String,
}

impl Planned {
    pub(super) fn new(path: impl Into<String>, text: String) -> Self {
        Self {
            path: path.into(),
            text,
        }
    }

    /// The first block of commands in its header: how it is used.
    pub(super) fn commands(&self) -> impl Iterator<Item = &str> {
        let lines = self.text.lines().map(|line| line.strip_prefix("#   "));
        lines
            .skip_while(Option::is_none)
            .map_while(|command| command)
    }
}

/// Writes `files` below `folder`. What is there already with the same text stays as it is.
///
/// # Errors
/// A [`Failure`] with every file that is there with another text, unless `force` replaces them; or where one
/// cannot be written. Nothing is left of the others then, and nothing was replaced unless the disk failed between two
/// names.
pub(super) fn write(folder: &Path, files: &[Planned], force: bool) -> Result<(), Failure> {
    let is_there = |file: &&Planned| {
        let path = folder.join(&file.path);
        fs::symlink_metadata(&path).is_ok() && !holds(&path, &file.text)
    };
    let in_the_way: Vec<_> = files.iter().filter(is_there).collect();
    if !force && !in_the_way.is_empty() {
        return Err(there(in_the_way.iter().map(|file| file.path.as_str())));
    }
    let mut staged = Vec::new();
    for file in files {
        let path = folder.join(&file.path);
        if holds(&path, &file.text) {
            continue;
        }
        staged.push(Staged::write(path, file)?);
    }
    let mut published = Vec::new();
    for file in staged {
        match file.publish(force) {
            Ok(path) => published.push(path),
            Err(failure) => {
                if !force {
                    for path in published {
                        // What cannot be removed was made a moment ago, and is told of by its name.
                        let _ = fs::remove_file(path);
                    }
                }
                return Err(failure);
            }
        }
    }
    Ok(())
}

fn holds(path: &Path, text: &str) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
        && fs::read(path).is_ok_and(|found| found == text.as_bytes())
}

fn there<'a>(paths: impl Iterator<Item = &'a str>) -> Failure {
    let names: Vec<_> = paths.map(|path| format!("`{path}`")).collect();
    let (names, are) = match names.as_slice() {
        [one] => (one.clone(), "is"),
        several => (several.join(", "), "are"),
    };
    Failure::usage(format!(
        "{names} {are} there already, and nothing was written"
    ))
    .hint("replace with --force, look first with --print, or write elsewhere with --out FOLDER")
}

/// A whole file under another name, which goes away with this.
struct Staged<'a> {
    file: &'a Planned,
    path: PathBuf,
    temporary: PathBuf,
}

impl<'a> Staged<'a> {
    fn write(path: PathBuf, file: &'a Planned) -> Result<Self, Failure> {
        let failed = |error: &io::Error| unwritable(&file.path, error);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}", std::process::id()));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        }
        let mut options = OpenOptions::new();
        let opened = options
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(&temporary);
        let staged = Self {
            file,
            path,
            temporary,
        };
        let written = opened.and_then(|mut opened: File| {
            opened.write_all(file.text.as_bytes())?;
            opened.sync_all()
        });
        written.map_err(|error| failed(&error))?;
        Ok(staged)
    }

    /// Gives it its name.
    fn publish(self, force: bool) -> Result<PathBuf, Failure> {
        // A link does not replace what came there since it was looked for.
        let named = if force {
            fs::rename(&self.temporary, &self.path)
        } else {
            fs::hard_link(&self.temporary, &self.path)
        };
        match named {
            Ok(()) => Ok(self.path.clone()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(there([self.file.path.as_str()].into_iter()))
            }
            Err(error) => Err(unwritable(&self.file.path, &error)),
        }
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        // After a rename there is none.
        let _ = fs::remove_file(&self.temporary);
    }
}

fn unwritable(path: &str, error: &io::Error) -> Failure {
    Failure::failed(format!("`{path}` cannot be written: {error}"))
}
