//! How clients connect: what each wants to be told of a server, in its own language.
//!
//! `clients` is the table, `blocks` what is written into each client's file, `sheet` what its people get with it. The
//! command line's `handoff`, the `page` for browsers, what `llms` tells a model (`answers` sends both), and
//! `docs/reference/clients.md` are made from these. Names and descriptions of tools may be anybody's, so `text` quotes them in every language.

mod answers;
mod blocks;
mod clients;
mod llms;
mod page;
mod sheet;
mod text;

use std::collections::BTreeMap;

pub(crate) use self::answers::{Door, LLMS, to_browsers, to_models};
pub use self::clients::{CLIENTS, Client, Format, MCP_REMOTE, Secrets, Tried, client};

/// What whoever connects to a server has to know of it.
#[derive(Clone, Debug)]
pub struct Registration {
    /// What the server calls itself; any text.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its name for people, where it has one.
    pub title: Option<String>,
    /// The URL of its MCP endpoint, without credentials and query.
    pub url: String,
    /// What callers send.
    pub auth: Auth,
    /// Its tools, in its order; `None` where they are not told.
    pub tools: Option<Vec<Tool>>,
    /// Whether its jobs are known to be ours, which last and are the same when they are started twice under one key;
    /// tools of these names may be anybody's.
    pub keeps_contract: bool,
}

/// A tool, as far as people have to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name; of a server elsewhere any text.
    pub name: String,
    /// What it does; any text.
    pub description: String,
}

/// What callers send to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// The two headers of a service token of Cloudflare Access.
    Access,
    /// A token, as `Authorization: Bearer …`.
    Bearer,
    /// What a client gets by itself from an authorization server.
    OAuth,
    /// Nothing.
    Open,
}

/// A header that carries a secret.
pub(crate) struct Header {
    pub(crate) name: &'static str,
    /// What stands before the secret.
    pub(crate) before: &'static str,
    /// The variable that holds the secret.
    pub(crate) variable: String,
    /// What the secret is, in a few words.
    pub(crate) holds: &'static str,
}

impl Registration {
    /// The name as clients and shells take it: small letters, digits and single dashes.
    pub fn slug(&self) -> String {
        slug(&self.name)
    }

    /// The variables in which somebody who calls this server keeps the secrets, in the order of the headers.
    pub fn variables(&self) -> Vec<String> {
        let headers = self.headers().into_iter();
        headers.map(|header| header.variable).collect()
    }

    /// The headers that carry secrets.
    pub(crate) fn headers(&self) -> Vec<Header> {
        let prefix = prefix(&self.name);
        match self.auth {
            Auth::Access => vec![
                Header {
                    name: "CF-Access-Client-Id",
                    before: "",
                    variable: format!("{prefix}_CF_CLIENT_ID"),
                    holds: "the Client ID of the service token",
                },
                Header {
                    name: "CF-Access-Client-Secret",
                    before: "",
                    variable: format!("{prefix}_CF_CLIENT_SECRET"),
                    holds: "the Client Secret of the service token",
                },
            ],
            Auth::Bearer => vec![Header {
                name: "Authorization",
                before: "Bearer ",
                variable: format!("{prefix}_MCP_TOKEN"),
                holds: "the token",
            }],
            Auth::OAuth | Auth::Open => Vec::new(),
        }
    }

    /// The names of its tools, as lists of allowed tools have them; those that no client could mean are left out.
    pub fn enabled(&self) -> Vec<&str> {
        let tools = self.tools.iter().flatten();
        let names = tools.map(|tool| tool.name.as_str());
        names.filter(|name| is_name(name)).collect()
    }

    /// The names of tools that no list of allowed tools can have.
    pub fn unusable(&self) -> Vec<&str> {
        let tools = self.tools.iter().flatten();
        let names = tools.map(|tool| tool.name.as_str());
        names.filter(|name| !is_name(name)).collect()
    }

    /// Its jobs: for each the tools that start it, tell its status, and give its result, and beside them those that
    /// cancel it and show its log.
    pub fn jobs(&self) -> BTreeMap<&str, JobTools> {
        let names = self.enabled();
        let has = |name: &str| names.contains(&name);
        let started = names.iter().filter_map(|name| name.strip_prefix("start_"));
        let jobs = started
            .filter(|job| has(&format!("get_{job}_status")) && has(&format!("get_{job}_result")));
        let tools = jobs.map(|job| {
            let tools = JobTools {
                cancel: has(&format!("cancel_{job}")),
                log: has(&format!("get_{job}_log")),
            };
            (job, tools)
        });
        tools.collect()
    }
}

/// Which tools a job has beside the three that every one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobTools {
    /// `cancel_x`.
    pub cancel: bool,
    /// `get_x_log`.
    pub log: bool,
}

/// A name of anything as part of the names of units, images, hosts and registrations: small letters, digits and single
/// dashes, at most 63 of them; `farcall` where nothing is left.
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for sign in name.chars() {
        if sign.is_ascii_alphanumeric() {
            slug.push(sign.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    // A label of a host name is not longer.
    let slug: String = slug.chars().take(63).collect();
    if slug.is_empty() {
        "farcall".to_owned()
    } else {
        slug.trim_end_matches('-').to_owned()
    }
}

/// What the variables of whoever calls a server of this name begin with: `EXAMPLE` for `example-mcp`.
pub fn prefix(name: &str) -> String {
    let name = slug(name).replace('-', "_").to_ascii_uppercase();
    let prefix = name.strip_suffix("_MCP").unwrap_or(&name);
    if prefix.starts_with(|sign: char| sign.is_ascii_digit()) {
        // No shell takes a name that begins with a digit.
        format!("MCP_{prefix}")
    } else {
        prefix.to_owned()
    }
}

/// Whether a client can name a tool so: ours have letters, digits, `_` and `-`, and MCP suggests `.` and `/` besides.
fn is_name(name: &str) -> bool {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "_-./".contains(sign);
    (1..=128).contains(&name.len()) && name.chars().all(is_plain)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn example(auth: Auth) -> Registration {
        let tool = |name: &str, description: &str| Tool {
            name: name.to_owned(),
            description: description.to_owned(),
        };
        Registration {
            name: "example-mcp".to_owned(),
            version: "1.2.3".to_owned(),
            title: None,
            url: "https://example-mcp.example.com/mcp".to_owned(),
            auth,
            keeps_contract: true,
            tools: Some(vec![
                tool("add", "Add two numbers."),
                tool("start_render", "Start a render."),
                tool("get_render_status", "How it is doing."),
                tool("get_render_result", "What came of it."),
            ]),
        }
    }

    #[test]
    fn variables_are_named_after_the_server() {
        for (name, token, id) in [
            ("example-mcp", "EXAMPLE_MCP_TOKEN", "EXAMPLE_CF_CLIENT_ID"),
            (
                "Render Farm",
                "RENDER_FARM_MCP_TOKEN",
                "RENDER_FARM_CF_CLIENT_ID",
            ),
            ("mcp", "MCP_MCP_TOKEN", "MCP_CF_CLIENT_ID"),
            ("3d", "MCP_3D_MCP_TOKEN", "MCP_3D_CF_CLIENT_ID"),
            (
                "a'; rm -rf ~ #\n",
                "A_RM_RF_MCP_TOKEN",
                "A_RM_RF_CF_CLIENT_ID",
            ),
            ("漢字", "FARCALL_MCP_TOKEN", "FARCALL_CF_CLIENT_ID"),
        ] {
            let mut registration = example(Auth::Bearer);
            registration.name = name.to_owned();
            assert_eq!(registration.variables(), [token], "{name}");
            registration.auth = Auth::Access;
            assert_eq!(registration.variables()[0], id, "{name}");
        }
    }

    #[test]
    fn only_names_that_a_client_can_mean_are_enabled() {
        let mut registration = example(Auth::Open);
        let hostile = ["", "a b", "${HOME}", "\"", "x\n", "</script>"];
        let tools = hostile.map(|name| Tool {
            name: name.to_owned(),
            description: String::new(),
        });
        registration.tools.as_mut().unwrap().extend(tools);
        assert_eq!(registration.unusable(), hostile);
        assert_eq!(registration.enabled().len(), 4);
    }

    #[test]
    fn a_job_is_the_three_tools_of_the_contract() {
        let registration = example(Auth::Open);
        let jobs = registration.jobs();
        assert_eq!(jobs.keys().collect::<Vec<_>>(), [&"render"]);
        assert!(!jobs["render"].cancel && !jobs["render"].log);
    }
}
