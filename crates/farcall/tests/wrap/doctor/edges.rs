//! Who answers in the place of the server, and what each refusal is by.

use std::time::Instant;

use super::{
    Doctor, Seen,
    front::{answering, breaking_off, endless},
};

const CLOUDFLARE: &str = "server: cloudflare\r\ncf-ray: 1-FRA\r\n";

/// What Cloudflare answers to who accepts JSON, since 2026-03-11.
const PROBLEM: &str = r#"{"type":"https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-1xxx-errors/error-1010/","title":"Error 1010: Access denied","status":403,"detail":"The site owner has blocked access based on your client.","instance":"1","error_code":1010,"cloudflare_error":true}"#;
/// The head of that.
const JSON: &str =
    "server: cloudflare\r\ncf-ray: 1-FRA\r\ncontent-type: application/json; charset=utf-8\r\n";

async fn afar(url: &str) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    Doctor::within(folder.path()).argument(url).run().await
}

#[tokio::test]
async fn cloudflare_refuses_for_other_reasons_than_access() {
    const CHALLENGED: &str = "server: cloudflare\r\ncf-mitigated: challenge\r\n";
    let challenged = answering("403 Forbidden", CHALLENGED, "<html>Just a moment").await;
    let banned = answering("403 Forbidden", CLOUDFLARE, "error code: 1010").await;
    let problem = answering("403 Forbidden", JSON, PROBLEM).await;
    let seen = afar(&problem).await;
    seen.says(
        "edge auth",
        "broken",
        "403 Forbidden: Error 1010: Access denied: The site",
        "",
    );
    let coded = answering("403 Forbidden", JSON, r#"{"error_code": 1020}"#).await;
    for edge in [challenged, banned, problem, coded] {
        let seen = afar(&edge).await;
        seen.is_broken_at("edge auth", "against bots or attacks", "Skip");
    }
    let limited = r#"{"title":"Error 1015: You are being rate limited","error_code":1015,"cloudflare_error":true}"#;
    let limiting = answering("429 Too Many Requests", JSON, limited).await;
    let seen = afar(&limiting).await;
    seen.is_broken_at("edge", "a rule of Cloudflare limits", "Rate limiting");
    let body = r#"{"error": "the badge is missing"}"#;
    let origin = answering("403 Forbidden", CLOUDFLARE, body).await;
    let seen = afar(&origin).await;
    seen.is_broken_at("edge auth", "the badge is missing", "another gate");
    seen.says("edge auth", "broken", "nothing was sent", "");
    // What is left is Access.
    let access = answering("403 Forbidden", CLOUDFLARE, "<html>Forbidden</html>").await;
    let seen = afar(&access).await;
    seen.is_broken_at("edge auth", "`CF-Access-Client-Id`", "Service Auth");
}

#[tokio::test]
async fn a_path_below_a_prefix_and_a_method_that_is_none() {
    let edge = answering("404 Not Found", "", "").await;
    let seen = afar(&format!("{edge}/farm/mcp")).await;
    seen.is_broken_at("edge", "another program", "`hostname`");
    let seen = afar(&format!("{edge}/farm/mcp/")).await;
    seen.is_broken_at("edge", "the path is `/farm/mcp/`", "/mcp at its end");
    let edge = answering("405 Method Not Allowed", "", "").await;
    let seen = afar(&format!("{edge}/mcp")).await;
    seen.is_broken_at("edge", "takes no POST", "/sse");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_taken_for_another_site() {
    let seen = afar(&breaking_off().await).await;
    seen.is_broken_at("edge", "ends early", "log of the proxy");
}

#[tokio::test]
async fn an_answer_without_an_end_does_not_hold_everything_up() {
    let edge = endless().await;
    let began = Instant::now();
    let seen = afar(&edge).await;
    seen.is_broken_at("protocol", "did not answer", "");
    seen.says("protocol", "unverified", "was not tried", "");
    seen.says("open to strangers", "unverified", "", "");
    assert!(began.elapsed().as_secs() < 55, "{:?}", began.elapsed());
}
