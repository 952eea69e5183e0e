//! The files that a program leaves for its caller.

use std::{
    collections::{BTreeSet, HashSet},
    io::{self, Read, Write},
    path::{Component, Path, PathBuf},
};

use cap_std::{ambient_authority, fs::Dir};
use farcall_core::{
    artifact::ArtifactSink,
    job::JobContext,
    name::{MAX_FILE_NAME, file_name_fault},
    problem::{ErrorCode, Problem},
};
use glob::{MatchOptions, Pattern};

use crate::text::shown;

/// How many files a job may leave.
const MAX_ARTIFACTS: usize = 1_000;

/// How many entries of a work folder are looked at.
const MAX_ENTRIES: usize = 100_000;

/// As shells match: a star stays within its folder, and finds nothing hidden.
const AS_SHELLS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Patterns of files, in the order of the declaration.
#[derive(Clone, Debug)]
pub(crate) struct Patterns(Vec<Pattern>);

impl Patterns {
    /// # Errors
    /// What is wrong with the first that is no pattern.
    pub(crate) fn new(patterns: &[String]) -> Result<Self, String> {
        let read = |pattern: &String| {
            let parsed = Pattern::new(pattern.trim_start_matches("./"));
            parsed.map_err(|error| format!("`{pattern}` is no pattern of files: {error}"))
        };
        patterns
            .iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Publishes what they find in `folder`, in their order, and then the files that the program
    /// `named`. Blocks.
    ///
    /// # Errors
    /// A problem where a file that was named is not there, or cannot be kept.
    pub(crate) fn publish(
        &self,
        job: &JobContext,
        folder: &Path,
        named: &[String],
    ) -> Result<(), Problem> {
        if self.0.is_empty() && named.is_empty() {
            return Ok(());
        }
        let opened = Dir::open_ambient_dir(folder, ambient_authority())?;
        let mut paths = Vec::new();
        if !self.0.is_empty() {
            let there = files(&opened)?;
            for pattern in &self.0 {
                let before = paths.len();
                let found = there
                    .iter()
                    .filter(|path| pattern.matches_path_with(path, AS_SHELLS));
                paths.extend(found.cloned());
                if paths.len() == before {
                    job.log(format!("no file matches the artifact pattern `{pattern}`"));
                }
            }
        }
        for name in named {
            paths.push(named_file(&opened, folder, name)?);
        }
        let mut seen = HashSet::new();
        paths.retain(|path| seen.insert(path.clone()));
        if paths.len() > MAX_ARTIFACTS {
            return Err(Problem::new(
                ErrorCode::OutputLimit,
                format!(
                    "the program left {} files for its caller, at most {MAX_ARTIFACTS} are kept",
                    paths.len()
                ),
            )
            .hint("put them into an archive"));
        }
        for (path, name) in paths.iter().zip(names(&paths)) {
            copy(job, &opened, path, &name)?;
        }
        Ok(())
    }
}

/// Every plain file in `folder` and below, by its path from there, in order. Links to folders are
/// not followed, and links to files only as far as they stay within it.
fn files(folder: &Dir) -> Result<BTreeSet<PathBuf>, Problem> {
    let mut found = BTreeSet::new();
    let mut open = vec![PathBuf::new()];
    let mut count = 0;
    while let Some(within) = open.pop() {
        let entries = if within.as_os_str().is_empty() {
            folder.entries()?
        } else {
            folder.read_dir(&within)?
        };
        for entry in entries {
            let entry = entry?;
            let path = within.join(entry.file_name());
            count += 1;
            if count > MAX_ENTRIES {
                return Err(Problem::new(
                    ErrorCode::OutputLimit,
                    format!(
                        "the program left more than {MAX_ENTRIES} files, too many to look through"
                    ),
                ));
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() || folder.metadata(&path).is_ok_and(|real| real.is_file()) {
                found.insert(path);
            }
        }
    }
    Ok(found)
}

/// The file that a program named, by its path from the folder.
fn named_file(opened: &Dir, folder: &Path, name: &str) -> Result<PathBuf, Problem> {
    // It may as well say where it is.
    let path = Path::new(name);
    let path = path.strip_prefix(folder).unwrap_or(path);
    let path: PathBuf = path
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    if opened.metadata(&path).is_ok_and(|real| real.is_file()) {
        return Ok(path);
    }
    let sentence = format!(
        "the program named `{}` as a file for its caller and left no such file in its folder",
        shown(name)
    );
    Err(Problem::user(sentence).hint("name files by their path from the folder it was started in, and not by links that lead out of it"))
}

/// The names under which files are published, which have no folders: that of the file where no
/// other has the same, else the whole path.
pub(crate) fn names(paths: &[PathBuf]) -> Vec<String> {
    let plain = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        file_name(&name)
    };
    let plain: Vec<_> = paths.iter().map(plain).collect();
    let mut taken = HashSet::new();
    let mut names = Vec::with_capacity(paths.len());
    for (path, name) in paths.iter().zip(&plain) {
        let mut name = name.clone();
        if plain.iter().filter(|other| **other == name).count() > 1 {
            name = file_name(&path.to_string_lossy());
        }
        let free = (2..).map(|number| numbered(&name, number));
        let free = std::iter::once(name.clone())
            .chain(free)
            .find(|name| !taken.contains(name));
        let name = free.unwrap_or(name);
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

/// `text` with nothing in it that no file name may have.
fn file_name(text: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = text.chars().map(plain).collect();
    let name = name.trim_matches('.');
    // The end has the kind of the file.
    let name = &name[name.len().saturating_sub(MAX_FILE_NAME - 8)..];
    let name = name.trim_start_matches('.');
    match file_name_fault(name) {
        None => name.to_owned(),
        Some(_) => "file".to_owned(),
    }
}

fn numbered(name: &str, number: usize) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}-{number}.{extension}"),
        None => format!("{name}-{number}"),
    }
}

fn copy(job: &JobContext, folder: &Dir, path: &Path, name: &str) -> Result<(), Problem> {
    let mut file = folder.open(path)?;
    let mut sink: Box<dyn ArtifactSink> = job.create_artifact(name)?;
    let mut bytes = vec![0; 256 << 10];
    loop {
        job.check()?;
        match file.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) => sink.write_all(&bytes[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    sink.finish().map(drop)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn found(pattern: &str) -> Vec<String> {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("work");
        fs::create_dir_all(folder.join("out/deep")).unwrap();
        fs::create_dir_all(folder.join(".hidden")).unwrap();
        fs::write(place.path().join("secret.txt"), "x").unwrap();
        for file in [
            "a.txt",
            "out/b.txt",
            "out/c.png",
            "out/deep/d.txt",
            ".env.txt",
            ".hidden/e.txt",
            "[x].txt",
        ] {
            fs::write(folder.join(file), "x").unwrap();
        }
        for (target, link) in [
            ("../secret.txt", "out.txt"),
            ("/etc/hostname", "absolute.txt"),
            ("..", "up"),
            ("a.txt", "again.txt"),
            ("missing", "dangling.txt"),
        ] {
            symlink(target, folder.join(link)).unwrap();
        }
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, folder.join("fifo.txt"), mode).unwrap();
        let opened = Dir::open_ambient_dir(&folder, ambient_authority()).unwrap();
        let pattern = Pattern::new(pattern).unwrap();
        let files = files(&opened).unwrap().into_iter();
        let matching = files.filter(|path| pattern.matches_path_with(path, AS_SHELLS));
        matching
            .map(|path| path.into_os_string().into_string().unwrap())
            .collect()
    }

    #[test]
    fn patterns_match_as_shells_do_and_nothing_beyond_the_folder() {
        assert_eq!(found("*.txt"), ["[x].txt", "a.txt", "again.txt"]);
        assert_eq!(found("out/*"), ["out/b.txt", "out/c.png"]);
        assert_eq!(
            found("**/*.txt"),
            [
                "[x].txt",
                "a.txt",
                "again.txt",
                "out/b.txt",
                "out/deep/d.txt"
            ]
        );
        assert_eq!(found("[[]x].txt"), ["[x].txt"]);
        for pattern in [
            "up/*",
            "../*",
            "/etc/*",
            "out.txt",
            "absolute.txt",
            "dangling.txt",
            "fifo.txt",
        ] {
            assert!(found(pattern).is_empty(), "{pattern}");
        }
    }

    #[test]
    fn a_file_is_named_by_its_path_from_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("work");
        fs::create_dir_all(folder.join("out")).unwrap();
        fs::write(folder.join("out/a.txt"), "x").unwrap();
        fs::write(place.path().join("secret"), "x").unwrap();
        symlink("../secret", folder.join("link")).unwrap();
        let opened = Dir::open_ambient_dir(&folder, ambient_authority()).unwrap();
        let absolute = folder.join("out/a.txt");
        for name in ["out/a.txt", "./out/a.txt", absolute.to_str().unwrap()] {
            assert_eq!(
                named_file(&opened, &folder, name).unwrap(),
                Path::new("out/a.txt")
            );
        }
        for name in [
            "",
            "out",
            "..",
            "../secret",
            "link",
            "/etc/hostname",
            "missing",
            "a\0b",
        ] {
            assert!(named_file(&opened, &folder, name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn names_are_short_plain_and_different() {
        let of = |paths: &[&str]| names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(of(&["out/a.mp4", "b.txt"]), ["a.mp4", "b.txt"]);
        assert_eq!(of(&["x/a.png", "y/a.png"]), ["x_a.png", "y_a.png"]);
        assert_eq!(
            of(&["a b.txt", "a_b.txt", "ä.txt"]),
            ["a_b.txt", "a_b-2.txt", "_.txt"]
        );
        assert_eq!(of(&["..."]), ["file"]);
        let long = format!("{}.mp4", "x".repeat(300));
        let names = of(&[&long]);
        assert!(names[0].len() <= MAX_FILE_NAME && names[0].ends_with("x.mp4"));
        assert_eq!(file_name_fault(&names[0]), None);
    }
}
