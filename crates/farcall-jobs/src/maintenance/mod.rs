//! What keeps jobs and their files in order around the work itself.

mod prune;
mod recover;
mod strays;
mod sweep;

pub(crate) use self::recover::recover;
use crate::runner::Services;

/// Begins what is done again and again until the server stops.
pub(crate) fn start(services: &Services) {
    tokio::spawn(sweep::keep_sweeping(services.clone()));
    tokio::spawn(prune::keep_pruning(services.clone()));
    tokio::spawn(strays::keep_tidy(services.clone()));
}
