//! `handoff`: what somebody needs who connects a client to this server, as one block for the client's own file.
//!
//! Standard output is the block alone, or with `--sheet` what goes along with it; where it belongs is talk, on standard
//! error. A secret is nowhere: the block names variables.

mod elsewhere;
mod here;

use clap::builder::PossibleValuesParser;
use farcall_server::connect::{Auth, CLIENTS, Client, Registration, client};
use secrecy::SecretString;
use serde_json::json;

use crate::{
    Failure,
    subject::Subject,
    terminal::{print, print_json, printable, talk},
};

/// What `handoff` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Without a URL it reads what a server in this folder would read, and lists the tools of this project: mounted servers are
started to be asked. With one, the server there is asked for its tools, as the caller that the headers identify.

Environment:
  FARCALL_TOKEN, else MCP_BEARER_TOKEN   With a URL: token of the server, sent as `Authorization: Bearer …`
The token is sent to other machines only over TLS; a --header is always sent.

Exit status: 0 fine, 1 the server at the URL does not tell its tools, 2 the configuration or the command is wrong")]
pub struct Flags {
    /// URL of a server's MCP endpoint, instead of this project
    url: Option<String>,
    /// Client to print the configuration for
    #[arg(long, value_name = "NAME", default_value = CLIENTS[0].id, value_parser = known())]
    client: String,
    /// What callers send, if the configuration cannot say it
    #[arg(long, value_name = "WORD")]
    auth: Option<Sent>,
    /// Header to send with every request to the URL; can be given several times
    #[arg(long = "header", value_name = "NAME: VALUE", requires = "url")]
    headers: Vec<SecretString>,
    /// Print a sheet that goes with the configuration: tools, jobs, how to send the secret
    #[arg(long)]
    sheet: bool,
    /// Print one JSON object with all of it
    #[arg(long)]
    json: bool,
}

fn known() -> PossibleValuesParser {
    PossibleValuesParser::new(CLIENTS.map(|client| client.id))
}

/// What callers send to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Sent {
    /// A token, as `Authorization: Bearer …`
    Bearer,
    /// The two headers of a service token of Cloudflare Access
    Cloudflare,
    /// What the client gets from an authorization server
    Oauth,
    /// Nothing
    None,
}

impl From<Sent> for Auth {
    fn from(sent: Sent) -> Self {
        match sent {
            Sent::Bearer => Self::Bearer,
            Sent::Cloudflare => Self::Access,
            Sent::Oauth => Self::OAuth,
            Sent::None => Self::Open,
        }
    }
}

/// The word for it on the command line.
fn word(auth: Auth) -> &'static str {
    match auth {
        Auth::Access => "cloudflare",
        Auth::Bearer => "bearer",
        Auth::OAuth => "oauth",
        Auth::Open => "none",
    }
}

pub(crate) async fn handoff(subject: Subject<'_>, flags: Flags) -> Result<(), Failure> {
    let auth = flags.auth.map(Auth::from);
    let server = match &flags.url {
        Some(url) => elsewhere::registration(url, &flags.headers, auth).await?,
        None => here::registration(subject, auth).await?,
    };
    // clap knows the names.
    let client = client(&flags.client).unwrap_or(&CLIENTS[0]);
    warn(&server);
    if flags.json {
        print_json(&as_json(&server, client));
    } else if flags.sheet {
        print(server.sheet(client).trim_end());
    } else {
        print(&client.block(&server));
        talk(&server.steps(client));
        if !client.note.is_empty() {
            talk(client.note);
        }
        if !server.variables().is_empty() {
            talk("what to hand over with it, and how to send the secret: the same with --sheet");
        }
    }
    Ok(())
}

fn warn(server: &Registration) {
    for name in server.unusable() {
        talk(&format!(
            "warning: the tool `{}` is in no block: no client could name it so",
            printable(name)
        ));
    }
}

fn as_json(server: &Registration, client: &Client) -> serde_json::Value {
    let tools = server.tools.iter().flatten();
    let tools = tools.map(|tool| json!({"name": tool.name, "description": tool.description}));
    json!({
        "name": server.name,
        "version": server.version,
        "url": server.url,
        "auth": word(server.auth),
        "variables": server.variables(),
        "client": client.id,
        "file": client.file,
        "format": client.format.fence(),
        "block": client.block(server),
        "tools": tools.collect::<Vec<_>>(),
        "jobs": server.jobs().keys().collect::<Vec<_>>(),
        "sheet": server.sheet(client),
    })
}

#[cfg(test)]
mod tests {
    use farcall_server::connect::{Format, Tool};
    use toml::de::{DeTable, DeValue};

    use super::*;

    #[test]
    fn what_is_called_toml_is_toml() {
        let tools = ["add", "a.b/c"].map(|name| Tool {
            name: name.to_owned(),
            description: String::new(),
        });
        for auth in [Auth::Access, Auth::Bearer, Auth::OAuth, Auth::Open] {
            let server = Registration {
                name: "42".to_owned(),
                version: "1".to_owned(),
                title: None,
                url: "https://example.com/mcp".to_owned(),
                auth,
                tools: Some(tools.to_vec()),
                keeps_contract: true,
            };
            for client in CLIENTS
                .iter()
                .filter(|client| client.format == Format::Toml)
            {
                let block = client.block(&server);
                let table =
                    DeTable::parse(&block).unwrap_or_else(|error| panic!("{error}\n{block}"));
                let DeValue::Table(servers) = table.get_ref()["mcp_servers"].get_ref() else {
                    panic!("{block}");
                };
                assert!(servers.contains_key("42"), "{block}");
            }
        }
    }
}
