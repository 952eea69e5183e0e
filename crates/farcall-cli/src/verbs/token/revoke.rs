//! `token revoke`: ends tokens for good.

use farcall_store::{Caller, JobStore, Revoked, Token, TokenId};
use serde_json::json;

use super::{name, unknown};
use crate::{
    Failure,
    terminal::{print, print_json, talk},
};

/// What `token revoke` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Flags {
    /// Name of a caller for all its tokens; or a token, as fc_ and its id
    #[arg(value_name = "NAME|TOKEN")]
    which: String,
    /// Print one JSON object: {"revoked": [{"name": "ci", "id": "..."}]}
    #[arg(long)]
    json: bool,
}

pub(super) async fn revoke(store: &dyn JobStore, flags: Flags) -> Result<(), Failure> {
    let which = meant(&flags.which)?;
    let callers = store.callers().await?;
    let now = callers.edition.read_at;
    let mut meant = found(&callers.callers, &which)?;
    meant.retain(|(_, token)| !token.is_over(now));
    store.revoke(&which).await?;
    if flags.json {
        let revoked = meant
            .iter()
            .map(|(caller, token)| json!({"name": caller.name.as_str(), "id": token.id.as_str()}));
        print_json(&json!({"revoked": revoked.collect::<Vec<_>>()}));
    } else {
        for (caller, token) in &meant {
            print(&format!("{:#} {} is revoked", token.id, caller.name));
        }
    }
    talk(if meant.is_empty() {
        "nothing was left to revoke"
    } else {
        "every server refuses what is revoked within a second; jobs that were started go on"
    });
    Ok(())
}

fn meant(typed: &str) -> Result<Revoked, Failure> {
    let Some(rest) = typed.strip_prefix("fc_") else {
        return name(typed).map(Revoked::Caller);
    };
    // Who finds a token that somebody lost has all of it.
    let id = TokenId::within(typed).unwrap_or(rest);
    TokenId::parse(id).map(Revoked::Token).ok_or_else(|| {
        Failure::usage("what begins with `fc_` is neither a token nor the beginning of one")
            .hint("write `fc_` and the twelve characters that `token list` shows")
    })
}

/// The tokens that are meant, with whom they belong to.
fn found<'a>(
    callers: &'a [Caller],
    which: &Revoked,
) -> Result<Vec<(&'a Caller, &'a Token)>, Failure> {
    match which {
        Revoked::Caller(name) => {
            let caller = callers.iter().find(|caller| caller.name == *name);
            let caller = caller.ok_or_else(|| unknown(name))?;
            Ok(caller.tokens.iter().map(|token| (caller, token)).collect())
        }
        Revoked::Token(id) => {
            let all = callers.iter().flat_map(|caller| {
                let tokens = caller.tokens.iter();
                tokens.map(move |token| (caller, token))
            });
            let found: Vec<_> = all.filter(|(_, token)| token.id == *id).collect();
            if found.is_empty() {
                return Err(Failure::failed(format!("there is no token `{id:#}`"))
                    .hint("`token list` has those there are"));
            }
            Ok(found)
        }
    }
}
