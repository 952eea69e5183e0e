//! Signed links: they open one file, for a while, to whoever has them.

use farcall::{Value, json};
use reqwest::Method;

use super::TEXT;
use crate::{
    harness::{Reply, Server, Setup, exchange, pace, soon},
    offers::{Callers, count, print, printed, result, tools, tools_and_jobs},
    tasks::{self, exposed},
};

pub(super) const ALICE: &str = "alice-token";

pub(super) fn setup() -> Setup {
    Setup::new(tools_and_jobs().token_verifier(Callers))
}

/// A page of alice's, and its links.
struct Linked {
    server: Server,
    result: Value,
}

impl Linked {
    async fn new(setup: Setup) -> Self {
        let server = setup.start().await;
        let alice = server.with_token(ALICE);
        let id = printed(&alice, TEXT).await;
        let result = result(&alice, "print", &id).await.structured();
        Self { server, result }
    }

    /// The link of a file by its place in the result.
    fn file(&self, place: usize) -> String {
        target(&self.result["artifacts"][place]["url"])
    }

    /// The page's own.
    fn page(&self) -> String {
        self.file(1)
    }
}

/// Path and query of a URL of the server.
pub(super) fn target(url: &Value) -> String {
    let url = reqwest::Url::parse(url.as_str().unwrap()).unwrap();
    let query = url.query().expect("the link is not signed");
    format!("{}?{query}", url.path())
}

async fn is_not_there(server: &Server, target: &str) {
    let reply = server.get(target).await;
    assert_eq!(reply.status, 404, "{target}");
    assert_eq!(
        reply.plain_error(),
        "there is no such file; it is there once its job has succeeded, until it expires"
    );
}

#[tokio::test]
async fn a_link_opens_its_file_without_a_token() {
    let linked = Linked::new(setup()).await;
    let reply = linked.server.get(&linked.page()).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, TEXT));
    assert_eq!(reply.header("cache-control"), "private, no-store");
    let primary = target(&linked.result["url"]);
    let reply = linked.server.get(&primary).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, "a,b\n1,2\n"));
}

#[tokio::test]
async fn a_link_serves_heads_ranges_and_conditions() {
    let linked = Linked::new(setup()).await;
    let page = linked.page();
    let ask = |method: Method, name: &'static str, value: &'static str| {
        let request = linked.server.http(method, &page).header(name, value);
        async move { request.send().await }
    };
    let head = ask(Method::HEAD, "accept", "*/*").await;
    assert_eq!((head.status, head.header("content-length")), (200, "20"));
    let part = ask(Method::GET, "range", "bytes=5-7").await;
    assert_eq!((part.status, part.text().as_str()), (206, "567"));
    let outside = ask(Method::GET, "range", "bytes=20-").await;
    assert_eq!(outside.status, 416);
    let unchanged = ask(Method::GET, "if-none-match", "*").await;
    assert_eq!(unchanged.status, 304);
    assert_eq!(ask(Method::POST, "accept", "*/*").await.status, 405);
}

#[tokio::test]
async fn a_link_that_was_touched_opens_nothing() {
    let linked = Linked::new(setup()).await;
    let (page, server) = (linked.page(), &linked.server);
    let (path, query) = page.split_once('?').unwrap();
    let [exp, kid, sig] = query.split('&').collect::<Vec<_>>().try_into().unwrap();
    let (log, primary) = (linked.file(0), target(&linked.result["url"]));
    let other = printed(&server.with_token(ALICE), "other").await;
    let later = format!("exp={}", exp[4..].parse::<u64>().unwrap() + 1);
    let flipped = if sig.ends_with('0') { "1" } else { "0" };
    let flipped = format!("{}{flipped}", &sig[..sig.len() - 1]);
    for query in [
        format!("{later}&{kid}&{sig}"),
        format!("{exp}&{kid}&{flipped}"),
        format!("{exp}&kid=00000000&{sig}"),
        format!("{exp}&kid=&{sig}"),
        format!("{exp}&{kid}"),
        format!("{exp}&{sig}"),
        format!("{kid}&{sig}"),
        format!("{exp}&{kid}&{sig}&{sig}"),
        format!("exp=1&{kid}&{sig}"),
        format!("exp=9999999999999999&{kid}&{sig}"),
        log.split_once('?').unwrap().1.to_owned(),
        primary.split_once('?').unwrap().1.to_owned(),
        "sig=".to_owned(),
    ] {
        is_not_there(server, &format!("{path}?{query}")).await;
    }
    for path in [
        format!("/files/{other}/page.txt"),
        format!("/files/{other}"),
        path.replace("page.txt", "log.csv"),
        path.replace("/page.txt", ""),
        path.replace("page.txt", "nothing"),
        "/files/nothing".to_owned(),
        "/files/%ff/%ff".to_owned(),
    ] {
        is_not_there(server, &format!("{path}?{query}")).await;
    }
    assert_eq!(server.get(&page).await.status, 200);
}

#[tokio::test]
async fn either_credential_is_enough_and_none_is_told_as_401() {
    let linked = Linked::new(setup()).await;
    let page = linked.page();
    let (path, _) = page.split_once('?').unwrap();
    let broken = format!("{path}?exp=1&kid=1&sig=1");
    assert_eq!(linked.server.get(path).await.status, 401);
    assert_eq!(linked.server.get(&broken).await.status, 404);
    for (token, target, status) in [
        ("wrong", path, 401),
        ("wrong", &page, 200),
        ("wrong", &broken, 401),
        (ALICE, path, 200),
        (ALICE, &broken, 200),
        ("bob-token", path, 404),
        ("bob-token", &page, 200),
        ("bob-token", &broken, 404),
        ("carol-token", path, 200),
    ] {
        let reply = linked.server.with_token(token).get(target).await;
        assert_eq!(reply.status, status, "{token} {target}");
    }
}

#[tokio::test]
async fn a_link_opens_nothing_but_its_file() {
    let linked = Linked::new(setup()).await;
    let page = linked.page();
    let (_, query) = page.split_once('?').unwrap();
    let headers = [("host", "localhost")];
    for path in ["/mcp", "/files", "/readyz/x"] {
        let reply = exchange(
            &linked.server,
            &format!("GET {path}?{query}"),
            &headers,
            b"",
        )
        .await;
        assert!(
            matches!(reply.status, 401 | 404),
            "{path}: {}",
            reply.status
        );
    }
}

#[tokio::test]
async fn a_link_says_how_long_it_opens_its_file_and_the_next_result_has_another() {
    let linked = Linked::new(setup().with("FARCALL_LINK_LIFETIME", "1s")).await;
    let (server, page) = (&linked.server, linked.page());
    let said = linked.result["artifacts"][1]["expires_at"]
        .as_str()
        .unwrap();
    let exp = page.split(['=', '&']).nth(1).unwrap();
    assert_eq!(rfc3339(exp), said);
    soon(async {
        while server.get(&page).await.status != 404 {
            pace().await;
        }
    })
    .await;
    let alice = server.with_token(ALICE);
    let id = linked.result["job_id"].as_str().unwrap();
    let again = result(&alice, "print", id).await.structured();
    let fresh = target(&again["artifacts"][1]["url"]);
    assert_ne!(fresh, page);
    // The token opens it whatever became of the link.
    assert_eq!(alice.get(&page).await.text(), TEXT);
}

/// Seconds as the result says them.
fn rfc3339(seconds: &str) -> String {
    jiff::Timestamp::from_second(seconds.parse().unwrap())
        .unwrap()
        .to_string()
}

#[tokio::test]
async fn a_task_and_a_direct_call_have_the_same_links() {
    let open = tokio_util::sync::CancellationToken::new();
    open.cancel();
    let app = tools().add_job(exposed(print(&open)));
    let server = Setup::new(app.token_verifier(Callers)).start().await;
    let alice = server.with_token(ALICE);
    let arguments = json!({"text": TEXT});
    let id = tasks::id_of(&alice, "print", arguments.clone()).await;
    let task = tasks::ended(&alice, &id).await;
    let of_task = &task["result"]["structuredContent"]["artifacts"][1]["url"];
    assert_eq!(server.get(&target(of_task)).await.text(), TEXT);
    let called = alice.call("print", arguments).await.structured();
    let of_call = &called["artifacts"][1]["url"];
    assert_eq!(server.get(&target(of_call)).await.text(), TEXT);
}

#[tokio::test]
async fn without_authentication_links_are_plain() {
    let server = Setup::new(tools_and_jobs()).start().await;
    let id = printed(&server, TEXT).await;
    let left = result(&server, "print", &id).await.structured();
    let url = left["artifacts"][1]["url"].as_str().unwrap();
    assert!(url.ends_with(&format!("/files/{id}/page.txt")), "{url}");
    let path = format!("/files/{id}/page.txt?exp=1&kid=1&sig=1");
    assert_eq!(server.get(&path).await.text(), TEXT);
}

#[tokio::test]
async fn links_outlive_a_restart_and_live_through_a_change_of_the_secret() {
    const OLD: &str = "an old secret of 32 characters or more";
    const NEW: &str = "a new secret of 32 characters or more!";
    let linked = Linked::new(setup()).await;
    let by_store = linked.page();
    let id = linked.result["job_id"].as_str().unwrap().to_owned();
    let restarted = async |before: Server, secrets: &[(&str, &str)]| {
        let mut setup = setup().in_folder(before.cut().await);
        for (name, value) in secrets {
            setup = setup.with(name, value);
        }
        setup.start().await
    };
    let link = async |server: &Server| {
        let result = result(&server.with_token(ALICE), "print", &id).await;
        target(&result.structured()["artifacts"][1]["url"])
    };
    let server = restarted(linked.server, &[]).await;
    assert_eq!(server.get(&by_store).await.status, 200);

    // The new key is accepted before anybody signs with it, and the old one after nobody does.
    let (secret, previous) = ("FARCALL_SECRET", "FARCALL_PREVIOUS_SECRET");
    let server = restarted(server, &[(secret, OLD), (previous, NEW)]).await;
    is_not_there(&server, &by_store).await;
    let old = link(&server).await;
    let server = restarted(server, &[(secret, NEW), (previous, OLD)]).await;
    let new = link(&server).await;
    assert_ne!(old.split("kid=").nth(1), new.split("kid=").nth(1));
    assert_eq!(server.get(&old).await.status, 200);
    assert_eq!(server.get(&new).await.status, 200);
    let server = restarted(server, &[(secret, OLD), (previous, NEW)]).await;
    assert_eq!(server.get(&new).await.status, 200);

    let server = restarted(server, &[(secret, NEW)]).await;
    is_not_there(&server, &old).await;
    assert_eq!(server.get(&new).await.status, 200);
}

#[tokio::test]
async fn a_link_of_a_file_that_expired_opens_nothing() {
    let kept = count().with(|options| options.keep_for = std::time::Duration::from_secs(5));
    let app = tools().add_job(kept).token_verifier(Callers);
    let server = Setup::new(app).start().await;
    let alice = server.with_token(ALICE);
    let id = crate::offers::started(&alice, "count", json!({"text": TEXT})).await;
    crate::offers::ended(&alice, "count", &id).await;
    let left: Reply = result(&alice, "count", &id).await;
    let link = target(&left.structured()["url"]);
    assert_eq!(server.get(&link).await.status, 200);
    // An hour is its lifetime, but no longer than the file's.
    soon(async {
        while server.get(&link).await.status != 404 {
            pace().await;
        }
    })
    .await;
    // It was a good one, so nobody has tried anything out.
    let carol = server.with_token("carol-token");
    let told = carol.get("/metrics").await.text();
    let counted = |reason: &str, times: u32| {
        let series = format!("farcall_auth_failures_total{{reason=\"{reason}\"}} {times}\n");
        assert!(told.contains(&series), "{told}");
    };
    counted("expired", 1);
    counted("link", 0);
}
