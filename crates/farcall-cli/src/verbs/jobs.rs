//! `jobs`: looks after the jobs of a server, beside it or while it is down.
//!
//! Standard output is tables and lines for people, or JSON; everything else is talk, on standard
//! error. Whatever came from callers is shown as `terminal` lets it through.

mod cancel;
mod find;
mod list;
mod retry;
mod show;
mod view;
mod watch;

use clap::Subcommand;
use farcall_store::StoreError;

use crate::{
    Failure,
    attach::{DataFlags, attach},
    running::open,
};

/// What `jobs` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
The jobs are those of the database in FARCALL_DATABASE_URL, else those in the data folder. A server
that runs goes on with its work meanwhile.

Exit status: 0 fine, 1 a job is unknown, has failed or is refused, 2 usage or configuration"
)]
pub struct Flags {
    #[command(flatten)]
    data: DataFlags,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Clone, Debug, Subcommand)]
enum Verb {
    /// List jobs, newest first
    List(list::Flags),
    /// Tell everything about a job
    Show(show::Flags),
    /// Follow jobs until they are over
    Watch(watch::Flags),
    /// Cancel jobs
    Cancel(cancel::Flags),
    /// Start a failed job again, as a new one
    Retry(retry::Flags),
}

pub(crate) async fn jobs(flags: Flags) -> Result<(), Failure> {
    let (source, storage) = flags.data.read()?;
    let store = attach(&storage).await?;
    let outcome = match flags.verb {
        Verb::List(flags) => list::list(store.as_ref(), flags).await,
        Verb::Show(flags) => show::show(store.as_ref(), &source, flags).await,
        Verb::Watch(flags) => watch::watch(store.as_ref(), flags).await,
        Verb::Cancel(flags) => cancel::cancel(store.as_ref(), flags).await,
        Verb::Retry(flags) => retry::retry(store.as_ref(), flags).await,
    };
    store.close().await;
    outcome
}

/// What the store says in the middle of a verb.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it stands behind `map_err`, where the error comes as a value"
)]
fn failed(error: StoreError) -> Failure {
    open::wrong(&error)
}
