//! `token`: names callers and hands out what they are known by, beside a server or while it is down.
//!
//! Standard output is the token that was made, or what was asked for; everything else is talk, on
//! standard error. A token is shown once: the store has its SHA-256 alone.

mod create;
mod fresh;
mod list;
mod revoke;
mod rotate;
mod said;

use clap::Subcommand;
use farcall_store::CallerName;

use crate::{
    Failure,
    attach::{DataFlags, attach, attach_or_make},
    terminal::quoted,
};

/// What `token` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
The callers are those of the database in FARCALL_DATABASE_URL, else those in the data folder. Servers
that run take up every change within a second. Once a caller exists, servers refuse requests without
a credential.

Exit status: 0 fine, 1 a caller or token is unknown or refused, 2 usage or configuration"
)]
pub struct Flags {
    #[command(flatten)]
    data: DataFlags,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Clone, Debug, Subcommand)]
enum Verb {
    /// Create a caller, and print its token
    Create(create::Flags),
    /// List callers and their tokens
    List(list::Flags),
    /// Revoke a token, or all tokens of a caller
    Revoke(revoke::Flags),
    /// Print a new token for a caller; the previous ones end after a while
    Rotate(rotate::Flags),
}

pub(crate) async fn token(flags: Flags) -> Result<(), Failure> {
    let (_, storage) = flags.data.read()?;
    let store = match &flags.verb {
        // Who may call is said before there is a server, too.
        Verb::Create(_) => attach_or_make(&storage).await?,
        _ => attach(&storage).await?,
    };
    let outcome = match flags.verb {
        Verb::Create(flags) => create::create(store.as_ref(), flags).await,
        Verb::List(flags) => list::list(store.as_ref(), flags).await,
        Verb::Revoke(flags) => revoke::revoke(store.as_ref(), flags).await,
        Verb::Rotate(flags) => rotate::rotate(store.as_ref(), flags).await,
    };
    store.close().await;
    outcome
}

fn name(typed: &str) -> Result<CallerName, Failure> {
    CallerName::parse(typed).map_err(|fault| {
        let typed = quoted(typed);
        Failure::usage(format!("no caller can be called `{typed}`: {fault}"))
            .hint("choose a name such as `ci` or `render-farm`")
    })
}

fn unknown(name: &CallerName) -> Failure {
    Failure::failed(format!("there is no caller `{name}`"))
        .hint("`token list` has those there are, `token create` makes one")
}
