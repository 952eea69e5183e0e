//! Tokens and headers.

use farcall::{App, axum, testing};

use crate::harness::{TOKEN, calculator, farcall, serve, shows, smoke};

fn with_gated_server<F: Future<Output = ()>>(app: App, test: impl FnOnce(String) -> F) {
    testing::block_on(async {
        let server = testing::Server::with_token(app, TOKEN).await.unwrap();
        test(server.url().to_owned()).await;
        server.stop().await;
    });
}

#[test]
fn a_missing_token_is_explained() {
    with_gated_server(calculator(), |url| async move {
        shows!(smoke(&url).run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: `http://127.0.0.1:[PORT]/mcp` answers 401 Unauthorized: no bearer token was sent; send the header `Authorization: Bearer <token>` with the token of this server
        hint: put the server's token into FARCALL_TOKEN, or send --header 'Authorization: …'
        ");
    });
}

#[test]
fn a_wrong_token_is_explained_and_not_repeated() {
    with_gated_server(calculator(), |url| async move {
        let ended = smoke(&url)
            .variable("FARCALL_TOKEN", "s3cret-and-wrong")
            .run()
            .await;
        assert!(!ended.to_string().contains("s3cret"));
        shows!(ended, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: `http://127.0.0.1:[PORT]/mcp` answers 401 Unauthorized: the bearer token is not known here; compare it with the one that the operator of this server handed out
        hint: the token that was sent is not the server's; compare FARCALL_TOKEN or MCP_BEARER_TOKEN with it
        ");
    });
}

#[test]
fn the_token_comes_from_either_variable_or_a_header() {
    with_gated_server(calculator(), |url| async move {
        let header = format!("Authorization: Bearer {TOKEN}");
        for typed in [
            smoke(&url).variable("FARCALL_TOKEN", TOKEN),
            smoke(&url)
                .variable("FARCALL_TOKEN", " ")
                .variable("MCP_BEARER_TOKEN", TOKEN),
            smoke(&url)
                .arguments(&["--header", &header, "--header", "CF-Access-Client-Id: a"])
                .variable("FARCALL_TOKEN", "wrong"),
        ] {
            let ended = typed.run().await;
            assert_eq!(ended.exit, 0, "{ended}");
        }
    });
}

#[test]
fn a_malformed_header_is_explained_and_not_repeated() {
    testing::block_on(async {
        let typed = farcall(["smoke", "http://127.0.0.1:9/mcp", "--header", "s3cret"]);
        let ended = typed.run().await;
        assert!(!ended.to_string().contains("s3cret"));
        shows!(ended, @r"
        exit 2
        ---- stdout
        ---- stderr
        error: a --header is not of the form `Name: value`
        hint: quote it: --header 'X-Api-Key: …'
        ");
    });
}

#[test]
fn a_server_that_repeats_the_token_does_not_get_it_printed() {
    testing::block_on(async {
        let echo = |headers: axum::http::HeaderMap| async move {
            let sent = headers["authorization"].to_str().unwrap().to_owned();
            (
                axum::http::StatusCode::UNAUTHORIZED,
                format!("who is {sent}?"),
            )
        };
        let url = serve(axum::Router::new().fallback(echo)).await;
        let ended = smoke(&url).variable("FARCALL_TOKEN", TOKEN).run().await;
        assert!(ended.stderr.contains("who is Bearer …?"), "{ended}");
    });
}
