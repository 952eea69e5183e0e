//! Files that are fetched from the bucket itself.

use reqwest::{Method, redirect::Policy};
use s3::S3;

use super::TEXT;
use crate::{
    harness::{Setup, soon},
    offers::{printed, tools_and_jobs},
};

#[expect(
    dead_code,
    reason = "it is that of farcall-artifacts, where all of it is used"
)]
#[path = "../../../../farcall-artifacts/tests/artifacts/s3.rs"]
mod s3;

fn in_bucket(s3: &S3) -> Setup {
    let mut setup = Setup::new(tools_and_jobs()).with("FARCALL_ARTIFACTS_URL", "s3://bucket/kept");
    for (name, value) in &s3.options {
        setup = setup.with(name, value);
    }
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_sent_to_the_bucket_where_the_operator_wants_that() {
    let s3 = S3::start().await;
    let server = in_bucket(&s3).with("FARCALL_REDIRECT_FILES", "1");
    let server = server.start().await;
    let id = printed(&server, TEXT).await;
    let url = format!("http://{}/files/{id}/page.txt", server.address);
    let direct = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none());
    let direct = direct.build().unwrap();
    let sent = soon(direct.get(&url).send()).await.unwrap();
    assert_eq!(sent.status(), 302);
    assert_eq!(sent.headers()["cache-control"], "private, no-store");
    assert_eq!(sent.headers()["referrer-policy"], "no-referrer");
    let place = sent.headers()["location"].to_str().unwrap().to_owned();
    assert!(!place.contains(s3::SECRET), "{place}");
    assert!(place.contains("X-Amz-Expires=300"), "{place}");
    let fetched = soon(direct.get(&place).header("range", "bytes=5-7").send());
    let fetched = fetched.await.unwrap();
    assert_eq!(fetched.status(), 206);
    let disposition = format!("attachment; filename=\"{id}.txt\"");
    assert_eq!(fetched.headers()["content-disposition"], *disposition);
    assert_eq!(soon(fetched.text()).await.unwrap(), "567");

    // What needs no bytes is answered here.
    let path = format!("/files/{id}/page.txt");
    let head = server.http(Method::HEAD, &path).send().await;
    assert_eq!((head.status, head.header("content-length")), (200, "20"));
    let known = server.http(Method::GET, &path).header("if-none-match", "*");
    assert_eq!(known.send().await.status, 304);
    assert_eq!(server.get("/files/nothing").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn otherwise_the_server_sends_it() {
    let s3 = S3::start().await;
    let server = in_bucket(&s3).start().await;
    let id = printed(&server, TEXT).await;
    let reply = server.get(&format!("/files/{id}/page.txt")).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, TEXT));
}
