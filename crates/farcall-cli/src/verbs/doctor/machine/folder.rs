//! The data folder: whether the server may write there, and nobody else may read.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use super::{
    super::finding::{Chart, Finding},
    Machine,
};

const CHECK: &str = "data folder";

pub(super) fn look(machine: &Machine, chart: &mut Chart) {
    chart.add(judge(machine, &machine.config.storage.data_dir));
}

fn judge(machine: &Machine, folder: &Path) -> Finding {
    let shown = folder.display();
    let found = match fs::metadata(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match (machine.has_jobs, missing_parent(folder)) {
                (false, _) => Finding::ok(CHECK, "none is needed, there is no job"),
                (true, None) => Finding::ok(
                    CHECK,
                    format!("`{shown}` is not there yet, and made by the first start"),
                ),
                (true, Some(reason)) => Finding::broken(
                    CHECK,
                    format!("`{shown}` is not there, and cannot be made: {reason}"),
                )
                .cause("FARCALL_DATA_DIR leads where this user may not write")
                .remedy("set FARCALL_DATA_DIR to a folder that the server's user may write to"),
            };
        }
        Err(error) => {
            return Finding::broken(CHECK, format!("`{shown}` cannot be looked at: {error}"))
                .cause("a part of its path is no folder, or not for this user")
                .remedy("set FARCALL_DATA_DIR to a folder of the server's user, and call this as that user");
        }
    };
    if !found.is_dir() {
        return Finding::broken(CHECK, format!("`{shown}` is no folder"))
            .cause("a file lies where jobs and files are kept")
            .remedy("move it away, or set FARCALL_DATA_DIR to a folder");
    }
    let me = rustix::process::geteuid().as_raw();
    if found.uid() != me {
        return Finding::warning(
            CHECK,
            format!(
                "`{shown}` is of the user {}, and this is called by {me}",
                found.uid()
            ),
        )
        .cause("the server runs as somebody else, or was once started as root")
        .remedy(
            "call this as the user of the server; if it was a slip: chown -R its user, that folder",
        );
    }
    if let Err(error) = probe(folder) {
        return Finding::broken(
            CHECK,
            format!("nothing can be written into `{shown}`: {error}"),
        )
        .cause("the rights of the folder, a read-only mount, or a full disk")
        .remedy(format!(
            "chmod u+rwx {shown}, or set FARCALL_DATA_DIR to another folder"
        ));
    }
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Finding::warning(
            CHECK,
            format!("`{shown}` has mode {mode:04o}, so others of this machine may look into it"),
        )
        .cause("somebody made it before the server did; results, links and keys are in it")
        .remedy(format!("chmod 700 {shown}"));
    }
    Finding::ok(
        CHECK,
        format!("`{shown}` is for this user alone, and can be written"),
    )
}

/// Why a folder that is not there cannot be made.
fn missing_parent(folder: &Path) -> Option<String> {
    let ancestors = folder.ancestors().skip(1);
    for parent in ancestors {
        let parent = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
        match fs::metadata(parent) {
            Ok(found) if found.is_dir() => {
                return probe(parent)
                    .err()
                    .map(|error| format!("`{}`: {error}", parent.display()));
            }
            Ok(_) => return Some(format!("`{}` is no folder", parent.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Some(format!("`{}`: {error}", parent.display())),
        }
    }
    None
}

/// A file is made and taken away: rights alone do not tell of a mount that is read-only.
fn probe(folder: &Path) -> io::Result<()> {
    let file = folder.join(format!(".farcall-doctor-{}", std::process::id()));
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)?;
    fs::remove_file(file)
}
