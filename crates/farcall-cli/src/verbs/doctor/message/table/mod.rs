//! The words, what they mean, and what to do: a file for each place that messages come from.

mod answers;
mod edge;
mod entry;
mod network;
mod server;

pub(in crate::verbs::doctor) use self::edge::{BLOCKED, LIMITED, NO_ADDRESS};
pub(super) use self::server::SERVER;
use super::Meaning;

/// All that is known, from the particular to the general.
pub(super) fn all() -> impl Iterator<Item = &'static Meaning> {
    let tables = [
        SERVER,
        entry::ENTRY,
        edge::EDGE,
        network::NETWORK,
        answers::ANSWERS,
    ];
    tables.into_iter().flatten()
}

const fn known(
    words: &'static [&'static [&'static str]],
    means: &'static str,
    remedy: &'static str,
) -> Meaning {
    Meaning {
        words,
        means,
        remedy,
    }
}
