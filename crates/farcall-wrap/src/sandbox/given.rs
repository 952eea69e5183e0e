//! What a program is given of what it asks for, once what is the server's own is taken away.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::places;
use crate::wire::{Specification, Text};

/// Files and folders for a sandbox.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// Folders in which it sees what there is.
    pub(super) listed: Vec<PathBuf>,
    /// Files and folders that it reads.
    pub(super) readable: Vec<PathBuf>,
    /// Files and folders that it reads and writes.
    pub(super) writable: Vec<PathBuf>,
    /// Links in the listed folders, with what they say. They give nothing by themselves.
    pub(super) links: Vec<(PathBuf, PathBuf)>,
}

impl Given {
    /// What every program is given.
    pub(super) fn to_all() -> Self {
        let mut given = Self::default();
        for place in places::SYSTEM {
            given.give(Path::new(place), &[], false);
        }
        given
    }

    /// What the program of `specification` is given: what the system has installed, its own
    /// installation, and what is said. What is not there is passed over.
    ///
    /// A folder that holds something withheld is given by what is in it, apart from that, from hidden
    /// entries and from what links lead to; and only to be read: whoever may replace an entry of such
    /// a folder may replace what is withheld.
    pub(super) fn by(specification: &Specification) -> Self {
        let withheld = specification.withheld.iter();
        let withheld: Vec<_> = withheld.map(Text::as_path).flat_map(real).collect();
        let mut given = Self::default();
        // A project may be anywhere, such as in `/opt`.
        let system = places::SYSTEM.iter().map(PathBuf::from);
        let beside = places::beside(specification.program.as_path());
        let readable = specification.readable.iter();
        let readable = readable.map(|place| place.as_path().to_owned());
        for place in system.chain(beside).chain(readable) {
            given.give(&place, &withheld, false);
        }
        let writable = specification.writable.iter();
        for place in writable.chain([&specification.working_dir]) {
            given.give(place.as_path(), &withheld, true);
        }
        given
    }

    fn give(&mut self, place: &Path, withheld: &[PathBuf], is_writable: bool) {
        let Ok(real) = fs::canonicalize(place) else {
            return;
        };
        if holds(&real, withheld) {
            self.open(place, &real, withheld);
        } else if is_writable {
            self.writable.push(place.to_owned());
        } else {
            self.readable.push(place.to_owned());
        }
    }

    /// Gives what is in a folder that holds something withheld; nothing where it is withheld itself.
    fn open(&mut self, folder: &Path, real: &Path, withheld: &[PathBuf]) {
        if is_withheld(real, withheld) || self.listed.iter().any(|known| known == folder) {
            return;
        }
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        self.listed.push(folder.to_owned());
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let (place, real) = (folder.join(&name), real.join(&name));
            if let Ok(target) = fs::read_link(&place) {
                self.links.push((target, place));
            } else if holds(&real, withheld) {
                self.open(&place, &real, withheld);
            } else {
                self.readable.push(place);
            }
        }
    }
}

/// Whether `place` is withheld, or holds something that is.
fn holds(place: &Path, withheld: &[PathBuf]) -> bool {
    is_withheld(place, withheld) || withheld.iter().any(|own| own.starts_with(place))
}

/// Whether `place` is the server's own. A file takes with it what lies beside it and begins with its name,
/// such as an audit log that was rotated away, or an editor's copy; also where it is not there itself.
fn is_withheld(place: &Path, withheld: &[PathBuf]) -> bool {
    let begins_with = |own: &Path| match (place.file_name(), own.file_name()) {
        (Some(name), Some(own)) => name.as_encoded_bytes().starts_with(own.as_encoded_bytes()),
        _ => false,
    };
    withheld.iter().any(|own| {
        place == own || (place.parent() == own.parent() && begins_with(own) && !own.is_dir())
    })
}

/// Where a path is, and where it leads if that is elsewhere; also of one that is not there yet.
fn real(path: &Path) -> Vec<PathBuf> {
    let folder = path
        .parent()
        .and_then(|folder| fs::canonicalize(folder).ok());
    let itself = match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    };
    let mut found: Vec<_> = fs::canonicalize(path).ok().into_iter().collect();
    if !found.contains(&itself) {
        found.push(itself);
    }
    found
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Such as in `/opt`, which every program reads.
    #[test]
    fn a_project_among_what_everybody_reads_is_not_given_whole() {
        let place = tempfile::tempdir().unwrap();
        let opt = place.path();
        for folder in [
            "other",
            "project/.git",
            "project/state",
            "project/state-of-affairs",
            "project/scenes",
        ] {
            fs::create_dir_all(opt.join(folder)).unwrap();
        }
        for file in ["project/.env", "project/main.py", "project/farcall.toml.1"] {
            fs::write(opt.join(file), "").unwrap();
        }
        symlink("other", opt.join("link")).unwrap();
        let withheld = [".env", "state", "farcall.toml"];
        let withheld = withheld.map(|name| opt.join("project").join(name));
        let withheld: Vec<_> = withheld.iter().flat_map(|own| real(own)).collect();

        let mut given = Given::default();
        given.give(opt, &withheld, false);
        given.give(&opt.join("project"), &withheld, true);
        given.give(&opt.join("project/state"), &withheld, true);
        given.give(&opt.join("project/state/work"), &withheld, true);
        given.readable.sort();
        let paths =
            |names: &[&str]| -> Vec<_> { names.iter().map(|name| opt.join(name)).collect() };
        assert_eq!(given.listed, [opt.to_owned(), opt.join("project")]);
        assert_eq!(
            given.readable,
            paths(&[
                "other",
                "project/main.py",
                "project/scenes",
                "project/state-of-affairs"
            ])
        );
        assert!(given.writable.is_empty());
        assert_eq!(given.links, [("other".into(), opt.join("link"))]);

        fs::create_dir(opt.join("project/state/work")).unwrap();
        given.give(&opt.join("project/state/work"), &withheld, true);
        assert_eq!(given.writable, paths(&["project/state/work"]));
    }
}
