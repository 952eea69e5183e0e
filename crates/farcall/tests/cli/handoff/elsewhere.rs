//! A server that runs, and an app.

use farcall::{
    App, Exit,
    axum::{Json, Router, routing::post},
    json, testing,
};
use farcall_testpg::free_port;
use serde_json::Value;

use crate::harness::{TOKEN, calculator, farcall, press, shows, with_routes, with_server};

#[test]
fn a_running_server_is_asked_for_its_tools() {
    with_server(calculator(), |url| async move {
        let ended = farcall(["handoff", &url, "--client", "nanobot"])
            .run()
            .await;
        shows!(ended, @r#"
        exit 0
        ---- stdout
        {
          "tools": {
            "mcpServers": {
              "calculator": {
                "type": "streamableHttp",
                "url": "http://127.0.0.1:[PORT]/mcp",
                "enabledTools": ["add", "shout"]
              }
            }
          }
        }
        ---- stderr
        nanobot: put it into `~/.nanobot/config.json`.
        It cuts a call after `toolTimeout` seconds, 30 where it is not set, and refuses private addresses unless `tools.ssrfWhitelist` names them. With a list of tools it takes neither resources nor prompts.
        "#);
    });
}

#[test]
fn the_token_opens_the_list_and_is_in_no_block() {
    testing::block_on(async {
        let server = testing::Server::with_token(press(), TOKEN).await.unwrap();
        let url = server.url().to_owned();
        let ended = farcall(["handoff", &url, "--json"])
            .variable("FARCALL_TOKEN", TOKEN)
            .run()
            .await;
        assert_eq!(ended.exit, 0, "{ended}");
        assert!(!ended.to_string().contains(TOKEN), "{ended}");
        let said: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(said["auth"], "bearer");
        assert_eq!(said["jobs"], json!(["burn", "print"]));

        let refused = farcall(["handoff", &url]).run().await;
        assert_eq!(
            (refused.exit, refused.stdout.as_str()),
            (1, ""),
            "{refused}"
        );
        server.stop().await;
    });
}

#[test]
fn headers_that_no_block_has_are_asked_about() {
    with_server(calculator(), |url| async move {
        for headers in [
            &["X-Api-Key: long-enough"][..],
            &["Authorization: Basic long-enough"],
            &["CF-Access-Client-Id: long-enough"],
            &[
                "CF-Access-Client-Id: a",
                "CF-Access-Client-Secret: b",
                "X-More: c",
            ],
        ] {
            let mut arguments = vec!["handoff", url.as_str()];
            for header in headers {
                arguments.extend(["--header", header]);
            }
            let ended = farcall(arguments.clone()).run().await;
            assert_eq!((ended.exit, ended.stdout.as_str()), (2, ""), "{ended}");
            assert!(ended.stderr.contains("--auth cloudflare"), "{ended}");
            arguments.push("--auth=bearer");
            assert_eq!(farcall(arguments).run().await.exit, 0);
        }
        let access = [
            "--header",
            "CF-Access-Client-Id: a",
            "--header",
            "CF-Access-Client-Secret: b",
        ];
        let ended = farcall([&["handoff", &url][..], &access].concat())
            .run()
            .await;
        assert!(
            ended.stdout.contains("${CALCULATOR_CF_CLIENT_SECRET}"),
            "{ended}"
        );
    });
}

#[test]
fn nothing_is_promised_of_jobs_that_are_not_known_to_be_ours() {
    with_routes(three_tools(), |url| async move {
        let sheet = farcall(["handoff", &format!("{url}/mcp"), "--sheet"])
            .run()
            .await;
        assert!(
            sheet.stdout.contains("`start_x` takes the input"),
            "{sheet}"
        );
        assert!(!sheet.stdout.contains("idempotency_key"), "{sheet}");
    });
    testing::block_on(async {
        let server = testing::Server::with_token(press(), TOKEN).await.unwrap();
        let sheet = farcall(["handoff", server.url(), "--sheet"])
            .variable("FARCALL_TOKEN", TOKEN)
            .run()
            .await;
        assert!(sheet.stdout.contains("idempotency_key"), "{sheet}");
        server.stop().await;
    });
}

/// A server of somebody else, with jobs as the guide has them.
fn three_tools() -> Router {
    Router::new().route(
        "/mcp",
        post(async |Json(asked): Json<Value>| {
            let schema = json!({"type": "object", "properties": {"scene": {"type": "string"}}});
            let tools = ["start_film", "get_film_status", "get_film_result"];
            let tools = tools.map(|name| json!({"name": name, "inputSchema": schema}));
            let id = &asked["id"];
            Json(match asked["method"].as_str() {
                Some("initialize") => json!({"jsonrpc": "2.0", "id": id, "result": {
                    "protocolVersion": "2025-11-25",
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "films", "version": "1"},
                }}),
                Some("tools/list") => {
                    json!({"jsonrpc": "2.0", "id": id, "result": {"tools": tools}})
                }
                Some("server/discover") => {
                    json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "no"}})
                }
                _ => json!({"jsonrpc": "2.0", "id": id, "result": {}}),
            })
        }),
    )
}

#[test]
fn nobody_who_listens_is_a_failure() {
    testing::block_on(async {
        let address = format!("127.0.0.1:{}", free_port());
        let ended = farcall(["handoff", &format!("http://{address}/mcp")])
            .run()
            .await;
        assert_eq!((ended.exit, ended.stdout.as_str()), (1, ""), "{ended}");
    });
}

#[test]
fn an_app_has_the_verb_itself() {
    let exit =
        App::new("calculator").run_with(["calculator", "handoff", "--auth", "none", "--json"]);
    assert_eq!(exit, Exit::Fine);
    let exit = App::new("calculator").run_with(["calculator", "handoff", "--client", "emacs"]);
    assert_eq!(exit, Exit::Usage);
}
