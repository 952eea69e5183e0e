//! Files that callers name: beneath a folder, whatever the name and whatever links lie there.

use std::{
    io,
    path::{Path, PathBuf},
};

use cap_std::{ambient_authority, fs::Dir};

use super::Fault;
use crate::text::shown;

/// The absolute path of the file at `path` beneath `root`. The system resolves it beneath the
/// folder (`openat2` with `RESOLVE_BENEATH` where there is one): neither `..` nor a link leads out of it, and the
/// path that is returned has neither in it.
pub(super) fn find(root: &Path, path: &str) -> Result<PathBuf, Fault> {
    // What is wrong with the folder is not the caller's business.
    let folder = Dir::open_ambient_dir(root, ambient_authority());
    let folder = folder.map_err(|error| {
        tracing::error!(root = %root.display(), %error, "the folder of a parameter cannot be opened");
        Fault::new(
            "names a file of a folder that cannot be read",
            "the operator finds the cause in the server's log",
        )
    })?;
    let look = || -> io::Result<PathBuf> {
        let resolved = folder.canonicalize(path)?;
        // Neither a folder, nor what would keep its reader waiting.
        if folder.symlink_metadata(&resolved)?.is_file() {
            Ok(resolved)
        } else {
            Err(io::ErrorKind::InvalidInput.into())
        }
    };
    match look() {
        Ok(resolved) => Ok(root.join(resolved)),
        Err(error) => Err(fault(&error, path)),
    }
}

fn fault(error: &io::Error, path: &str) -> Fault {
    let sentence = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => {
            "names no file"
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::IsADirectory => "names what is no plain file",
        // So the library says that a path leads out; so does the system of what is not to be read.
        _ => "names a file that is not beneath its folder, or cannot be read",
    };
    Fault::new(
        format!("{sentence}, received `{}`", shown(path)),
        "send its path relative to the folder, without `..` and links that lead out",
    )
}
