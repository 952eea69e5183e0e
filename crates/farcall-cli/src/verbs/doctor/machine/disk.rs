//! How much room there is where jobs write.

use std::path::{Path, PathBuf};

use super::{
    super::finding::{Chart, Finding},
    Machine,
};
use crate::words::bytes;

const CHECK: &str = "disk";

/// So many times what a start needs is no reason to worry.
const COMFORT: u64 = 4;

pub(super) fn look(machine: &Machine, chart: &mut Chart) {
    let folder = existing(&machine.config.storage.data_dir);
    let least = machine.config.jobs.min_free;
    let shown = folder.display();
    chart.add(match rustix::fs::statvfs(&folder) {
        Err(error) => Finding::unverified(CHECK, format!("the space of `{shown}` is not told: {error}")),
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let said = format!("{} are free at `{shown}`, and a job needs {} to start", bytes(free), bytes(least));
            if free < least {
                Finding::broken(CHECK, said)
                    .cause("the disk is full: starts are refused with `storage_full`")
                    .remedy("make room there, let jobs be kept for a shorter time, or put FARCALL_DATA_DIR on another disk; FARCALL_MIN_FREE is the limit")
            } else if free < least.saturating_mul(COMFORT) {
                Finding::warning(CHECK, said)
                    .cause("the disk is nearly full")
                    .remedy("make room before starts are refused with `storage_full`")
            } else {
                Finding::ok(CHECK, said)
            }
        }
    });
}

/// The folder, or the nearest above it that is there.
fn existing(folder: &Path) -> PathBuf {
    let mut ancestors = folder.ancestors();
    let found = ancestors.find(|ancestor| ancestor.is_dir());
    found.map_or_else(|| PathBuf::from("."), Path::to_owned)
}
