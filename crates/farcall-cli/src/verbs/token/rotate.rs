//! `token rotate`: one more token for a caller, and an end for those it has.

use std::time::Duration;

use farcall_config::units;
use farcall_store::JobStore;

use super::{create::lifetime, fresh::Fresh, name, said, unknown};
use crate::{Failure, terminal::talk, words::span};

/// What `token rotate` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Flags {
    /// Name of the caller
    name: String,
    /// How long its current tokens stay valid; 0s ends them at once
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = overlap,
          allow_hyphen_values = true)]
    overlap: Duration,
    /// How long the new token is good, for example 90d [default: until it is revoked]
    #[arg(long, value_name = "TIME", value_parser = lifetime, allow_hyphen_values = true)]
    expires: Option<Duration>,
    /// Print one JSON object: {"name": "ci", "id": "...", "token": "..."}
    #[arg(long)]
    json: bool,
}

fn overlap(text: &str) -> Result<Duration, String> {
    let time = units::duration(text);
    time.ok_or_else(|| "write a whole number and s, m, h or d, for example 24h".to_owned())
}

pub(super) async fn rotate(store: &dyn JobStore, flags: Flags) -> Result<(), Failure> {
    let name = name(&flags.name)?;
    let fresh = Fresh::new(flags.expires)?;
    let is_made = store.rotate(&name, &fresh.kept, flags.overlap).await?;
    if !is_made {
        return Err(unknown(&name));
    }
    said::show_made(&name, &fresh, flags.json);
    let overlap = i64::try_from(flags.overlap.as_millis()).unwrap_or(i64::MAX);
    talk(&if overlap == 0 {
        format!("every earlier token of `{name}` is over")
    } else {
        format!(
            "every earlier token of `{name}` ends in {} at the latest",
            span(overlap)
        )
    });
    talk("the token is shown this once; nobody can read it again");
    Ok(())
}
