//! `token create`: somebody gets a name, rights and a first token.

use std::{fmt::Write, time::Duration};

use farcall_config::units;
use farcall_core::{allowance::ToolAllowance, principal::Scope};
use farcall_store::{JobStore, Rights};

use super::{fresh::Fresh, name, said};
use crate::{Failure, terminal::talk, words::span};

/// What `token create` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Flags {
    /// Name of the caller: a-z, 0-9, `_` and `-`
    name: String,
    /// Only these tools: names, or the beginning of names and `*` [default: all tools]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    tools: Option<Vec<String>>,
    /// What it may do: call, admin
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "call",
          value_parser = scope)]
    scopes: Vec<Scope>,
    /// How long its token is good, for example 90d [default: until it is revoked]
    #[arg(long, value_name = "TIME", value_parser = lifetime, allow_hyphen_values = true)]
    expires: Option<Duration>,
    /// How many of its jobs may wait or run at any moment [default: no limit]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true,
          value_parser = clap::value_parser!(u32).range(1..))]
    max_jobs: Option<u32>,
    /// Print one JSON object: {"name": "ci", "id": "...", "token": "..."}
    #[arg(long)]
    json: bool,
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| "the scopes are `call` and `admin`".to_owned())
}

/// A time that has a length.
pub(super) fn lifetime(text: &str) -> Result<Duration, String> {
    let time = units::duration(text).filter(|time| !time.is_zero());
    time.ok_or_else(|| "write a whole number and s, m, h or d, for example 90d".to_owned())
}

pub(super) async fn create(store: &dyn JobStore, flags: Flags) -> Result<(), Failure> {
    let name = name(&flags.name)?;
    let tools = flags.tools.map(|tools| {
        ToolAllowance::new(tools.iter().map(|tool| tool.trim()))
            .map_err(|error| Failure::usage(error.to_string()).hint(error.hint()))
    });
    let rights = Rights {
        scopes: flags.scopes.into_iter().collect(),
        tools: tools.transpose()?,
        max_open_jobs: flags.max_jobs,
    };
    let is_first = store.callers().await?.callers.is_empty();
    let fresh = Fresh::new(flags.expires)?;
    let is_made = store.admit(&name, &rights, &fresh.kept).await?;
    if !is_made {
        return Err(Failure::failed(format!("there is a caller `{name}` already"))
            .hint(format!(
                "`token rotate {name}` gives it another token; `token revoke {name}` ends those it has, and then it can be made again with other rights"
            )));
    }
    said::show_made(&name, &fresh, flags.json);
    let [scopes, tools, limit] = said::in_columns(&rights);
    let mut about = format!("caller `{name}`: scopes {scopes}; tools {tools}");
    if rights.max_open_jobs.is_some() {
        let _ = write!(about, "; at most {limit} open jobs");
    }
    if let Some(time) = flags.expires {
        let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let _ = write!(about, "; its token ends in {}", span(time));
    }
    talk(&about);
    talk("the token is shown this once; nobody can read it again");
    if is_first {
        talk(
            "this is the first caller: within a second, servers that use this store refuse requests without a credential",
        );
    }
    Ok(())
}
