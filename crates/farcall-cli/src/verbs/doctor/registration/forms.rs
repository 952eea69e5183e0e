//! What clients call the parts of an entry: each has names of its own for the same.

use serde_json::{Map, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Enabled, Registration, has_placeholder};
use crate::client::one_line;

/// Where the servers are, of those that call it otherwise than others the inner one first.
const SERVERS: [&str; 6] = [
    "/tools/mcpServers",
    "/mcpServers",
    "/mcp_servers",
    "/servers",
    "/mcp",
    "/context_servers",
];

/// What the list of tools is called.
const TOOLS: [&str; 5] = [
    "enabledTools",
    "includeTools",
    "allowedTools",
    "enabled_tools",
    "available_tools",
];

/// All entries of a text that have a URL, JSON or the TOML of Codex.
///
/// # Errors
/// What it is instead.
pub(super) fn entries(text: &str) -> Result<Vec<Registration>, String> {
    // Some editors begin a file with it.
    let text = text.trim_start_matches('\u{feff}');
    let root = match serde_json::from_str(text) {
        Ok(root) => root,
        Err(error) if text.trim_start().starts_with(['{', '/']) => {
            return Err(match commented(text) {
                Some(line) => format!(
                    "line {line} is a comment, and most clients read JSON without any; take it out"
                ),
                None => error.to_string(),
            });
        }
        Err(_) => from_table(toml(text)?.get_ref()),
    };
    let mut servers = SERVERS.iter().filter_map(|place| root.pointer(place));
    let servers = servers
        .next()
        .unwrap_or(&root)
        .as_object()
        .ok_or("it is no JSON object")?;
    let entries: Vec<_> = servers
        .iter()
        .filter_map(|(name, entry)| of(name, entry))
        .collect();
    if entries.is_empty() {
        return Err("it registers no server with a URL".to_owned());
    }
    Ok(entries)
}

/// The first line of JSON that is a comment.
fn commented(text: &str) -> Option<usize> {
    let is_comment = |line: &str| {
        let line = line.trim_start();
        line.starts_with("//") || line.starts_with("/*")
    };
    text.lines().position(is_comment).map(|line| line + 1)
}

/// A text as TOML; what is wrong with it, without any of it.
fn toml(text: &str) -> Result<Spanned<DeTable<'_>>, String> {
    DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text
            .bytes()
            .take(start)
            .filter(|byte| *byte == b'\n')
            .count()
            + 1;
        let message = one_line(error.message());
        format!("it is neither JSON nor the TOML of Codex, {message} at line {line}")
    })
}

/// One entry, where it has a URL.
fn of(name: &str, entry: &Value) -> Option<Registration> {
    let mut urls = ["url", "httpUrl", "serverUrl", "uri"].iter();
    let url = urls.find_map(|key| entry.get(key)?.as_str());
    let Some(url) = url else {
        return of_program(name, entry);
    };
    Some(Registration {
        name: name.to_owned(),
        url: url.to_owned(),
        headers: headers(entry),
        enabled: enabled(name, entry),
        is_program: false,
        unfilled: Vec::new(),
    })
}

/// The headers, as they are written.
fn headers(entry: &Value) -> Vec<(String, String)> {
    let pairs = |key: &str| {
        let pairs = entry.get(key).and_then(Value::as_object);
        let pairs = pairs.into_iter().flatten();
        pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
    };
    let named = |variable: &str| format!("${{{variable}}}");
    // Codex has tables of values and of variables, and a key for the variable of a token.
    let written = pairs("headers").chain(pairs("http_headers"));
    let of_variables = pairs("env_http_headers").map(|(name, variable)| (name, named(&variable)));
    let token = entry.get("bearer_token_env_var").and_then(Value::as_str);
    let token = token.map(|variable| {
        let value = format!("Bearer {}", named(variable));
        ("Authorization".to_owned(), value)
    });
    written.chain(of_variables).chain(token).collect()
}

/// An entry that starts `mcp-remote`, as Claude Desktop's does. Its arguments name variables of its environment: those
/// of the entry's own `env`, whose values it takes as they are, and those that the client has.
fn of_program(name: &str, entry: &Value) -> Option<Registration> {
    let arguments = entry.get("args")?.as_array()?.iter();
    let arguments: Vec<_> = arguments.filter_map(Value::as_str).collect();
    let is_remote = |argument: &&str| {
        let name = argument.strip_prefix("mcp-remote");
        name.is_some_and(|version| version.is_empty() || version.starts_with('@'))
    };
    let program = arguments.iter().position(is_remote)?;
    let url = arguments.get(program + 1)?;
    let env = entry.get("env").and_then(Value::as_object);
    let variables = || {
        let variables = env.into_iter().flatten();
        variables.filter_map(|(name, own)| Some((format!("${{{name}}}"), own.as_str()?)))
    };
    let options = arguments.windows(2);
    let options = options.filter(|pair| pair[0] == "--header");
    let options: Vec<_> = options.filter_map(|pair| pair[1].split_once(':')).collect();
    let unfilled = options.iter().filter(|(_, value)| {
        variables().any(|(place, own)| value.contains(&place) && has_placeholder(own))
    });
    let headers = options.iter().map(|(name, value)| {
        let value = value.trim().to_owned();
        let filled = variables().fold(value, |value, (place, own)| value.replace(&place, own));
        ((*name).to_owned(), filled)
    });
    Some(Registration {
        name: name.to_owned(),
        url: (*url).to_owned(),
        headers: headers.collect(),
        enabled: enabled(name, entry),
        is_program: true,
        unfilled: unfilled.map(|(name, _)| (*name).to_owned()).collect(),
    })
}

/// The list of tools.
fn enabled(name: &str, entry: &Value) -> Enabled {
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

/// TOML as JSON has it, as far as an entry goes: numbers and times are none of its parts.
fn from_table(table: &DeTable<'_>) -> Value {
    let pairs = table.iter();
    let pairs = pairs.map(|(key, value)| (key.get_ref().to_string(), from_toml(value.get_ref())));
    Value::Object(pairs.collect::<Map<_, _>>())
}

fn from_toml(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Array(values) => {
            let values = values.iter();
            values.map(|value| from_toml(value.get_ref())).collect()
        }
        DeValue::Table(table) => from_table(table),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Datetime(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use farcall_server::connect::{self, Auth, CLIENTS, Format, Tool};
    use serde_json::json;

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
    fn what_env_says_is_taken_as_it_is_and_other_variables_are_of_the_client() {
        let read = |env: Value| {
            let args = ["mcp-remote", URL, "--header", "Authorization: Bearer ${A}"];
            let entry = json!({"command": "npx", "args": args, "env": env});
            of_program("farm-mcp", &entry).unwrap()
        };
        for (env, value, is_unfilled, is_sent) in [
            (json!({}), "Bearer ${A}", false, 1),
            (json!({"A": "a"}), "Bearer a", false, 1),
            (json!({"A": "${B}"}), "Bearer ${B}", true, 0),
            (json!({"B": "${C}"}), "Bearer ${A}", false, 1),
        ] {
            let entry = read(env);
            assert_eq!(entry.headers[0].1, value);
            assert_eq!(!entry.unfilled.is_empty(), is_unfilled, "{value}");
            assert_eq!(entry.sent().len(), is_sent, "{value}");
            assert!(!entry.logs_in());
        }
    }

    #[test]
    fn a_mark_of_byte_order_is_no_part_of_a_file() {
        let text =
            "\u{feff}{\"mcpServers\": {\"farm-mcp\": {\"url\": \"https://a.example.com/mcp\"}}}";
        assert!(entries(text).unwrap()[0].logs_in());
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
    fn names_that_nanobot_gives_tools_are_theirs() {
        let text = r#"{"a": {"url": "https://a/mcp", "enabledTools": ["mcp_a_add", "sub"]}}"#;
        let entry = entries(text).unwrap().remove(0);
        let names = ["add".to_owned(), "sub".to_owned()];
        assert_eq!(entry.enabled.names(), Some(&names[..]));
    }

    #[test]
    fn what_is_wrong_with_a_text_is_told_of_what_it_is() {
        for (text, part) in [
            ("[mcp_servers.a]\nurl = https://a/mcp\n", "TOML of Codex"),
            ("[mcp_servers.a]\nurl = https://a/mcp\n", "at line 2"),
            (
                "{\n  // mine\n  \"a\": {\"url\": \"https://a/mcp\"}\n}",
                "line 2 is a comment",
            ),
            ("{\"a\": {\"url\": \"https://a/mcp\"},}", "trailing comma"),
        ] {
            let why = entries(text).unwrap_err();
            assert!(why.contains(part), "{why}");
        }
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
