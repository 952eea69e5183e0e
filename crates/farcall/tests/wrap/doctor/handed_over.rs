//! A hand-off, held against the server that it is of.

use std::{fs, process::Command};

use serde_json::{Value, json};

use super::{Doctor, FARM, Seen, TOKEN, front::answering};
use crate::harness::Project;

const ALL: [&str; 5] = [
    "add",
    "start_print",
    "get_print_status",
    "get_print_result",
    "cancel_print",
];

/// The guide's block.
fn block(url: &str, authorization: &str, tools: &[&str]) -> Value {
    json!({"mcpServers": {"farm-mcp": {
        "type": "streamableHttp", "url": url, "headers": {"Authorization": authorization}, "enabledTools": tools,
    }}})
}

pub(super) async fn registered(block: &Value, variables: &[(&str, &str)]) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mcp.json"), block.to_string()).unwrap();
    let doctor = Doctor::within(folder.path())
        .argument("--registration")
        .argument("mcp.json");
    let doctor = variables
        .iter()
        .fold(doctor, |doctor, (name, value)| doctor.variable(name, value));
    doctor.run().await
}

#[tokio::test]
async fn what_a_consumer_has_is_held_against_the_server() {
    let project = Project::new(FARM).with("MCP_BEARER_TOKEN", TOKEN);
    let server = project.serve().await;
    let url = format!("{}/mcp", server.origin());
    let variable = [("FARM_MCP_TOKEN", TOKEN)];

    let seen = registered(&block(&url, "Bearer ${FARM_MCP_TOKEN}", &ALL), &variable).await;
    assert_eq!(seen.exit, 0, "{}", seen.all());
    seen.says(
        "credentials",
        "ok",
        "`Authorization` of `FARM_MCP_TOKEN`",
        "",
    );
    seen.says("enabledTools", "ok", "exactly the tools", "");

    let seen = registered(
        &block(&url, "Bearer ${FARM_MCP_TOKEN}", &["add", "sub"]),
        &variable,
    )
    .await;
    seen.is_broken_at("enabledTools", "`sub`", "`start_print`");

    let seen = registered(
        &block(&url, "Bearer ${FARM_MCP_TOKEN}", &ALL[..3]),
        &variable,
    )
    .await;
    assert_eq!(seen.exit, 0, "{}", seen.all());
    seen.says("enabledTools", "warning", "`get_print_result`", "add them");

    let seen = registered(&block(&url, "Bearer ${FARM_MCP_TOKEN}", &ALL), &[]).await;
    seen.is_broken_at(
        "credentials",
        "`FARM_MCP_TOKEN` is not set",
        "export FARM_MCP_TOKEN",
    );
    seen.says("edge auth", "broken", "`Authorization` is missing", "");

    let literal = format!("Bearer {TOKEN}");
    let seen = registered(&block(&url, &literal, &ALL), &[]).await;
    seen.is_broken_at(
        "hand-off",
        "holds the secret itself",
        "Bearer ${EXAMPLE_MCP_TOKEN}",
    );
}

#[tokio::test]
async fn a_file_that_is_no_hand_off() {
    let seen = registered(&json!({"mcpServers": {"x": {"command": "y"}}}), &[]).await;
    assert_eq!(seen.exit, 2);
    assert!(
        seen.stderr.contains("it registers no server with a URL"),
        "{}",
        seen.stderr
    );
}

#[tokio::test]
async fn a_url_of_a_hand_off_that_none_can_call_is_no_fault_of_the_command() {
    for (url, finding) in [
        ("https://farm.<your-zone>/mcp", "still holds a placeholder"),
        ("https://ann@a.example/mcp", "is more than"),
        ("a.example/mcp", "is no http or https URL"),
    ] {
        let seen = registered(&block(url, "Bearer ${FARM_MCP_TOKEN}", &ALL), &[]).await;
        seen.is_broken_at("hand-off", finding, "write the");
        assert_eq!(seen.broken(), ["hand-off"], "{}", seen.all());
        seen.says(
            "path",
            "unverified",
            "was not looked at",
            "correct it there",
        );
    }
}

#[tokio::test]
async fn of_several_entries_the_one_of_a_host_is_told_by_its_name() {
    let entries = json!({"mcpServers": {
        "a-mcp": {"url": "https://a.invalid/mcp"},
        "b-mcp": {"url": "https://b.invalid/mcp"},
    }});
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mcp.json"), entries.to_string()).unwrap();
    let seen = Doctor::within(folder.path())
        .argument("https://b.invalid")
        .argument("--registration")
        .argument("mcp.json")
        .run()
        .await;
    seen.says("hand-off", "ok", "`b-mcp` is registered at", "");
    seen.is_broken_at("DNS", "`b.invalid`", "");
}

#[tokio::test]
async fn a_header_that_a_hand_off_names_is_not_said_to_be_lacking() {
    let project = Project::new(FARM).with("MCP_BEARER_TOKEN", TOKEN);
    let server = project.serve().await;
    let url = format!("{}/mcp", server.origin());
    let own = [("MCP_BEARER_TOKEN", TOKEN)];
    for authorization in ["Bearer ${FARM_MCP_TOKEN}", "Bearer <your token>"] {
        let seen = registered(&block(&url, authorization, &ALL), &own).await;
        seen.says("edge auth", "broken", "`Authorization` is missing", "");
        assert!(
            !seen.stdout.contains("sends no `Authorization`"),
            "{}",
            seen.all()
        );
    }
    let seen = registered(&block(&url, "Bearer <your token>", &ALL), &own).await;
    seen.says(
        "hand-off",
        "warning",
        "`Authorization` of `farm-mcp` is still to be filled in",
        "Bearer ${EXAMPLE_MCP_TOKEN}",
    );
}

#[tokio::test]
async fn a_hand_off_of_another_server_gets_nothing_of_this_one() {
    let project = Project::new(FARM).with("MCP_BEARER_TOKEN", TOKEN);
    let server = project.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = block(
        "https://doctor.invalid/mcp",
        "Bearer ${FARM_MCP_TOKEN}",
        &ALL,
    );
    fs::write(folder.path().join("mcp.json"), elsewhere.to_string()).unwrap();
    let seen = Doctor::within(folder.path())
        .argument(format!("{}/mcp", server.origin()))
        .argument("--registration")
        .argument("mcp.json")
        .variable("FARM_MCP_TOKEN", TOKEN)
        .run()
        .await;
    seen.is_broken_at(
        "hand-off",
        "is registered at `https://doctor.invalid/mcp`",
        "into the hand-off",
    );
    seen.says("edge auth", "broken", "`Authorization` is missing", "");

    let greedy = block(
        "https://doctor.invalid/mcp",
        "Bearer ${FARCALL_SECRET}",
        &ALL,
    );
    let seen = registered(&greedy, &[("FARCALL_SECRET", TOKEN)]).await;
    seen.is_broken_at("credentials", "wants `FARCALL_SECRET`", "EXAMPLE_MCP_TOKEN");
    let greedy = json!({"farm-mcp": {
        "url": "https://doctor.invalid/mcp", "headers": {"CF-Access-Client-Secret": "${FARCALL_SECRET}"},
    }});
    let seen = registered(&greedy, &[("FARCALL_SECRET", TOKEN)]).await;
    seen.is_broken_at(
        "credentials",
        "wants `FARCALL_SECRET`",
        "\"CF-Access-Client-Secret\": \"${EXAMPLE_CF_CLIENT_SECRET}\"",
    );
}

#[tokio::test]
async fn a_header_of_access_that_is_left_empty_is_told_by_its_own_name() {
    let gate = answering("403 Forbidden", "server: cloudflare\r\n", "").await;
    let url = format!("{gate}/mcp");
    for (header, variable) in [
        ("CF-Access-Client-Id", "EXAMPLE_CF_CLIENT_ID"),
        ("CF-Access-Client-Secret", "EXAMPLE_CF_CLIENT_SECRET"),
    ] {
        let written = json!({"farm-mcp": {"url": url, "headers": {header: " "}}});
        let argument = format!("{header}:${{EMPTY}}");
        let program = json!({"farm-mcp": {
            "args": ["mcp-remote", url, "--header", argument], "env": {"EMPTY": ""},
        }});
        let flag = format!("--header '{header}: ${{VARIABLE}}'");
        for (block, remedy) in [
            (
                json!({"mcpServers": written}),
                format!("\"{header}\": \"${{{variable}}}\""),
            ),
            (json!({"context_servers": written}), flag.clone()),
            (json!({"mcpServers": program}), flag),
        ] {
            let seen = registered(&block, &[]).await;
            let left = format!("`{header}` of `farm-mcp` is still to be filled in");
            seen.says("hand-off", "warning", &left, &remedy);
            assert!(!seen.stdout.contains("Authorization: Bearer"), "{block}");
        }
        let misspelt = format!("{header}:");
        let misspelt = json!({"farm-mcp": {"url": url, "headers": {misspelt: "${UNSET}"}}});
        let seen = registered(&misspelt, &[]).await;
        let remedy = format!("such as {header}");
        seen.is_broken_at("hand-off", "is no name of a header", &remedy);
    }
}

#[tokio::test]
async fn the_list_of_tools_has_many_names_and_a_hand_off_many_forms() {
    let project = Project::new(FARM).with("MCP_BEARER_TOKEN", TOKEN);
    let server = project.serve().await;
    let url = format!("{}/mcp", server.origin());
    let folder = tempfile::tempdir().unwrap();
    let look = |file: &str, text: String| {
        fs::write(folder.path().join(file), text).unwrap();
        Doctor::within(folder.path())
            .argument("--registration")
            .argument(file)
            .variable("FARM_MCP_TOKEN", TOKEN)
            .run()
    };
    let entry = |tools: Value| {
        let mut entry =
            json!({"httpUrl": url, "headers": {"Authorization": "Bearer ${FARM_MCP_TOKEN}"}});
        entry
            .as_object_mut()
            .unwrap()
            .extend(tools.as_object().unwrap().clone());
        json!({"mcpServers": {"farm-mcp": entry}}).to_string()
    };
    let seen = look("a.json", entry(json!({"includeTools": ["sub"]}))).await;
    seen.is_broken_at("enabledTools", "`sub`", "`start_print`");
    let seen = look("b.json", entry(json!({"enabledTools": "add"}))).await;
    seen.is_broken_at("hand-off", "`enabledTools` of `farm-mcp`", "[\"add\"]");
    let seen = look("c.json", entry(json!({}))).await;
    assert_eq!(seen.exit, 0, "{}", seen.all());
    seen.says("enabledTools", "unverified", "lists no tools", "");

    let printed = |client: &str| {
        let run = Command::new(env!("CARGO_BIN_EXE_farcall"))
            .args(["handoff", &url, "--client", client])
            .env_clear()
            .env("FARCALL_TOKEN", TOKEN)
            .output()
            .unwrap();
        assert!(run.status.success(), "{run:?}");
        String::from_utf8(run.stdout).unwrap()
    };
    // VS Code asks a person for it, and this is told here.
    for (file, client) in [
        ("nanobot.json", "nanobot"),
        ("vscode.json", "vscode"),
        ("config.toml", "codex"),
    ] {
        let seen = look(file, printed(client)).await;
        assert_eq!(seen.exit, 0, "{client}: {}", seen.all());
        seen.says("hand-off", "ok", "`farm-mcp` is registered at", "");
        seen.says(
            "credentials",
            "ok",
            "`Authorization` of `FARM_MCP_TOKEN`",
            "",
        );
    }
    // These put nothing in the place of what is written, so somebody has to.
    for (client, place) in [
        ("claude-desktop", "in its place below `env`"),
        ("cline", "in its place"),
        ("zed", "in its place"),
    ] {
        let block = printed(client);
        let seen = look("written.json", block.clone()).await;
        seen.is_broken_at("edge auth", "is missing", "let the hand-off send it");
        let left = "`Authorization` of `farm-mcp` is still to be filled in";
        seen.says("hand-off", "warning", left, place);
        let seen = look("written.json", block.replace("${FARM_MCP_TOKEN}", TOKEN)).await;
        assert_eq!(seen.exit, 0, "{client}: {}", seen.all());
        seen.says("hand-off", "warning", "holds the secret itself", "");
    }
    // Codex reads no `headers`.
    let headers = "headers = { Authorization = \"Bearer ${FARM_MCP_TOKEN}\" }";
    let codex = format!("[mcp_servers.farm-mcp]\nurl = \"{url}\"\n{headers}\n");
    let seen = look("codex.toml", codex).await;
    seen.is_broken_at("hand-off", "is ignored by Codex", "bearer_token_env_var");
    seen.says("edge auth", "broken", "is missing", "bearer_token_env_var");
}

#[tokio::test]
async fn a_client_that_logs_in_by_itself_has_nothing_to_repair() {
    const CHALLENGE: &str = "www-authenticate: Bearer resource_metadata=\"https://farm.example.com/.well-known/oauth-protected-resource/mcp\"\r\n";
    let gate = answering("401 Unauthorized", CHALLENGE, "").await;
    let bare = json!({"mcpServers": {"farm-mcp": {"url": format!("{gate}/mcp")}}});
    let seen = registered(&bare, &[]).await;
    assert_eq!(seen.exit, 0, "{}", seen.all());
    seen.says(
        "edge auth",
        "unverified",
        "somebody logs in",
        "let the client log in",
    );
    seen.says(
        "path",
        "unverified",
        "for want of a conversation",
        "with a token",
    );
    seen.says("open to strangers", "ok", "gets 401", "");
    seen.says("files open to strangers", "ok", "gets 401", "");
}

#[tokio::test]
async fn what_a_hand_off_lacks_is_not_added_from_here() {
    let project = Project::new(FARM).with("MCP_BEARER_TOKEN", TOKEN);
    let server = project.serve().await;
    let url = format!("{}/mcp", server.origin());
    let bare = json!({"mcpServers": {"farm-mcp": {"url": url}}});
    for variable in ["FARM_MCP_TOKEN", "FARCALL_TOKEN", "MCP_BEARER_TOKEN"] {
        let seen = registered(&bare, &[(variable, TOKEN)]).await;
        seen.is_broken_at(
            "edge auth",
            "`Authorization` is missing",
            "let the hand-off",
        );
        let stays = format!("sends no `Authorization`, so `{variable}` stays here");
        seen.says(
            "credentials",
            "unverified",
            &stays,
            &format!("${{{variable}}}"),
        );
    }
    let service = [
        ("CF_ACCESS_CLIENT_ID", TOKEN),
        ("CF_ACCESS_CLIENT_SECRET", TOKEN),
    ];
    let seen = registered(&bare, &service).await;
    seen.says(
        "credentials",
        "unverified",
        "`CF_ACCESS_CLIENT_SECRET` stays",
        "both headers",
    );

    // A list of tools that is empty is one of no tools; and standard input is a file.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mcp.json");
    fs::write(
        &file,
        block(&url, "Bearer ${FARM_MCP_TOKEN}", &[]).to_string(),
    )
    .unwrap();
    let mut doctor = Doctor::within(folder.path())
        .argument("--registration")
        .argument("-")
        .variable("FARM_MCP_TOKEN", TOKEN);
    doctor.0.stdin(fs::File::open(&file).unwrap());
    let seen = doctor.run().await;
    seen.is_broken_at("enabledTools", "shows its agent none", "`start_print`");
}
