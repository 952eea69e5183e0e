//! Where data lives.

use std::path::PathBuf;

use crate::{Source, variables};

/// Where data lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Folder of the job store and of the files; created where it is missing.
    pub data_dir: PathBuf,
}

impl Storage {
    pub(crate) fn read(source: &Source) -> Self {
        let folder = source.filled(&variables::FARCALL_DATA_DIR);
        Self {
            data_dir: folder.unwrap_or(variables::FARCALL_DATA_DIR.default).into(),
        }
    }
}
