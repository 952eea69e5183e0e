//! What clients call the parts of an entry: each has names of its own for the same.

use serde_json::{Map, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Enabled, Registration, Substitution, has_placeholder};
use crate::client::one_line;

/// Where Zed has its servers.
const ZED: &str = "/context_servers";

/// Where the servers are, of those that call it otherwise than others the inner one first.
const SERVERS: [&str; 6] = [
    "/tools/mcpServers",
    "/mcpServers",
    "/mcp_servers",
    "/servers",
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

/// The most headers of an entry; servers take about as many.
const MOST: usize = 100;

/// The longest value of a header that is put together; servers take heads of 8 to 32 KiB.
const LONGEST: usize = 8 << 10;

/// All entries of a text that have a URL, JSON or the TOML of Codex.
///
/// # Errors
/// What it is instead.
pub(super) fn entries(text: &str) -> Result<Vec<Registration>, String> {
    // Some editors begin a file with it.
    let text = text.trim_start_matches('\u{feff}');
    let (root, is_toml) = match serde_json::from_str(text) {
        Ok(root) => (root, false),
        Err(error) if text.trim_start().starts_with(['{', '/']) => {
            return Err(match commented(text) {
                Some(line) => format!(
                    "line {line} is a comment, and most clients read JSON without any; take it out"
                ),
                None => error.to_string(),
            });
        }
        Err(_) => (from_table(toml(text)?.get_ref()), true),
    };
    let servers = SERVERS.iter();
    let mut servers = servers.filter_map(|place| Some((*place, root.pointer(place)?)));
    let (place, servers) = servers.next().unwrap_or(("", &root));
    let substitution = match place {
        _ if is_toml => Substitution::Codex,
        ZED => Substitution::None,
        _ => Substitution::Client,
    };
    let servers = servers.as_object().ok_or("it is no JSON object")?;
    let entries: Vec<_> = servers
        .iter()
        .filter_map(|(name, entry)| of(name, entry, substitution))
        .collect();
    if entries.is_empty() {
        return Err("it registers no server with a URL".to_owned());
    }
    if let Some(entry) = entries.iter().find(|entry| entry.headers.len() > MOST) {
        let (name, headers) = (one_line(&entry.name), entry.headers.len());
        return Err(format!(
            "`{name}` has {headers} headers, and servers take {MOST}"
        ));
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
fn of(name: &str, entry: &Value, substitution: Substitution) -> Option<Registration> {
    let mut urls = ["url", "httpUrl", "serverUrl"].iter();
    let url = urls.find_map(|key| entry.get(key)?.as_str());
    let Some(url) = url else {
        return of_program(name, entry);
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
        let named = |variable: &str| format!("${{{variable}}}");
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

/// An entry that starts `mcp-remote`, as Claude Desktop's does. Its arguments name variables of its environment: those
/// of the entry's own `env`, and those that the client has.
fn of_program(name: &str, entry: &Value) -> Option<Registration> {
    let arguments = entry.get("args")?.as_array()?.iter();
    let arguments: Vec<_> = arguments.filter_map(Value::as_str).collect();
    let is_remote = |argument: &&str| {
        let name = argument.strip_prefix("mcp-remote");
        name.is_some_and(|version| version.is_empty() || version.starts_with('@'))
    };
    let program = arguments.iter().position(is_remote)?;
    let url = arguments.get(program + 1)?;
    let env = entry.get("env");
    let options = arguments.windows(2);
    // One more than there may be, so that they are counted as too many, and not put together for that.
    let options = options.filter(|pair| pair[0] == "--header").take(MOST + 1);
    let (mut headers, mut left) = (Vec::new(), Vec::new());
    for (name, value) in options.filter_map(|pair| pair[1].split_once(':')) {
        let (value, is_whole) = filled(value.trim(), env);
        if !is_whole {
            left.push(name.to_owned());
        }
        headers.push((name.to_owned(), value));
    }
    Some(Registration {
        name: name.to_owned(),
        url: (*url).to_owned(),
        headers,
        enabled: enabled(name, entry),
        substitution: Substitution::Program,
        left,
        is_ignored: false,
    })
}

/// A value with what `env` says in the place of each variable, taken as it is; and whether nothing of that is still to be
/// filled in.
fn filled(value: &str, env: Option<&Value>) -> (String, bool) {
    let (mut said, mut rest, mut is_whole) = (String::new(), value, true);
    while let Some((before, behind)) = rest.split_once("${")
        && let Some((name, after)) = behind.split_once('}')
    {
        said.push_str(before);
        match env.and_then(|env| env.get(name)?.as_str()) {
            Some(own) if said.len() + own.len() <= LONGEST => {
                said.push_str(own);
                is_whole &= !names_variable(own);
            }
            Some(_) => is_whole = false,
            None => said.extend(["${", name, "}"]),
        }
        rest = after;
    }
    said.push_str(rest);
    (said, is_whole)
}

/// Whether a text holds a bare `${NAME}`. `${input:NAME}` and `${env:NAME}` are of clients that put values in their place,
/// also below `env`.
fn names_variable(text: &str) -> bool {
    let placeholders = text.split("${").skip(1);
    let mut names = placeholders.filter_map(|rest| rest.split_once('}'));
    names.any(|(name, _)| !name.starts_with("input:") && !name.starts_with("env:"))
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

    fn program(authorization: &str, env: &Value) -> Registration {
        let header = format!("Authorization: {authorization}");
        let args = ["mcp-remote", URL, "--header", &header];
        let entry = json!({"command": "npx", "args": args, "env": env});
        of_program("farm-mcp", &entry).unwrap()
    }

    #[test]
    fn what_env_says_is_taken_as_it_is_and_other_variables_are_of_the_client() {
        for (env, value, is_left, is_sent) in [
            (json!({}), "Bearer ${A}", false, 1),
            (json!({"A": "a"}), "Bearer a", false, 1),
            (json!({"A": "${B}"}), "Bearer ${B}", true, 0),
            (json!({"A": "${B}", "B": "b"}), "Bearer ${B}", true, 0),
            (json!({"B": "${C}"}), "Bearer ${A}", false, 1),
            (
                json!({"A": "${input:token}"}),
                "Bearer ${input:token}",
                false,
                1,
            ),
            (json!({"A": "${env:B}"}), "Bearer ${env:B}", false, 1),
            (json!({"A": "${env:B}${C}"}), "Bearer ${env:B}${C}", true, 0),
        ] {
            let entry = program("Bearer ${A}", &env);
            assert_eq!(entry.headers[0].1, value);
            assert_eq!(!entry.left.is_empty(), is_left, "{value}");
            assert_eq!(entry.sent().len(), is_sent, "{value}");
        }
    }

    #[test]
    fn what_a_small_hand_off_says_stays_small() {
        // Each names the next one twice: expanded to the end, it would be 2 to the power of 35.
        let env: Map<_, _> = (0..35)
            .map(|index| {
                (
                    format!("A{index}"),
                    "${A}${A}".replace('A', &format!("A{}", index + 1)),
                )
            })
            .map(|(name, value)| (name, Value::String(value)))
            .collect();
        let entry = program("${A0}", &Value::Object(env));
        assert_eq!(entry.headers[0].1, "${A1}${A1}");
        // And what is said once below `env` is not repeated without end.
        let entry = program(&"${A}".repeat(10_000), &json!({"A": "x".repeat(10_000)}));
        assert!(entry.headers[0].1.len() <= LONGEST && entry.sent().is_empty());
        let headers: Map<_, _> = (0..=MOST)
            .map(|index| (format!("x-{index}"), json!("")))
            .collect();
        let text = json!({"a": {"url": URL, "headers": headers}}).to_string();
        assert!(entries(&text).unwrap_err().contains("has 101 headers"));
    }

    #[test]
    fn a_mark_of_byte_order_is_no_part_of_a_file() {
        let text =
            "\u{feff}{\"mcpServers\": {\"farm-mcp\": {\"url\": \"https://a.example.com/mcp\"}}}";
        assert_eq!(entries(text).unwrap()[0].url, "https://a.example.com/mcp");
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
