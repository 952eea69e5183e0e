//! Where it is written who called what.

use std::path::PathBuf;

use crate::{Source, variables};

/// Where it is written who called what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// To the end of which file; none for standard output.
    pub file: Option<PathBuf>,
    /// Whether it says what calls were made with, and not only its hash.
    pub values: bool,
}

impl Audit {
    /// The audit log, where there is to be one.
    pub fn read(source: &Source) -> Option<Self> {
        let place = source.filled(&variables::FARCALL_AUDIT)?;
        Some(Self {
            file: (place != "stdout").then(|| PathBuf::from(place)),
            values: source.is_on(&variables::FARCALL_AUDIT_VALUES),
        })
    }
}
