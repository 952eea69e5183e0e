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
    let is_folder = |file: &&Planned| {
        let path = folder.join(&file.path);
        fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
    };
    if let Some(file) = files.iter().find(is_folder) {
        let path = folder.join(&file.path);
        return Err(Failure::failed(format!(
            "{} is a folder, and no file can be written there",
            shown(&path)
        ))
        .hint("move what is in its place, or write elsewhere with --out FOLDER"));
    }
    let is_there = |file: &&Planned| {
        let path = folder.join(&file.path);
        fs::symlink_metadata(&path).is_ok() && !holds(&path, &file.text)
    };
    let in_the_way: Vec<_> = files.iter().filter(is_there).collect();
    if !force && !in_the_way.is_empty() {
        return Err(there(in_the_way.iter().map(|file| folder.join(&file.path))));
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

fn there(paths: impl Iterator<Item = PathBuf>) -> Failure {
    let names: Vec<_> = paths.map(|path| shown(&path)).collect();
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
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}", std::process::id()));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| no_folder(&path, folder, &error))?;
        }
        let opened = fresh(&temporary).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => left_over(&path, &temporary),
            _ => unwritable(&path, &error),
        })?;
        // Only now is it this one's to take away.
        let staged = Self {
            file,
            path,
            temporary,
        };
        fill(opened, staged.file).map_err(|error| unwritable(&staged.path, &error))?;
        Ok(staged)
    }

    /// Gives it its name.
    fn publish(self, force: bool) -> Result<PathBuf, Failure> {
        let named = if force {
            fs::rename(&self.temporary, &self.path)
        } else {
            // A link does not replace what came there since it was looked for.
            fs::hard_link(&self.temporary, &self.path).or_else(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => Err(error),
                // Some disks have no links: those of cameras, and folders of another machine.
                _ => fresh(&self.path).and_then(|opened| {
                    fill(opened, self.file).inspect_err(|_| {
                        // A part of a file is worse than none.
                        let _ = fs::remove_file(&self.path);
                    })
                }),
            })
        };
        match named {
            Ok(()) => Ok(self.path.clone()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(there([self.path.clone()].into_iter()))
            }
            Err(error) => Err(unwritable(&self.path, &error)),
        }
    }
}

/// A file that was not there.
fn fresh(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o644).open(path)
}

fn fill(mut opened: File, file: &Planned) -> io::Result<()> {
    opened.write_all(file.text.as_bytes())?;
    opened.sync_all()
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        // After a rename there is none.
        let _ = fs::remove_file(&self.temporary);
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("{} cannot be written: {error}", shown(path)))
        .hint("see who may write there, or write elsewhere with --out FOLDER")
}

fn left_over(path: &Path, temporary: &Path) -> Failure {
    Failure::failed(format!(
        "{} cannot be written: {} is there already, the name that it has until it is whole",
        shown(path),
        shown(temporary)
    ))
    .hint("remove that one, and try again")
}

fn no_folder(path: &Path, folder: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!(
        "{} cannot be written: {} cannot be made a folder: {error}",
        shown(path),
        shown(folder)
    ))
    .hint("move what is in its place, or write elsewhere with --out FOLDER")
}

/// A path as messages have it: without the `./` of this folder.
fn shown(path: &Path) -> String {
    format!("`{}`", path.strip_prefix(".").unwrap_or(path).display())
}
