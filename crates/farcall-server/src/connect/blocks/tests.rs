use super::super::{Auth, CLIENTS, Client, Format, client, tests::example};

/// A block of JSON as its client reads it.
fn parsed(client: &Client, auth: Auth) -> serde_json::Value {
    let block = client.block(&example(auth));
    serde_json::from_str(&block).unwrap_or_else(|error| {
        panic!("{}: {error}\n{block}", client.id);
    })
}

/// Those whose blocks are JSON. What is TOML or YAML stands below as a whole; it is read by the command line's tests
/// and Codex itself, and by Python in the acceptance tests.
fn with_json() -> impl Iterator<Item = &'static Client> {
    let clients = CLIENTS.iter();
    clients.filter(|client| client.format == Format::Json)
}

#[test]
fn every_block_of_json_is_json() {
    assert_eq!(with_json().count(), CLIENTS.len() - 2);
    for client in with_json() {
        for auth in [Auth::Access, Auth::Bearer, Auth::OAuth, Auth::Open] {
            assert!(parsed(client, auth).is_object(), "{}", client.id);
        }
    }
}

#[test]
fn the_toml_of_codex() {
    let codex = |auth| client("codex").unwrap().block(&example(auth));
    let rest =
        "enabled_tools = [\"add\", \"start_render\", \"get_render_status\", \"get_render_result\"]";
    let begins = format!("[mcp_servers.example-mcp]\nurl = \"{URL}\"\n");
    assert_eq!(
        codex(Auth::Bearer),
        format!("{begins}bearer_token_env_var = \"EXAMPLE_MCP_TOKEN\"\n{rest}")
    );
    assert_eq!(
        codex(Auth::Access),
        format!(
            "{begins}env_http_headers = {{ \"CF-Access-Client-Id\" = \"EXAMPLE_CF_CLIENT_ID\", \
             \"CF-Access-Client-Secret\" = \"EXAMPLE_CF_CLIENT_SECRET\" }}\n{rest}"
        )
    );
    assert_eq!(codex(Auth::Open), format!("{begins}{rest}"));
}

#[test]
fn the_yaml_of_goose() {
    assert_eq!(
        client("goose").unwrap().block(&example(Auth::Bearer)),
        r#"extensions:
  "example-mcp":
    enabled: true
    type: streamable_http
    name: "example-mcp"
    description: "example-mcp"
    uri: "https://example-mcp.example.com/mcp"
    headers:
      Authorization: "Bearer ${EXAMPLE_MCP_TOKEN}"
    env_keys:
      - "EXAMPLE_MCP_TOKEN"
    timeout: 300
    available_tools:
      - "add"
      - "start_render"
      - "get_render_status"
      - "get_render_result""#
    );
}

#[test]
fn every_block_names_the_url_and_every_variable() {
    for client in &CLIENTS {
        for auth in [Auth::Access, Auth::Bearer, Auth::OAuth, Auth::Open] {
            let (server, block) = (example(auth), client.block(&example(auth)));
            assert!(block.contains(&server.url), "{block}");
            assert_eq!(block, block.trim(), "{}", client.id);
            for variable in server.variables() {
                let asked = variable.to_ascii_lowercase().replace('_', "-");
                assert!(
                    block.contains(&variable) || block.contains(&asked),
                    "{variable} {block}"
                );
            }
        }
    }
}

#[test]
fn the_default_is_the_registration_of_the_guide() {
    assert_eq!(
        CLIENTS[0].block(&example(Auth::Access)),
        r#"{
  "mcpServers": {
    "example-mcp": {
      "type": "streamableHttp",
      "url": "https://example-mcp.example.com/mcp",
      "headers": {
        "CF-Access-Client-Id": "${EXAMPLE_CF_CLIENT_ID}",
        "CF-Access-Client-Secret": "${EXAMPLE_CF_CLIENT_SECRET}"
      },
      "enabledTools": ["add", "start_render", "get_render_status", "get_render_result"]
    }
  }
}"#
    );
}

#[test]
fn every_client_has_variables_as_it_substitutes_them() {
    for (id, token) in [
        ("claude-code", "\"Bearer ${EXAMPLE_MCP_TOKEN}\""),
        (
            "claude-desktop",
            "\"Authorization:${EXAMPLE_MCP_AUTHORIZATION}\"",
        ),
        (
            "claude-desktop",
            "\"EXAMPLE_MCP_AUTHORIZATION\": \"Bearer ${EXAMPLE_MCP_TOKEN}\"",
        ),
        ("cline", "\"Bearer ${EXAMPLE_MCP_TOKEN}\""),
        ("codex", "\nbearer_token_env_var = \"EXAMPLE_MCP_TOKEN\"\n"),
        ("cursor", "\"Bearer ${env:EXAMPLE_MCP_TOKEN}\""),
        ("default", "\"Bearer ${EXAMPLE_MCP_TOKEN}\""),
        ("gemini-cli", "\"Bearer ${EXAMPLE_MCP_TOKEN}\""),
        (
            "goose",
            "\n      Authorization: \"Bearer ${EXAMPLE_MCP_TOKEN}\"\n    env_keys:\n      - \"EXAMPLE_MCP_TOKEN\"\n",
        ),
        ("mcporter", "\"Bearer ${EXAMPLE_MCP_TOKEN}\""),
        ("nanobot", "\"Bearer ${EXAMPLE_MCP_TOKEN}\""),
        ("opencode", "\"Bearer {env:EXAMPLE_MCP_TOKEN}\""),
        ("qwen-code", "\"Bearer ${EXAMPLE_MCP_TOKEN}\""),
        ("roo", "\"Bearer ${env:EXAMPLE_MCP_TOKEN}\""),
        ("vscode", "\"Bearer ${input:example-mcp-token}\""),
        ("vscode", "\"id\": \"example-mcp-token\""),
        ("windsurf", "\"Bearer ${env:EXAMPLE_MCP_TOKEN}\""),
        ("zed", "\"Bearer ${EXAMPLE_MCP_TOKEN}\""),
    ] {
        let block = client(id).unwrap().block(&example(Auth::Bearer));
        assert!(block.contains(token), "{token}\n{block}");
    }
}

#[test]
fn every_client_of_json_has_the_key_and_the_type_that_it_knows() {
    let pointers = [
        ("claude-code", "/mcpServers/example-mcp/type", "http"),
        ("claude-desktop", "/mcpServers/example-mcp/command", "npx"),
        ("cline", "/mcpServers/example-mcp/type", "streamableHttp"),
        ("cursor", "/mcpServers/example-mcp/url", URL),
        ("default", "/mcpServers/example-mcp/type", "streamableHttp"),
        ("gemini-cli", "/mcpServers/example-mcp/httpUrl", URL),
        ("mcporter", "/mcpServers/example-mcp/url", URL),
        (
            "nanobot",
            "/tools/mcpServers/example-mcp/type",
            "streamableHttp",
        ),
        ("opencode", "/mcp/example-mcp/type", "remote"),
        ("qwen-code", "/mcpServers/example-mcp/httpUrl", URL),
        ("roo", "/mcpServers/example-mcp/type", "streamable-http"),
        ("vscode", "/servers/example-mcp/type", "http"),
        ("windsurf", "/mcpServers/example-mcp/serverUrl", URL),
        ("zed", "/context_servers/example-mcp/url", URL),
    ];
    let listed: Vec<_> = pointers.iter().map(|(id, ..)| *id).collect();
    let mut all = with_json().map(|client| client.id);
    assert!(all.all(|id| listed.contains(&id)), "{listed:?}");
    for (id, pointer, value) in pointers {
        let block = parsed(client(id).unwrap(), Auth::Bearer);
        assert_eq!(block.pointer(pointer).unwrap(), value, "{id}");
    }
}

#[test]
fn without_tls_and_elsewhere_the_helper_of_claude_desktop_is_told_so() {
    let desktop = client("claude-desktop").unwrap();
    for (url, is_told) in [
        ("http://127.0.0.1:8900/mcp", false),
        ("http://localhost:8900/mcp", false),
        ("http://192.168.1.4:8900/mcp", true),
        ("https://farm.example.com/mcp", false),
    ] {
        let mut server = example(Auth::Open);
        server.url = url.to_owned();
        let block = desktop.block(&server);
        assert_eq!(block.contains("--allow-http"), is_told, "{block}");
    }
}

#[test]
fn tools_that_are_not_told_are_in_no_block() {
    let mut server = example(Auth::Bearer);
    server.tools = None;
    for client in &CLIENTS {
        let block = client.block(&server);
        for word in [
            "add",
            "render",
            "enabledTools",
            "includeTools",
            "enabled_tools",
        ] {
            assert!(!block.contains(word), "{block}");
        }
    }
}

const URL: &str = "https://example-mcp.example.com/mcp";
