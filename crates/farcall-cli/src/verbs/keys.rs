//! `keys`: shows and exchanges the keys that servers share, beside them or while they are down.
//!
//! Keys are shown by what they are called in links; no key is ever printed.

mod list;
mod rotate;
mod said;

use clap::Subcommand;
use farcall_config::variables;

use crate::{
    Failure,
    attach::{DataFlags, attach},
};

/// What `keys` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Servers sign links to files, and what travels through a client between two rounds of a call. The keys
are in the database of FARCALL_DATABASE_URL, else in the data folder; servers that run take up every
change within seconds. Servers with FARCALL_SECRET make theirs from it, and do not ask for these.

Exit status: 0 fine, 1 the keys were rotated a moment ago, 2 usage or configuration"
)]
pub struct Flags {
    #[command(flatten)]
    data: DataFlags,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Clone, Debug, Subcommand)]
enum Verb {
    /// List the keys: what they are called, which of them signs, how old they are
    List(list::Flags),
    /// Make a new key for each purpose; the previous ones are accepted until the next rotation
    Rotate(rotate::Flags),
}

pub(crate) async fn keys(flags: Flags) -> Result<(), Failure> {
    let (source, storage) = flags.data.read()?;
    if source.is_set(&variables::FARCALL_SECRET) {
        return Err(Failure::usage(
            "`FARCALL_SECRET` is set: keys are made from it, and those in the store sign nothing",
        )
        .hint("to change it, see \"Links to files\" in docs/guide/operate.md; or unset it, for servers as well"));
    }
    let store = attach(&storage).await?;
    let outcome = match flags.verb {
        Verb::List(flags) => list::list(store.as_ref(), flags).await,
        Verb::Rotate(flags) => rotate::rotate(store.as_ref(), flags).await,
    };
    store.close().await;
    outcome
}
