//! The page of `/mcp` for browsers, and `/llms.txt`.

use farcall::{Sessions, json};
use reqwest::Method;

use crate::{
    harness::{Client, Reply, Server, Setup, exchange, operator},
    offers::{Callers, open_server, tools, tools_and_jobs},
};

/// What Firefox sends.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn opened(client: &Client) -> Reply {
    client
        .http(Method::GET, "/mcp")
        .header("accept", BROWSER)
        .send()
        .await
}

/// The page, which has to come.
async fn page(client: &Client) -> String {
    let reply = opened(client).await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, "text/html; charset=utf-8"),
        "{}",
        reply.text()
    );
    reply.text()
}

async fn gated() -> Server {
    let app = tools_and_jobs().token_verifier(Callers);
    let setup = Setup::new(app.instructions("Ask for colours first."));
    let url = "https://blackbox.example.com";
    setup.with("PUBLIC_BASE_URL", url).start().await
}

/// Names and sentences that only callers may read.
const INNER: [&str; 7] = [
    "Add two numbers",
    "Return the text",
    "start_",
    "paint",
    "enabledTools",
    "enabled_tools",
    "Ask for colours",
];

#[tokio::test]
async fn a_stranger_reads_what_it_is_and_how_to_connect_but_no_tool() {
    let server = gated().await;
    for client in [server.clone(), server.with_token("eve-token")] {
        let page = page(&client).await;
        for said in [
            "<h1>blackbox</h1>",
            "version 1.2.3",
            "https://blackbox.example.com/mcp",
            "BLACKBOX_MCP_TOKEN",
            "It is ready.",
            "Claude Code",
            "mcporter",
            "listed for callers alone",
        ] {
            assert!(page.contains(said), "{said}");
        }
        for inner in INNER {
            assert!(!page.contains(inner), "{inner}");
        }
        assert!(!page.contains(server.secret_path()));
    }
}

#[tokio::test]
async fn a_caller_reads_the_tools_that_there_are_for_it() {
    let server = Setup::new(tools_and_jobs()).start().await;
    let operator = server.operator().await;
    let some = operator.names("some", |rights| {
        rights.tools = Some(operator::tools(&["add"]));
    });
    let some = server.with_token(&some.await);
    let all = server.with_token(&operator.names("all", |_| {}).await);
    for (client, has_paint) in [(&some, false), (&all, true)] {
        let texts = [page(client).await, client.get("/llms.txt").await.text()];
        for text in texts {
            assert!(text.contains("Add two numbers"), "{text}");
            assert_eq!(text.contains("paint"), has_paint, "{text}");
        }
    }
    let stranger = page(&server).await;
    assert!(!stranger.contains("Add two numbers"), "{stranger}");
}

#[tokio::test]
async fn where_everybody_may_call_everybody_reads_the_tools() {
    let server = open_server().await;
    let page = page(&server).await;
    assert!(
        page.contains("<dt><code>add</code></dt>\n<dd>Add two numbers.</dd>"),
        "{page}"
    );
    assert!(page.contains("asks nobody who they are"), "{page}");
    assert!(!page.contains("Authorization"), "{page}");
    let text = server.get("/llms.txt").await;
    assert_eq!(
        (text.status, text.header("content-type")),
        (200, "text/plain; charset=utf-8")
    );
    assert!(
        text.text().contains("\n- `add`: Add two numbers.\n"),
        "{}",
        text.text()
    );
}

#[tokio::test]
async fn behind_an_edge_that_let_the_visitor_in_two_headers_are_what_callers_send() {
    let server = open_server().await;
    let request = server.http(Method::GET, "/mcp").header("accept", BROWSER);
    let reply = request
        .header("cf-access-jwt-assertion", "x.y.z")
        .send()
        .await;
    let page = reply.text();
    assert!(page.contains("BLACKBOX_CF_CLIENT_SECRET"), "{page}");
}

#[tokio::test]
async fn clients_of_the_protocol_are_never_shown_a_page() {
    let servers = [
        open_server().await,
        Setup::new(tools().sessions(Sessions::default()))
            .start()
            .await,
    ];
    for server in servers {
        for (accept, more) in [
            ("text/event-stream", None),
            ("application/json, text/event-stream", None),
            ("text/event-stream, text/html", None),
            ("*/*", None),
            ("application/json, text/html;q=0.1", None),
            (BROWSER, Some(("mcp-protocol-version", "2025-11-25"))),
            (BROWSER, Some(("mcp-session-id", "1"))),
        ] {
            let request = server.http(Method::GET, "/mcp").header("accept", accept);
            let request = match more {
                Some((name, value)) => request.header(name, value),
                None => request,
            };
            let reply = request.send().await;
            assert!(reply.status >= 400, "{accept}: {}", reply.text());
        }
        // A call is a call, whatever it accepts.
        let reply = server
            .tool("add", json!({"a": 2, "b": 3}))
            .header("accept", "text/html, application/json")
            .send()
            .await;
        assert_eq!(reply.structured()["sum"], 5.0);
    }
}

#[tokio::test]
async fn the_page_may_do_nothing_but_copy() {
    let server = open_server().await;
    let reply = opened(&server).await;
    let policy = reply.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    for word in ["unsafe", "*", "http", "'self'"] {
        assert!(!policy.contains(word), "{policy}");
    }
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("vary", "accept"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(reply.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn both_stand_behind_the_guard_and_the_limits() {
    let app = tools_and_jobs().token_verifier(Callers);
    let setup = Setup::new(app).with("FARCALL_CALL_RATE", "4/h");
    let server = setup
        .with("FARCALL_TRUSTED_PROXIES", "127.0.0.1")
        .start()
        .await;
    for path in ["/mcp", "/llms.txt"] {
        let headers = [("host", "evil.example.com"), ("accept", BROWSER)];
        let reply = exchange(&server, &format!("GET {path}"), &headers, b"").await;
        assert_eq!(reply.status, 403, "{path}");
    }
    let alice = server.with_token("alice-token");
    for _ in 0..2 {
        assert_eq!(alice.get("/llms.txt").await.status, 200);
        page(&alice).await;
    }
    assert_eq!(alice.get("/llms.txt").await.status, 429);
    assert_eq!(opened(&alice).await.status, 429);
    // A stranger is told apart by address.
    let asked = async |address: &str| {
        let request = server.http(Method::GET, "/mcp").header("accept", BROWSER);
        request
            .header("x-forwarded-for", address)
            .send()
            .await
            .status
    };
    for _ in 0..4 {
        assert_eq!(asked("203.0.113.7").await, 200);
    }
    assert_eq!(asked("203.0.113.7").await, 429);
    assert_eq!(asked("203.0.113.8").await, 200);
}

#[tokio::test]
async fn a_wrong_token_counts_on_the_page_as_well() {
    let server = Setup::new(tools_and_jobs().token_verifier(Callers))
        .with("FARCALL_FAILURE_RATE", "3/h")
        .with("FARCALL_TRUSTED_PROXIES", "127.0.0.1")
        .start()
        .await;
    let mut statuses = Vec::new();
    for guess in ["a", "b", "c", "d"] {
        let request = server.with_token(guess).http(Method::GET, "/mcp");
        let request = request.header("accept", BROWSER);
        let reply = request
            .header("x-forwarded-for", "203.0.113.7")
            .send()
            .await;
        statuses.push(reply.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
}

#[tokio::test]
async fn what_a_model_reads_is_for_callers() {
    let server = gated().await;
    let refused = server.get("/llms.txt").await;
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").starts_with("Bearer"));
    let text = server
        .with_token("alice-token")
        .get("/llms.txt")
        .await
        .text();
    for said in [
        "# blackbox\n",
        "Ask for colours first.",
        "<https://blackbox.example.com/mcp>",
        "- `add`: Add two numbers.",
        "## Jobs",
        "### Codex",
        "bearer_token_env_var = \"BLACKBOX_MCP_TOKEN\"",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    assert!(!text.contains("alice-token"));
}

#[tokio::test]
async fn what_is_offered_from_now_on_is_what_is_shown() {
    let server = open_server().await;
    assert!(page(&server).await.contains("paint"));
    let next = farcall::App::new("renamed");
    server.exchange(&next).unwrap();
    let shown = page(&server).await;
    assert!(
        shown.contains("<h1>renamed</h1>") && !shown.contains("paint"),
        "{shown}"
    );
}
