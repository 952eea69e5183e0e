//! What is written into the file of each client.
//!
//! Nothing here is a secret: where one belongs stands the variable that holds it, as this client writes variables. The
//! key of a server is its slug, and a URL has no quotes, so what is foreign is the names of tools alone, which
//! [`Registration::enabled`] has judged.

use farcall_core::host;
use serde_json::{Map, Value, json};

use super::{
    Auth, Registration,
    clients::MCP_REMOTE,
    text::{self, quoted},
};

/// What the guide calls the registration JSON: the form that most agent frameworks know.
pub(super) fn registration(server: &Registration) -> String {
    under("mcpServers", server, &streamable(server))
}

pub(super) fn nanobot(server: &Registration) -> String {
    let servers = named("mcpServers", server, &streamable(server));
    text::json(&json!({"tools": servers}))
}

pub(super) fn claude_code(server: &Registration) -> String {
    let entry = Entry::new()
        .with("type", "http")
        .with("url", &server.url)
        .headers(server, braces);
    under("mcpServers", server, &entry.done())
}

/// Through a program that speaks standard input and output with Claude Desktop. On Windows an argument with a space
/// arrives as two, so what stands before a token is part of a variable.
pub(super) fn claude_desktop(server: &Registration) -> String {
    let mut arguments = vec!["-y".to_owned(), MCP_REMOTE.to_owned(), server.url.clone()];
    arguments.extend(["--transport".to_owned(), "http-only".to_owned()]);
    if is_plain_and_elsewhere(&server.url) {
        arguments.push("--allow-http".to_owned());
    }
    let mut variables = Map::new();
    for header in server.headers() {
        let secret = braces(&header.variable);
        let variable = if header.before.is_empty() {
            header.variable
        } else {
            format!(
                "{}_AUTHORIZATION",
                header.variable.trim_end_matches("_TOKEN")
            )
        };
        arguments.push("--header".to_owned());
        arguments.push(format!("{}:${{{variable}}}", header.name));
        variables.insert(variable, format!("{}{secret}", header.before).into());
    }
    let mut entry = Entry::new().with("command", "npx").with("args", arguments);
    if !variables.is_empty() {
        entry = entry.with("env", variables);
    }
    under("mcpServers", server, &entry.done())
}

pub(super) fn codex(server: &Registration) -> String {
    let mut lines = vec![
        format!("[mcp_servers.{}]", server.slug()),
        format!("url = {}", quoted(&server.url)),
    ];
    let headers = server.headers();
    match (server.auth, headers.first()) {
        (Auth::Bearer, Some(token)) => {
            lines.push(format!(
                "bearer_token_env_var = {}",
                quoted(&token.variable)
            ));
        }
        (_, Some(_)) => {
            let pairs = headers
                .iter()
                .map(|header| format!("{} = {}", quoted(header.name), quoted(&header.variable)));
            let pairs: Vec<_> = pairs.collect();
            lines.push(format!("env_http_headers = {{ {} }}", pairs.join(", ")));
        }
        (_, None) => {}
    }
    if server.tools.is_some() {
        let list = text::json(&json!(server.enabled()));
        lines.push(format!("enabled_tools = {list}"));
    }
    lines.join("\n")
}

/// Gemini CLI, and Qwen Code, which began as a copy of it.
pub(super) fn gemini(server: &Registration) -> String {
    let entry = Entry::new()
        .with("httpUrl", &server.url)
        .headers(server, braces)
        .tools("includeTools", server);
    under("mcpServers", server, &entry.done())
}

pub(super) fn cursor(server: &Registration) -> String {
    let entry = Entry::new().with("url", &server.url).headers(server, env);
    under("mcpServers", server, &entry.done())
}

/// It asks for each secret once, and keeps it.
pub(super) fn vs_code(server: &Registration) -> String {
    let id = |variable: &str| variable.to_ascii_lowercase().replace('_', "-");
    let entry = Entry::new()
        .with("type", "http")
        .with("url", &server.url)
        .headers(server, |variable| format!("${{input:{}}}", id(variable)));
    let servers = named("servers", server, &entry.done());
    let inputs = server.headers().into_iter().map(|header| {
        json!({
            "type": "promptString",
            "id": id(&header.variable),
            "description": format!("{}: {}", server.slug(), header.holds),
            "password": true,
        })
    });
    let inputs: Vec<_> = inputs.collect();
    if inputs.is_empty() {
        return text::json(&servers);
    }
    text::json(&json!({"inputs": inputs, "servers": servers["servers"]}))
}

pub(super) fn windsurf(server: &Registration) -> String {
    let entry = Entry::new()
        .with("serverUrl", &server.url)
        .headers(server, env);
    under("mcpServers", server, &entry.done())
}

pub(super) fn cline(server: &Registration) -> String {
    let entry = Entry::new()
        .with("type", "streamableHttp")
        .with("url", &server.url)
        .headers(server, braces)
        .with("disabled", false);
    under("mcpServers", server, &entry.done())
}

pub(super) fn roo(server: &Registration) -> String {
    let entry = Entry::new()
        .with("type", "streamable-http")
        .with("url", &server.url)
        .headers(server, env);
    under("mcpServers", server, &entry.done())
}

/// It substitutes a variable in a header where `env_keys` names it.
pub(super) fn goose(server: &Registration) -> String {
    let slug = server.slug();
    let mut lines = vec![
        "extensions:".to_owned(),
        format!("  {}:", quoted(&slug)),
        "    enabled: true".to_owned(),
        "    type: streamable_http".to_owned(),
        format!("    name: {}", quoted(&slug)),
        format!("    description: {}", quoted(&slug)),
        format!("    uri: {}", quoted(&server.url)),
    ];
    let headers = server.headers();
    if !headers.is_empty() {
        lines.push("    headers:".to_owned());
        for header in &headers {
            let value = format!("{}{}", header.before, braces(&header.variable));
            lines.push(format!("      {}: {}", header.name, quoted(&value)));
        }
        lines.push("    env_keys:".to_owned());
        let variables = headers.iter().map(|header| quoted(&header.variable));
        lines.extend(variables.map(|variable| format!("      - {variable}")));
    }
    lines.push("    timeout: 300".to_owned());
    if server.tools.is_some() && !server.enabled().is_empty() {
        lines.push("    available_tools:".to_owned());
        let names = server.enabled().into_iter().map(quoted);
        lines.extend(names.map(|name| format!("      - {name}")));
    }
    lines.join("\n")
}

pub(super) fn zed(server: &Registration) -> String {
    let entry = Entry::new()
        .with("url", &server.url)
        .headers(server, braces);
    under("context_servers", server, &entry.done())
}

/// It looks for OAuth behind a 401, unless it is told that there is none.
pub(super) fn opencode(server: &Registration) -> String {
    let mut entry = Entry::new()
        .with("type", "remote")
        .with("url", &server.url)
        .with("enabled", true)
        .headers(server, |variable| format!("{{env:{variable}}}"));
    if server.auth != Auth::OAuth {
        entry = entry.with("oauth", false);
    }
    let servers = named("mcp", server, &entry.done());
    text::json(&json!({"$schema": "https://opencode.ai/config.json", "mcp": servers["mcp"]}))
}

pub(super) fn mcporter(server: &Registration) -> String {
    let entry = Entry::new()
        .with("url", &server.url)
        .headers(server, braces)
        .tools("allowedTools", server);
    under("mcpServers", server, &entry.done())
}

/// The guide's entry.
fn streamable(server: &Registration) -> Value {
    Entry::new()
        .with("type", "streamableHttp")
        .with("url", &server.url)
        .headers(server, braces)
        .tools("enabledTools", server)
        .done()
}

fn under(key: &str, server: &Registration, entry: &Value) -> String {
    text::json(&named(key, server, entry))
}

fn named(key: &str, server: &Registration, entry: &Value) -> Value {
    json!({key: {server.slug(): entry}})
}

/// `${NAME}`.
fn braces(variable: &str) -> String {
    format!("${{{variable}}}")
}

/// `${env:NAME}`.
fn env(variable: &str) -> String {
    format!("${{env:{variable}}}")
}

/// Whether a URL is without TLS, and of another machine.
fn is_plain_and_elsewhere(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else {
        return false;
    };
    url.scheme() == "http" && !url.host_str().is_some_and(host::is_loopback)
}

/// An entry that is being put together, its keys in the order in which they are read.
struct Entry(Map<String, Value>);

impl Entry {
    fn new() -> Self {
        Self(Map::new())
    }

    fn with(mut self, key: &str, value: impl serde::Serialize) -> Self {
        self.0.insert(key.to_owned(), json!(value));
        self
    }

    /// The headers, with variables as this client writes them.
    fn headers(self, server: &Registration, variable: impl Fn(&str) -> String) -> Self {
        let headers = server.headers().into_iter();
        let headers = headers.map(|header| {
            let value = format!("{}{}", header.before, variable(&header.variable));
            (header.name.to_owned(), value.into())
        });
        let headers: Map<_, _> = headers.collect();
        if headers.is_empty() {
            return self;
        }
        self.with("headers", headers)
    }

    /// The list of tools, where it is told.
    fn tools(self, key: &str, server: &Registration) -> Self {
        if server.tools.is_some() {
            self.with(key, server.enabled())
        } else {
            self
        }
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }
}

#[cfg(test)]
mod tests;
