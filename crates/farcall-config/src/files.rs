//! How callers fetch files.

use std::time::Duration;

use crate::{Fault, Source, reader::Reader, units, variables};

/// How long a link opens its file.
const DEFAULT_LIFETIME: Duration = Duration::from_hours(1);

/// The longest that it may; a link is a credential that is passed on easily.
const LONGEST_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// How callers fetch files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Files {
    /// How long a signed link opens its file: an hour by default, a second at least, seven days at
    /// most.
    pub link_lifetime: Duration,
    /// Whether files of a bucket are fetched from the bucket itself.
    pub redirects: bool,
}

impl Files {
    pub(crate) fn read(source: &Source, faults: &mut Vec<Fault>) -> Self {
        let within =
            |lifetime: &Duration| (Duration::from_secs(1)..=LONGEST_LIFETIME).contains(lifetime);
        Self {
            link_lifetime: Reader { source, faults }
                .parsed(
                    &variables::FARCALL_LINK_LIFETIME,
                    |text| units::duration(text).filter(within),
                    "a lifetime of links",
                    "write a whole number and s, m, h or d, from 1s to 7d, for example 1h",
                )
                .unwrap_or(DEFAULT_LIFETIME),
            redirects: source.is_on(&variables::FARCALL_REDIRECT_FILES),
        }
    }
}
