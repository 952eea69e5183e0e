//! A server that runs, and an app.

use std::net::TcpListener;

use farcall::{App, Exit, testing};
use serde_json::Value;

use crate::harness::{TOKEN, calculator, farcall, press, shows, with_server};

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
        It cuts a call after `toolTimeout` seconds, 30 where it is not set, and refuses private addresses unless `tools.ssrfWhitelist` names them.
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
        assert_eq!(said["jobs"], serde_json::json!(["burn", "print"]));

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
fn nobody_who_listens_is_a_failure() {
    testing::block_on(async {
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
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
