//! What clients call the parts of an entry: each has names of its own for the same.

use serde_json::Value;

use super::{
    Enabled, LARGEST, MOST, Registration, Substitution, has_placeholder, notation, program,
};
use crate::client::one_line;

/// Where Zed has its servers.
const ZED: &str = "/context_servers";

/// Where the servers are, of those that call it otherwise than others the inner one first.
const SERVERS: [&str; 7] = [
    "/tools/mcpServers",
    "/mcpServers",
    "/mcp_servers",
    "/servers",
    "/mcp/servers",
    "/mcp",
    ZED,
];

/// What the list of tools is called.
const TOOLS: [&str; 4] = [
    "enabledTools",
    "includeTools",
    "allowedTools",
    "enabled_tools",
];

/// All entries of a text that have a URL, JSON or the TOML of Codex.
///
/// # Errors
/// What it is instead.
pub(super) fn entries(text: &str) -> Result<Vec<Registration>, String> {
    let (root, is_toml) = notation::parsed(text)?;
    let servers = SERVERS.iter();
    let mut servers = servers.filter_map(|place| Some((*place, root.pointer(place)?)));
    let (place, servers) = servers.next().unwrap_or(("", &root));
    let substitution = match place {
        _ if is_toml => Substitution::Codex,
        ZED => Substitution::None,
        _ => Substitution::Client,
    };
    let servers = servers.as_object().ok_or("it is no JSON object")?;
    // Claude Code has those of each project beside those of all.
    let projects = root.get("projects").and_then(Value::as_object);
    let projects = projects.into_iter().flatten();
    let of_projects = projects.filter_map(|(_, project)| project.get("mcpServers")?.as_object());
    let (mut entries, mut size) = (Vec::new(), 0);
    for (name, entry) in servers.iter().chain(of_projects.flatten()) {
        let Some(entry) = of(name, entry, substitution) else {
            continue;
        };
        if entry.headers.len() > MOST {
            let name = one_line(name);
            return Err(format!(
                "`{name}` has more headers than the {MOST} that servers take"
            ));
        }
        let values = entry.headers.iter().map(|(_, value)| value.len() as u64);
        size += values.sum::<u64>();
        if size > LARGEST {
            return Err(
                "it is larger than 1 MiB with what stands below `env` in the place of variables"
                    .to_owned(),
            );
        }
        entries.push(entry);
    }
    if entries.is_empty() {
        return Err("it registers no server with a URL".to_owned());
    }
    Ok(entries)
}

/// One entry, where it has a URL.
fn of(name: &str, entry: &Value, substitution: Substitution) -> Option<Registration> {
    let mut urls = ["url", "httpUrl", "serverUrl"].iter();
    let url = urls.find_map(|key| entry.get(key)?.as_str());
    let Some(url) = url else {
        return program::of(name, entry);
    };
    let substitution = match substitution {
        Substitution::Client if is_clines(entry) => Substitution::None,
        other => other,
    };
    let (headers, left) = headers(entry, substitution);
    let table = entry.get("headers").and_then(Value::as_object);
    let has_table = table.is_some_and(|table| !table.is_empty());
    Some(Registration {
        name: name.to_owned(),
        url: url.to_owned(),
        headers,
        enabled: enabled(name, entry),
        substitution,
        left,
        is_ignored: has_table && substitution == Substitution::Codex,
    })
}

/// Whether an entry is Cline's: others that call the transport so can be turned off by other names, or not at all.
fn is_clines(entry: &Value) -> bool {
    entry["type"] == "streamableHttp" && entry.get("disabled").is_some()
}

/// The headers, as they are written, and the names of those in which a variable stays as it is written.
fn headers(entry: &Value, substitution: Substitution) -> (Vec<(String, String)>, Vec<String>) {
    let pairs = |key: &str| {
        let pairs = entry.get(key).and_then(Value::as_object);
        let pairs = pairs.into_iter().flatten();
        pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
    };
    let is_codex = substitution == Substitution::Codex;
    let written = if is_codex { "http_headers" } else { "headers" };
    let mut headers: Vec<_> = pairs(written).collect();
    let stays = |value: &str| substitution != Substitution::Client && has_placeholder(value);
    let left = headers.iter().filter(|(_, value)| stays(value));
    let left = left.map(|(name, _)| name.clone()).collect();
    if is_codex {
        // It has a table of variables beside that of values, and a key for the variable of a token.
        let named = |variable: &str| match variable.trim() {
            "" => String::new(),
            variable => format!("${{{variable}}}"),
        };
        let of_variables = pairs("env_http_headers");
        headers.extend(of_variables.map(|(name, variable)| (name, named(&variable))));
        let token = entry.get("bearer_token_env_var").and_then(Value::as_str);
        headers.extend(token.map(|variable| {
            let value = format!("Bearer {}", named(variable));
            ("Authorization".to_owned(), value)
        }));
    }
    (headers, left)
}

/// The list of tools.
pub(super) fn enabled(name: &str, entry: &Value) -> Enabled {
    let mut lists = TOOLS.iter().filter_map(|key| Some((*key, entry.get(key)?)));
    let Some((key, list)) = lists.next() else {
        return Enabled::Unsaid;
    };
    let Some(list) = list.as_array() else {
        return Enabled::Malformed(key);
    };
    // nanobot takes the name under which its agent has a tool as well, and a star for all of them.
    let own = format!("mcp_{name}_");
    let plain = |tool: &str| tool.strip_prefix(&own).unwrap_or(tool).to_owned();
    let names = list.iter().map(|tool| tool.as_str().map(plain));
    match names.collect::<Option<Vec<_>>>() {
        Some(names) if names.iter().any(|name| name == "*") => Enabled::All,
        Some(names) => Enabled::Names(names),
        None => Enabled::Malformed(key),
    }
}

#[cfg(test)]
mod tests {
    use farcall_server::connect::{self, Auth, CLIENTS, Format, Tool};

    use super::*;

    const URL: &str = "https://farm.example.com/mcp";

    fn block(client: &connect::Client, auth: Auth) -> String {
        client.block(&connect::Registration {
            name: "farm-mcp".to_owned(),
            version: "1".to_owned(),
            title: None,
            url: URL.to_owned(),
            auth,
            tools: Some(vec![Tool {
                name: "add".to_owned(),
                description: String::new(),
            }]),
            keeps_contract: true,
        })
    }

    #[test]
    fn what_a_hand_off_writes_for_a_client_is_read() {
        let readable = CLIENTS
            .iter()
            .filter(|client| client.format != Format::Yaml);
        for client in readable {
            for auth in [Auth::Access, Auth::Bearer, Auth::OAuth, Auth::Open] {
                let block = block(client, auth);
                let entries = entries(&block).unwrap_or_else(|why| panic!("{why}\n{block}"));
                assert_eq!(entries.len(), 1, "{block}");
                let entry = &entries[0];
                assert_eq!((entry.name.as_str(), entry.url.as_str()), ("farm-mcp", URL));
                let names: Vec<_> = entry
                    .headers
                    .iter()
                    .map(|(name, _)| name.as_str())
                    .collect();
                let expected: &[&str] = match auth {
                    Auth::Access => &["CF-Access-Client-Id", "CF-Access-Client-Secret"],
                    Auth::Bearer => &["Authorization"],
                    Auth::OAuth | Auth::Open => &[],
                };
                assert_eq!(names, expected, "{block}");
                if auth == Auth::Bearer && client.id != "vscode" {
                    let value = &entry.headers[0].1;
                    assert!(
                        value.starts_with("Bearer ") && value.contains("FARM_MCP_TOKEN}"),
                        "{value}"
                    );
                }
                let is_listed = block.contains("\"add\"");
                let tools = ["add".to_owned()];
                assert_eq!(
                    entry.enabled.names(),
                    is_listed.then_some(&tools[..]),
                    "{block}"
                );
            }
        }
    }

    #[test]
    fn the_yaml_of_goose_is_not_read_and_not_misread() {
        let goose = connect::client("goose").unwrap();
        assert!(entries(&block(goose, Auth::Bearer)).is_err());
    }

    #[test]
    fn servers_are_read_among_other_settings() {
        for text in [
            r#"{"mcp": {"inputs": [], "servers": {"a": {"url": "https://a/mcp"}}}}"#,
            r#"{"mcp": {"a": {"type": "remote", "url": "https://a/mcp"}}}"#,
            r#"{"projects": {"/b": {}, "/c": {"mcpServers": {"a": {"url": "https://a/mcp"}}}}}"#,
            r#"{"mcpServers": {}, "projects": {"/c": {"mcpServers": {"a": {"url": "https://a/mcp"}}}}}"#,
        ] {
            let entries = entries(text).unwrap();
            let urls: Vec<_> = entries.iter().map(|entry| entry.url.as_str()).collect();
            assert_eq!(urls, ["https://a/mcp"], "{text}");
        }
        let text = r#"{"mcpServers": {"a": {"url": "https://a/mcp"}},
            "projects": {"/c": {"mcpServers": {"b": {"url": "https://b/mcp"}}}}}"#;
        let entries = entries(text).unwrap();
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn names_that_nanobot_gives_tools_are_theirs() {
        let text = r#"{"a": {"url": "https://a/mcp", "enabledTools": ["mcp_a_add", "sub"]}}"#;
        let entry = entries(text).unwrap().remove(0);
        let names = ["add".to_owned(), "sub".to_owned()];
        assert_eq!(entry.enabled.names(), Some(&names[..]));
    }

    #[test]
    fn what_registers_nothing_is_none() {
        for text in [
            "",
            "[]",
            "3",
            "{}",
            "a = 1",
            r#"{"mcpServers": []}"#,
            r#"{"mcpServers": {"a": {"command": "x"}}}"#,
            r#"{"mcpServers": {"a": {"command": "npx", "args": ["mcp-remote"]}}}"#,
            r#"{"mcpServers": {"a": {"command": "npx", "args": ["mcp-remoter", "https://a/mcp"]}}}"#,
        ] {
            assert!(entries(text).is_err(), "{text}");
        }
    }
}
