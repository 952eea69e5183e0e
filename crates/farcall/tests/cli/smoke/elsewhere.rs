//! Addresses at which there is no MCP server.

use farcall::{
    axum::{
        Router,
        http::{StatusCode, header},
        response::Html,
    },
    testing,
};
use farcall_testpg::free_port;

use crate::harness::{calculator, shows, smoke, with_routes, with_server};

#[test]
fn nobody_listens() {
    testing::block_on(async {
        let address = format!("127.0.0.1:{}", free_port());
        shows!(smoke(&format!("http://{address}/mcp")).run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: nobody listens at `http://127.0.0.1:[PORT]/mcp`: connection refused
        hint: is the server running, and is this its port?
        ");
    });
}

#[test]
fn a_name_that_does_not_exist() {
    testing::block_on(async {
        shows!(smoke("http://no-such-name.invalid/mcp").run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: the name `no-such-name.invalid` cannot be resolved
        hint: is it spelt right? a new DNS record or tunnel needs a minute to be known
        ");
    });
}

#[test]
fn a_web_page() {
    let routes = Router::new().fallback(async || Html("<h1>Welcome</h1>"));
    with_routes(routes, |url| async move {
        shows!(smoke(&format!("{url}/?key=s3cret")).run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: `http://127.0.0.1:[PORT]/` answers, but not as an MCP server (200 OK, text/html; charset=utf-8)
        hint: is this the URL of the MCP endpoint? its path is usually /mcp
        ");
    });
}

#[test]
fn a_wrong_path() {
    with_server(calculator(), |url| async move {
        shows!(smoke(&url.replace("/mcp", "/sse")).run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: `http://127.0.0.1:[PORT]/sse` answers 404 Not Found: there is nothing here; MCP is spoken at `/mcp`
        hint: the path of an MCP endpoint is usually /mcp
        ");
    });
}

#[test]
fn a_server_that_refuses_the_origin() {
    with_server(calculator(), |url| async move {
        let ended = smoke(&url)
            .arguments(&["--header", "Origin: http://evil.example"])
            .run()
            .await;
        shows!(ended, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: `http://127.0.0.1:[PORT]/mcp` answers 403 Forbidden: pages of this `Origin` may not call; the operator can list it in FARCALL_ALLOWED_ORIGINS
        hint: a farcall server checks Host and Origin (FARCALL_ALLOWED_HOSTS, FARCALL_ALLOWED_ORIGINS); an edge may want headers of its own (--header)
        ");
    });
}

#[test]
fn a_server_without_tls() {
    with_server(calculator(), |url| async move {
        shows!(smoke(&url.replace("http:", "https:")).run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: `https://127.0.0.1:[PORT]/mcp` does not speak TLS
        hint: write http:// where the server has no certificate of its own
        ");
    });
}

#[test]
fn a_log_in_page_of_cloudflare_access() {
    let login = "https://team.cloudflareaccess.com/cdn-cgi/access/login?token=s3cret";
    let routes = Router::new()
        .fallback(move || async move { (StatusCode::FOUND, [(header::LOCATION, login)]) });
    with_routes(routes, |url| async move {
        shows!(smoke(&format!("{url}/mcp")).run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: `http://127.0.0.1:[PORT]/mcp` answers 302 Found
        hint: Cloudflare Access wants a service token: --header 'CF-Access-Client-Id: …' --header 'CF-Access-Client-Secret: …'
        ");
    });
}

#[test]
fn a_proxy_whose_server_is_down() {
    let routes = Router::new().fallback(async || StatusCode::BAD_GATEWAY);
    with_routes(routes, |url| async move {
        shows!(smoke(&format!("{url}/mcp")).run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: `http://127.0.0.1:[PORT]/mcp` answers 502 Bad Gateway
        hint: a proxy or tunnel may be up while the server behind it is not
        ");
    });
}
