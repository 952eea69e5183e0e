//! Who answers in the place of the server, where anybody does, and what each refusal is by.

use std::time::Instant;

use super::{
    TOKEN, afar, free_port,
    front::{answering, breaking_off, endless, saying},
    gated,
};

const CLOUDFLARE: &str = "server: cloudflare\r\ncf-ray: 1-FRA\r\n";

/// What Cloudflare answers to who accepts JSON, since 2026-03-11.
const PROBLEM: &str = r#"{"type":"https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-1xxx-errors/error-1010/","title":"Error 1010: Access denied","status":403,"detail":"The site owner has blocked access based on your client.","instance":"1","error_code":1010,"cloudflare_error":true}"#;
/// The head of that.
const JSON: &str =
    "server: cloudflare\r\ncf-ray: 1-FRA\r\ncontent-type: application/json; charset=utf-8\r\n";

#[tokio::test]
async fn a_name_that_nobody_has() {
    let seen = afar("https://doctor.invalid/mcp", &[]).await;
    seen.is_broken_at("DNS", "has no address", "cloudflared tunnel route dns");
    seen.says("path", "unverified", "were not looked at", "");
}

#[tokio::test]
async fn nobody_who_takes_connections() {
    let seen = afar(&format!("http://127.0.0.1:{}/mcp", free_port()), &[]).await;
    seen.is_broken_at(
        "connection",
        "neither a proxy nor a server",
        "start what should listen",
    );
}

#[tokio::test]
async fn a_port_that_speaks_no_http() {
    let port = saying(b"220 mail.example.com ESMTP\r\n").await;
    let seen = afar(&format!("http://127.0.0.1:{port}/mcp"), &[]).await;
    seen.is_broken_at("edge", "no HTTP answer", "log of the proxy");
}

#[tokio::test]
async fn a_tunnel_without_a_connection() {
    let edge = answering("530", "server: cloudflare\r\n", "error code: 1033").await;
    let seen = afar(&edge, &[]).await;
    seen.is_broken_at(
        "edge",
        "no active connection",
        "cloudflared tunnel info NAME",
    );
}

#[tokio::test]
async fn a_record_that_leads_to_no_address() {
    let coded = answering("530", "server: cloudflare\r\n", "error code: 1016").await;
    let problem = answering(
        "530",
        JSON,
        r#"{"error_code":1016,"cloudflare_error":true}"#,
    )
    .await;
    for edge in [coded, problem] {
        let seen = afar(&edge, &[]).await;
        seen.is_broken_at(
            "edge",
            "no address behind the name",
            "cloudflared tunnel route dns",
        );
    }
}

#[tokio::test]
async fn a_tunnel_and_a_proxy_without_an_origin() {
    let edge = answering("502 Bad Gateway", "server: cloudflare\r\n", "").await;
    afar(&edge, &[]).await.is_broken_at(
        "edge",
        "the tunnel is up",
        "curl -s http://127.0.0.1:8900/healthz",
    );
    let edge = answering("502 Bad Gateway", "server: nginx\r\n", "<html>").await;
    afar(&edge, &[])
        .await
        .is_broken_at("edge", "a proxy is up", "port");
    let edge = answering("504 Gateway Timeout", "", "").await;
    afar(&edge, &[])
        .await
        .is_broken_at("edge", "takes longer", "job");
}

#[tokio::test]
async fn access_without_its_headers_and_with_one_of_them() {
    const LOGIN: &str = "server: cloudflare\r\nlocation: https://farm.cloudflareaccess.com/cdn-cgi/access/login/x?kid=1\r\n";
    let edge = answering("302 Found", LOGIN, "").await;
    afar(&edge, &[]).await.is_broken_at(
        "edge auth",
        "`CF-Access-Client-Id` and `CF-Access-Client-Secret` are missing",
        "Service Auth",
    );
    let half = [("CF_ACCESS_CLIENT_ID", "x.access")];
    let seen = afar(&edge, &half).await;
    seen.is_broken_at(
        "credentials",
        "`CF_ACCESS_CLIENT_SECRET` is not set",
        "export CF_ACCESS_CLIENT_SECRET",
    );
    seen.says(
        "edge auth",
        "broken",
        "`CF-Access-Client-Secret` is missing",
        "send both",
    );
    let both = [
        ("CF_ACCESS_CLIENT_ID", "x.access"),
        ("CF_ACCESS_CLIENT_SECRET", TOKEN),
    ];
    let edge = answering(
        "403 Forbidden",
        "server: cloudflare\r\n",
        "<html>Forbidden</html>",
    )
    .await;
    let seen = afar(&edge, &both).await;
    seen.is_broken_at(
        "edge auth",
        "no policy takes it",
        "Service Auth must include this token",
    );
}

#[tokio::test]
async fn a_redirect_a_page_and_a_path_with_nothing() {
    let edge = answering(
        "301 Moved Permanently",
        "location: https://farm.example.com/mcp\r\n",
        "",
    )
    .await;
    afar(&edge, &[]).await.is_broken_at(
        "edge",
        "do not follow redirects",
        "https://farm.example.com/mcp",
    );
    let edge = answering("200 OK", "content-type: text/html\r\n", "<!doctype html>").await;
    afar(&edge, &[])
        .await
        .is_broken_at("edge", "another site", "/mcp");
    let edge = answering("404 Not Found", "server: cloudflare\r\n", "").await;
    afar(&edge, &[])
        .await
        .is_broken_at("edge", "`ingress`", "config.yml");
    let (_project, server) = gated().await;
    let seen = afar(
        &format!("{}/mpc", server.origin()),
        &[("FARCALL_TOKEN", TOKEN)],
    )
    .await;
    seen.is_broken_at("edge", "the path is `/mpc`", "/mcp at its end");
}

#[tokio::test]
async fn where_a_redirect_leads_is_told_without_what_may_be_secret_in_it() {
    const REPEATED: &str = "location: https://farm.example.com/d0ct0r-t0ken-d0ct0r-t0ken/mcp\r\n";
    const BESIDE: &str = "location: /mcp/?key=d0ct0r-t0ken-d0ct0r-t0ken\r\n";
    let edge = answering("307 Temporary Redirect", REPEATED, "").await;
    let seen = afar(&edge, &[("FARCALL_TOKEN", TOKEN)]).await;
    seen.is_broken_at("edge", "to `https://farm.example.com/…/mcp`", "");
    let edge = answering("307 Temporary Redirect", BESIDE, "").await;
    let seen = afar(&edge, &[]).await;
    seen.is_broken_at("edge", "to `/mcp/`", "such as `/mcp/`");
}

#[tokio::test]
async fn what_a_server_says_itself_has_the_cause_that_it_names() {
    const REVOKED: &str = "content-type: application/json\r\nwww-authenticate: Bearer error=\"invalid_token\", error_description=\"the caller has no token any more\"\r\n";
    const NO_ASSERTION: &str = "content-type: application/json\r\nwww-authenticate: Bearer error_description=\"the request did not come through Cloudflare Access: call the public URL\"\r\n";
    const NO_CREDENTIAL: &str = "content-type: application/json\r\nwww-authenticate: Bearer error_description=\"no credential was sent: send Authorization: Bearer <token>, or come through Cloudflare Access\"\r\n";
    const LACKING: &str = "content-type: application/json\r\nwww-authenticate: Bearer error=\"insufficient_scope\", scope=\"admin\"\r\n";
    const PLAIN: &str = "content-type: application/json\r\n";
    for (status, headers, body, check, cause, remedy) in [
        (
            "401 Unauthorized",
            REVOKED,
            r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"whoever you are to Cloudflare Access is a caller here that has no token, and without one is not let in; ask the operator of this server"}}"#,
            "edge auth",
            "whoever that is has no token any more",
            "farcall token create NAME",
        ),
        (
            "401 Unauthorized",
            NO_ASSERTION,
            r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"the request did not come through Cloudflare Access; call the public URL of this server"}}"#,
            "edge auth",
            "the request went around Access",
            "call the public URL",
        ),
        (
            "401 Unauthorized",
            NO_CREDENTIAL,
            r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"no credential was sent; send the header `Authorization: Bearer <token>` with a token of this server, or call its public URL through Cloudflare Access"}}"#,
            "edge auth",
            "the header `Authorization` is missing",
            "export FARCALL_TOKEN",
        ),
        (
            "403 Forbidden",
            LACKING,
            r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"this needs the scope `admin`, which the caller does not have"}}"#,
            "edge auth",
            "that caller may not do this",
            "--scopes",
        ),
        (
            "503 Service Unavailable",
            PLAIN,
            r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"the token cannot be verified at the moment; try again in a few seconds"}}"#,
            "edge",
            "could not fetch the keys",
            "FARCALL_LOG",
        ),
        (
            "503 Service Unavailable",
            PLAIN,
            r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"come back later"}}"#,
            "edge",
            "takes no requests now",
            "/readyz",
        ),
    ] {
        let edge = answering(status, headers, body).await;
        afar(&edge, &[]).await.is_broken_at(check, cause, remedy);
    }
}

#[tokio::test]
async fn cloudflare_refuses_for_other_reasons_than_access() {
    const CHALLENGED: &str = "server: cloudflare\r\ncf-mitigated: challenge\r\n";
    let challenged = answering("403 Forbidden", CHALLENGED, "<html>Just a moment").await;
    let banned = answering("403 Forbidden", CLOUDFLARE, "error code: 1010").await;
    let problem = answering("403 Forbidden", JSON, PROBLEM).await;
    let seen = afar(&problem, &[]).await;
    seen.says(
        "edge auth",
        "broken",
        "403 Forbidden: Error 1010: Access denied: The site",
        "",
    );
    let coded = answering("403 Forbidden", JSON, r#"{"error_code": 1020}"#).await;
    for edge in [challenged, banned, problem, coded] {
        let seen = afar(&edge, &[]).await;
        seen.is_broken_at("edge auth", "against bots or attacks", "Skip");
    }
    let limited = r#"{"title":"Error 1015: You are being rate limited","error_code":1015,"cloudflare_error":true}"#;
    let limiting = answering("429 Too Many Requests", JSON, limited).await;
    let seen = afar(&limiting, &[]).await;
    seen.is_broken_at("edge", "a rule of Cloudflare limits", "Rate limiting");
    let body = r#"{"error": "the badge is missing"}"#;
    let origin = answering("403 Forbidden", CLOUDFLARE, body).await;
    let seen = afar(&origin, &[]).await;
    seen.is_broken_at("edge auth", "the badge is missing", "another gate");
    seen.says("edge auth", "broken", "nothing was sent", "");
    // What is left is Access.
    let access = answering("403 Forbidden", CLOUDFLARE, "<html>Forbidden</html>").await;
    let seen = afar(&access, &[]).await;
    seen.is_broken_at("edge auth", "`CF-Access-Client-Id`", "Service Auth");
}

#[tokio::test]
async fn a_path_below_a_prefix_and_a_method_that_is_none() {
    let edge = answering("404 Not Found", "", "").await;
    let seen = afar(&format!("{edge}/farm/mcp"), &[]).await;
    seen.is_broken_at("edge", "another program", "`hostname`");
    let seen = afar(&format!("{edge}/farm/mcp/"), &[]).await;
    seen.is_broken_at("edge", "the path is `/farm/mcp/`", "/mcp at its end");
    let edge = answering("405 Method Not Allowed", "", "").await;
    let seen = afar(&format!("{edge}/mcp"), &[]).await;
    seen.is_broken_at("edge", "takes no POST", "/sse");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_taken_for_another_site() {
    let seen = afar(&breaking_off().await, &[]).await;
    seen.is_broken_at("edge", "ends early", "log of the proxy");
}

#[tokio::test]
async fn an_answer_without_an_end_does_not_hold_everything_up() {
    let edge = endless().await;
    let began = Instant::now();
    let seen = afar(&edge, &[]).await;
    seen.is_broken_at("protocol", "did not answer", "");
    seen.says("protocol", "unverified", "was not tried", "");
    seen.says("open to strangers", "unverified", "", "");
    assert!(began.elapsed().as_secs() < 55, "{:?}", began.elapsed());
}
