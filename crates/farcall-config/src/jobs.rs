//! How this process takes part in the work.

use std::{collections::BTreeMap, fmt, num::NonZeroUsize, time::Duration};

use farcall_core::job::is_slot_name;

use crate::{Fault, Source, reader::Reader, units, variables};

/// How long running jobs may go on when the server stops.
const DEFAULT_DRAIN: Duration = Duration::from_secs(30);

/// How much room a start of a job needs (64 MiB).
const DEFAULT_MIN_FREE: u64 = 64 << 20;

/// How this process takes part in the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jobs {
    /// What it does; everything by default.
    pub role: Role,
    /// What it supplies to jobs, by name; nothing by default.
    pub slots: BTreeMap<String, u32>,
    /// How many jobs run in it at once; where it is not set, the program decides.
    pub concurrency: Option<NonZeroUsize>,
    /// Free space in bytes below which no job is started; 64 MiB by default, 0 for none.
    pub min_free: u64,
    /// How long running jobs may go on when it stops; 30 seconds by default.
    pub drain: Duration,
}

/// What a process does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It answers callers and runs jobs.
    #[default]
    All,
    /// It answers callers.
    Api,
    /// It runs jobs.
    Worker,
}

impl Role {
    /// Whether it answers callers.
    pub fn answers(self) -> bool {
        self != Self::Worker
    }

    /// Whether it runs jobs.
    pub fn works(self) -> bool {
        self != Self::Api
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Worker => "worker",
        })
    }
}

impl Jobs {
    pub(crate) fn read(source: &Source, faults: &mut Vec<Fault>) -> Self {
        let mut read = Reader { source, faults };
        Self {
            role: read
                .parsed(
                    &variables::FARCALL_ROLE,
                    role,
                    "a role",
                    "use all, api or worker",
                )
                .unwrap_or_default(),
            slots: read
                .parsed(
                    &variables::FARCALL_SLOTS,
                    slots,
                    "a list of slots",
                    "write names of a-z, 0-9 and _ with numbers, for example gpu=1,ram_gb=64",
                )
                .unwrap_or_default(),
            concurrency: read.parsed(
                &variables::FARCALL_CONCURRENCY,
                |text| text.parse().ok(),
                "a number of jobs",
                "use a whole number, 1 or more",
            ),
            min_free: read
                .parsed(
                    &variables::FARCALL_MIN_FREE,
                    units::bytes,
                    "a size",
                    "write a whole number and B, KiB, MiB or GiB, for example 64MiB",
                )
                .unwrap_or(DEFAULT_MIN_FREE),
            drain: read
                .parsed(
                    &variables::FARCALL_DRAIN,
                    units::duration,
                    "a duration",
                    "write a whole number and ms, s, m, h or d, for example 30s",
                )
                .unwrap_or(DEFAULT_DRAIN),
        }
    }
}

fn role(text: &str) -> Option<Role> {
    Some(match text {
        "all" => Role::All,
        "api" => Role::Api,
        "worker" => Role::Worker,
        _ => return None,
    })
}

fn slots(text: &str) -> Option<BTreeMap<String, u32>> {
    let mut slots = BTreeMap::new();
    for entry in text.split(',') {
        let (name, count) = entry.split_once('=')?;
        let (name, count) = (name.trim(), count.trim().parse().ok()?);
        let is_new = slots.insert(name.to_owned(), count).is_none();
        if !is_new || !is_slot_name(name) || count == 0 {
            return None;
        }
    }
    Some(slots)
}
