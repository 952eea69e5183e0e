//! `schema`: the JSON Schema of `farcall.toml`, for editors.

use farcall_config::file;

use crate::{Failure, terminal::print};

/// What `schema` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Editors with Taplo or Even Better TOML read it by a comment on the first line of farcall.toml:
  #:schema ./farcall.schema.json")]
pub struct Flags {}

pub(crate) fn schema(Flags {}: Flags) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&file::schema())
        .map_err(|error| Failure::failed(format!("the schema cannot be written: {error}")))?;
    print(&text);
    Ok(())
}
