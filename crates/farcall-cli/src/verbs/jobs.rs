//! `jobs`: looks after the jobs of a server, beside it or while it is down, or from afar.
//!
//! Standard output is tables and lines for people, or JSON; everything else is talk, on standard
//! error. Whatever came from callers is shown as `terminal` lets it through.

mod cancel;
mod desk;
mod find;
mod list;
mod remote;
mod retry;
mod show;
mod watch;

use std::sync::Arc;

use clap::Subcommand;
use farcall_config::Http;
use farcall_jobs::Links;
use secrecy::SecretString;

use self::{
    desk::{Beside, Desk},
    remote::Remote,
};
use crate::{
    Failure,
    attach::{DataFlags, attach},
};

/// What `jobs` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
The jobs are those of the database in FARCALL_DATABASE_URL, else those in the data folder. A server
that runs goes on with its work meanwhile. With --server a server is asked for them, with a token that
has the scope admin.

Environment, with --server:
  FARCALL_TOKEN, else MCP_BEARER_TOKEN   Token, sent as `Authorization: Bearer …`
The token is sent to other machines only over TLS; a --header is always sent.

Exit status: 0 fine, 1 a job is unknown, has failed or is refused, 2 usage or configuration"
)]
pub struct Flags {
    #[command(flatten)]
    data: DataFlags,
    /// URL of a server to ask, instead of reading its data
    #[arg(long, global = true, value_name = "URL", conflicts_with = "data_dir")]
    server: Option<String>,
    /// Header to send with every request to the server; can be given several times
    #[arg(long = "header", global = true, value_name = "NAME: VALUE")]
    headers: Vec<SecretString>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Clone, Debug, Subcommand)]
enum Verb {
    /// List jobs, newest first
    List(list::Flags),
    /// Show everything about a job
    Show(show::Flags),
    /// Follow jobs until they are over
    Watch(watch::Flags),
    /// Cancel jobs
    Cancel(cancel::Flags),
    /// Start a failed job again, as a new one
    Retry(retry::Flags),
}

pub(crate) async fn jobs(flags: Flags) -> Result<(), Failure> {
    if let Some(url) = &flags.server {
        return run(flags.verb, &Remote::new(url, &flags.headers)?).await;
    }
    // clap sees no --server before the verb where --header stands behind it.
    if !flags.headers.is_empty() {
        return Err(
            Failure::usage("a --header is sent to a server, and none is named")
                .hint("name it: --server https://example-mcp.example.com"),
        );
    }
    let (source, storage) = flags.data.read()?;
    let store = attach(&storage).await?;
    let links = Http::files_at(&source).map(Links::new);
    let beside = Beside {
        store: Arc::clone(&store),
        links,
    };
    let outcome = run(flags.verb, &beside).await;
    store.close().await;
    outcome
}

async fn run(verb: Verb, desk: &dyn Desk) -> Result<(), Failure> {
    match verb {
        Verb::List(flags) => list::list(desk, flags).await,
        Verb::Show(flags) => show::show(desk, flags).await,
        Verb::Watch(flags) => watch::watch(desk, flags).await,
        Verb::Cancel(flags) => cancel::cancel(desk, flags).await,
        Verb::Retry(flags) => retry::retry(desk, flags).await,
    }
}
