//! What is the server's own among the files of its machine, so that no wrapped program reaches it.

use std::path::{self, Path, PathBuf};

use farcall_config::{Audit, Storage};

/// The `farcall.toml` at `file`, where there is one, the `.env` that may hold secrets, the audit log, and every
/// place in which jobs and files of all callers are.
pub(crate) fn withheld(
    file: Option<&Path>,
    storage: &Storage,
    audit: Option<&Audit>,
) -> Vec<PathBuf> {
    let audit = audit.and_then(|audit| audit.file.as_deref());
    let artifacts = storage.artifacts.as_ref();
    let folder = artifacts.and_then(|place| place.url.to_file_path().ok());
    let own = [Path::new(".env"), &storage.data_dir];
    let own = own
        .into_iter()
        .chain(file)
        .chain(audit)
        .filter_map(|place| path::absolute(place).ok());
    own.chain(folder).collect()
}
