//! A file that runs programs is as powerful as who can write it.

use std::{
    fs::{File, Metadata},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use crate::file::finding::Finding;

/// What stands in the file at `path`, which must have at most `largest` bytes, and which nobody but the
/// user who runs this, and root, can write (CVE-2026-30623: whoever writes the file runs commands).
pub(super) fn read(path: &Path, largest: u64) -> Result<Vec<u8>, Finding> {
    let mut file = File::open(path).map_err(|error| unreadable(&error))?;
    // Of what was opened, not of what has this name by now.
    let metadata = file.metadata().map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err(Finding::of_file(
            "this is no file",
            "give the path of a farcall.toml",
        ));
    }
    if metadata.len() > largest {
        return Err(Finding::of_file(
            format!(
                "the file has {} bytes, at most {largest} are read",
                metadata.len()
            ),
            "see that this is the right file",
        ));
    }
    judge("the file", &metadata)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let metadata = folder.metadata().map_err(|error| unreadable(&error))?;
    // In a folder such as /tmp others can make files, and cannot replace ours.
    if metadata.mode() & STICKY == 0 {
        judge("the folder of the file", &metadata)?;
    }
    let mut bytes = Vec::new();
    let mut limited = (&mut file).take(largest);
    limited
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error))?;
    Ok(bytes)
}

const STICKY: u32 = 0o1000;

fn judge(what: &str, metadata: &Metadata) -> Result<(), Finding> {
    let who = Writers {
        mode: metadata.mode(),
        owner: metadata.uid(),
        group: metadata.gid(),
    };
    let reason = who.fault(rustix::process::geteuid().as_raw());
    reason.map_or(Ok(()), |(reason, hint)| {
        let message = format!("{what} {reason}, and whoever writes it runs programs as you");
        Err(Finding::of_file(message, hint))
    })
}

/// Who can write something.
struct Writers {
    mode: u32,
    owner: u32,
    group: u32,
}

impl Writers {
    /// Who besides `user` and root can write it, and what to do about that.
    fn fault(&self, user: u32) -> Option<(String, &'static str)> {
        if self.owner != user && self.owner != 0 {
            let owner = self.owner;
            return Some((
                format!("belongs to the user {owner}"),
                "run this as that user, or make it yours with chown",
            ));
        }
        if self.mode & 0o002 != 0 {
            return Some(("can be written by every user".to_owned(), "chmod o-w"));
        }
        // Many systems give each user a group of the same number, and let it write.
        if self.mode & 0o020 != 0 && self.group != self.owner && self.group != 0 {
            let group = self.group;
            return Some((format!("can be written by the group {group}"), "chmod g-w"));
        }
        None
    }
}

fn unreadable(error: &io::Error) -> Finding {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "begin one with `farcall init`, or give the path of another",
        io::ErrorKind::PermissionDenied => "run this as the user who owns it",
        _ => "see that it is a file on a disk that works",
    };
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "the file cannot be read by this user".to_owned(),
        _ => format!("the file cannot be read: {error}"),
    };
    Finding::of_file(reason, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(mode: u32, owner: u32, group: u32) -> bool {
        Writers { mode, owner, group }.fault(1000).is_some()
    }

    #[test]
    fn only_the_user_and_root_may_write() {
        assert!(!fault(0o100_644, 1000, 1000));
        assert!(!fault(0o100_644, 0, 0));
        assert!(!fault(0o100_664, 1000, 1000), "a group of the user's own");
        assert!(fault(0o100_646, 1000, 1000));
        assert!(fault(0o100_664, 1000, 100));
        assert!(fault(0o100_600, 1001, 1001));
    }
}
