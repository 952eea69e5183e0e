//! What others of this machine may read of a server, and should not.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use farcall_config::{
    Config, Source,
    variables::{self, Variable},
};

/// Warns of a data folder and of secrets that others may read. Nothing is changed: a volume may come with such
/// rights, and somebody may have meant them.
pub(super) fn warn(config: &Config) {
    let folder = &config.storage.data_dir;
    if let Some(mode) = mode_for_others(folder) {
        let folder = folder.display();
        tracing::warn!(
            "the data folder `{folder}` has mode {mode:04o}, which is not for its owner alone; chmod 700 '{folder}'"
        );
    }
    if let Some(mode) = mode_for_others(Path::new(".env"))
        && may_hold_secrets(Path::new("."))
    {
        tracing::warn!(
            "`.env` has mode {mode:04o}, which is not for its owner alone, and it may hold secrets; chmod 600 .env"
        );
    }
}

/// The mode of what is there and not for its owner alone.
fn mode_for_others(path: &Path) -> Option<u32> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Whether anything is in it that is a secret, or that this program does not know: a key of a cloud, a password of a
/// wrapped program.
fn may_hold_secrets(folder: &Path) -> bool {
    let Ok(source) = Source::from_folder(folder) else {
        return false;
    };
    let is_named = |variable: &Variable, name: &str| variable.name == name;
    source.names().any(|name| {
        let is_secret = variables::SECRET.iter().any(|known| is_named(known, name));
        let is_known = variables::ALL.iter().any(|known| is_named(known, name));
        (is_secret || !is_known) && source.named(name).is_some_and(|value| !value.is_empty())
    })
}
