//! Which credentials are sent, and where to.

use super::{
    Doctor, FARM, TOKEN, afar, free_port,
    front::{answering, listening},
    gated,
};
use crate::harness::{PATH, Project};

#[tokio::test]
async fn a_server_whose_token_is_missing_or_another() {
    let (_project, server) = gated().await;
    let url = format!("{}/mcp", server.origin());
    afar(&url, &[]).await.is_broken_at(
        "edge auth",
        "the header `Authorization` is missing",
        "export FARCALL_TOKEN",
    );
    let seen = afar(&url, &[("FARCALL_TOKEN", "another-token-of-somebody")]).await;
    seen.is_broken_at("edge auth", "none of this server", "token create");
    assert!(
        !seen.stdout.contains("another-token-of-somebody"),
        "{}",
        seen.stdout
    );
}

#[tokio::test]
async fn what_was_found_before_a_header_that_is_none() {
    let project = Project::new(FARM);
    let seen = Doctor::within(&project.path(""))
        .variable("MCP_PORT", &free_port().to_string())
        .argument("http://127.0.0.1:1/mcp")
        .argument("--header")
        .argument("nothing")
        .run()
        .await;
    assert_eq!(seen.exit, 2, "{}", seen.all());
    seen.says("port", "broken", "nobody listens", "");
    seen.says("path", "broken", "`Name: value`", "quote it");
}

#[tokio::test]
async fn what_is_asked_without_tls_gets_no_credentials() {
    let (origin, heard) = listening().await;
    let port = origin.rsplit_once(':').unwrap().1.to_owned();
    let variables = [
        ("FARCALL_TOKEN", TOKEN),
        ("CF_ACCESS_CLIENT_ID", TOKEN),
        ("CF_ACCESS_CLIENT_SECRET", TOKEN),
    ];
    // This machine, by an address that is none of its own alone.
    let seen = afar(&format!("http://0.0.0.0:{port}/mcp"), &variables).await;
    seen.is_broken_at("TLS", "without TLS", "https://");
    assert!(!heard.lock().unwrap().is_empty());
    assert!(!heard.lock().unwrap().contains(TOKEN));
    // Which it would have heard.
    afar(&format!("{origin}/mcp"), &variables).await;
    assert!(heard.lock().unwrap().contains(TOKEN));
}

#[tokio::test]
async fn a_gate_that_is_asked_without_tls_is_no_reason_to_set_what_is_set() {
    for (status, headers, finding) in [
        (
            "401 Unauthorized",
            "www-authenticate: Bearer\r\n",
            "`Authorization` is missing",
        ),
        (
            "403 Forbidden",
            "server: cloudflare\r\n",
            "`CF-Access-Client-Secret` are missing",
        ),
        ("403 Forbidden", "", "nothing was sent"),
    ] {
        let gate = answering(status, headers, "").await;
        let port = gate.rsplit_once(':').unwrap().1;
        let url = format!("http://0.0.0.0:{port}/mcp");
        let seen = afar(&url, &[("FARCALL_TOKEN", TOKEN)]).await;
        seen.is_broken_at("TLS", "without TLS", "https://");
        seen.says("edge auth", "broken", finding, "see `TLS` above");
    }
}

#[tokio::test]
async fn a_token_that_is_only_set_is_sent_nowhere_without_tls_and_one_that_is_typed_is() {
    let (origin, heard) = listening().await;
    let port = origin.rsplit_once(':').unwrap().1;
    let url = format!("http://0.0.0.0:{port}/mcp");
    let typed = format!("Authorization: Bearer {TOKEN}");
    for verb in [
        &["smoke", &url][..],
        &["handoff", &url],
        &["jobs", "--server", &url, "list"],
    ] {
        let run = |more: &[&str]| {
            let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_farcall"));
            command.args(verb).args(more).env_clear().env("PATH", PATH);
            command.env("MCP_BEARER_TOKEN", TOKEN);
            command.output()
        };
        let output = run(&[]).await.unwrap();
        let talk = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{verb:?}: {talk}");
        assert!(
            talk.contains("without TLS, so the token of `MCP_BEARER_TOKEN` is not sent")
                && talk.contains("--header \"Authorization: Bearer $MCP_BEARER_TOKEN\""),
            "{verb:?}: {talk}"
        );
        assert_eq!(*heard.lock().unwrap(), "", "{verb:?}");
        let output = run(&["--header", &typed]).await.unwrap();
        assert_eq!(output.status.code(), Some(1), "{verb:?}: {output:?}");
        assert!(
            std::mem::take(&mut *heard.lock().unwrap()).contains(TOKEN),
            "{verb:?}"
        );
    }
}

#[tokio::test]
async fn credentials_of_env_stay_with_the_server_they_are_of() {
    let (origin, heard) = listening().await;
    let port = origin.rsplit_once(':').unwrap().1.to_owned();
    let folder = tempfile::tempdir().unwrap();
    let env = format!(
        "FARCALL_TOKEN={TOKEN}\nMCP_BEARER_TOKEN={TOKEN}\nPUBLIC_BASE_URL=https://farm.example.com\n"
    );
    std::fs::write(folder.path().join(".env"), env).unwrap();
    let ask = |url: String| Doctor::within(folder.path()).argument(url).run();
    let seen = ask("https://doctor.invalid/mcp".to_owned()).await;
    seen.says(
        "credentials",
        "unverified",
        "`FARCALL_TOKEN`",
        "PUBLIC_BASE_URL",
    );
    ask(format!("http://127.0.0.1:{port}/mcp")).await;
    assert!(heard.lock().unwrap().contains(TOKEN));
}

#[tokio::test]
async fn a_proxy_of_this_shell_hears_nothing_of_what_is_sent_to_this_machine() {
    let (proxy, heard) = listening().await;
    let (_project, server) = gated().await;
    let url = format!("{}/mcp", server.origin());
    for variable in ["http_proxy", "all_proxy"] {
        let seen = afar(&url, &[("FARCALL_TOKEN", TOKEN), (variable, &proxy)]).await;
        assert_eq!(seen.exit, 0, "{}", seen.all());
        for verb in ["handoff", "smoke"] {
            let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_farcall"));
            command.args([verb, &url]).env_clear().env("PATH", PATH);
            command.env("FARCALL_TOKEN", TOKEN).env(variable, &proxy);
            let output = command.output().await.unwrap();
            assert!(output.status.success(), "{verb}: {output:?}");
        }
    }
    assert_eq!(*heard.lock().unwrap(), "");
}
