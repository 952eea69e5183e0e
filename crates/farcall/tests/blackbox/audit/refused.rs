//! What is refused is written down, too.

use farcall::json;

use super::{Audited, lines};
use crate::{
    harness::{Issuer, Setup, Signer, seconds},
    offers::tools_and_jobs,
};

#[tokio::test]
async fn a_call_that_is_one_too_many_is_written_down() {
    for plain in ["1", "0"] {
        let audited = Audited::new(|setup| {
            setup
                .with("FARCALL_CALL_RATE", "2/h")
                .with("FARCALL_PLAIN_CALLS", plain)
        })
        .await;
        let alice = audited.server.with_token("alice-token");
        let add = || alice.tool("add", json!({"a": 2, "b": 3}));
        for _ in 0..2 {
            add().send().await.structured();
        }
        let refused = add().send().await;
        assert_eq!(refused.status, 429);
        for (method, params) in [
            ("resources/read", json!({"uri": "notes://today"})),
            (
                "prompts/get",
                json!({"name": "greet", "arguments": {"a": "b"}}),
            ),
            ("tasks/cancel", json!({"taskId": "2669ffa4"})),
            ("tools/list", json!({})),
        ] {
            assert_eq!(alice.rpc(method, params).send().await.status, 429);
        }
        // A list leaves no line.
        audited
            .server
            .with_token("bob-token")
            .call("echo", json!({"text": "x"}))
            .await;
        let lines = audited.lines(7).await;
        let told: Vec<_> = lines
            .iter()
            .map(|line| {
                (
                    line["tool"].as_str().unwrap(),
                    line["outcome"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("add", "ok"),
                ("add", "ok"),
                ("add", "refused"),
                ("resources/read", "refused"),
                ("prompts/get", "refused"),
                ("tasks/cancel", "refused"),
                ("echo", "ok"),
            ],
            "{plain}"
        );
        for key in ["caller", "address", "tool", "event", "arguments_sha256"] {
            assert_eq!(lines[2][key], lines[1][key], "{key}");
        }
        assert_eq!(lines[2]["request_id"], refused.header("x-request-id"));
        assert_eq!(lines[5]["job_id"], "2669ffa4");
    }
}

#[tokio::test]
async fn a_call_beyond_its_scopes_is_written_down() {
    const PUBLIC: &str = "https://farm.example.com";
    let issuer = Issuer::of(&[Signer::today()]).await;
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    let server = Setup::new(tools_and_jobs())
        .with("PUBLIC_BASE_URL", PUBLIC)
        .with("FARCALL_OAUTH_ISSUER", &issuer.url)
        .with("FARCALL_OAUTH_SCOPES", "add=math")
        .with("FARCALL_AUDIT", log.to_str().unwrap())
        .start()
        .await;
    let token = Signer::today().token(&json!({
        "iss": issuer.url, "aud": format!("{PUBLIC}/mcp"), "sub": "ann", "scope": "mcp",
        "iat": seconds(0), "exp": seconds(600),
    }));
    let ann = server.with_token(&token);
    let refused = ann.call("add", json!({"a": 2, "b": 3})).await;
    assert_eq!(refused.status, 403);
    ann.call("echo", json!({"text": "x"})).await.structured();
    let lines = lines(&log, 2).await;
    let who = json!(format!("oauth:{}#ann", issuer.url));
    for (line, tool, outcome) in [(&lines[0], "add", "refused"), (&lines[1], "echo", "ok")] {
        assert_eq!(
            (&line["tool"], &line["outcome"], &line["caller"]),
            (&json!(tool), &json!(outcome), &who)
        );
    }
}

#[tokio::test]
async fn an_operator_who_asks_too_often_is_written_down() {
    let audited = Audited::new(|setup| setup.with("FARCALL_CALL_RATE", "1/h")).await;
    let carol = audited.server.with_token("carol-token");
    for status in [200, 429] {
        assert_eq!(carol.get("/admin/jobs").await.status, status);
    }
    let told = audited.lines_of("carol", 2).await;
    let told: Vec<_> = told
        .iter()
        .map(|line| (&line["tool"], &line["outcome"]))
        .collect();
    let (list, ok, refused) = (json!("jobs/list"), json!("ok"), json!("refused"));
    assert_eq!(told, [(&list, &ok), (&list, &refused)]);
}
