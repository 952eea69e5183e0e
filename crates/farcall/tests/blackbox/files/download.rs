//! A file as it is sent.

use reqwest::Method;
use tokio_util::sync::CancellationToken;

use super::{TEXT, page};
use crate::{
    harness::Setup,
    offers::{ended, print, printed, started, tools, tools_and_jobs},
};

#[tokio::test]
async fn there_is_no_file_before_its_job_has_succeeded() {
    let gate = CancellationToken::new();
    let server = Setup::new(tools().add_job(print(&gate))).start().await;
    let id = started(&server, "print", farcall::json!({"text": TEXT})).await;
    for path in [
        format!("/files/{id}"),
        format!("/files/{id}/page.txt"),
        format!("/files/{id}/log.csv"),
    ] {
        let reply = server.get(&path).await;
        assert_eq!(reply.status, 404);
        assert_eq!(
            reply.plain_error(),
            "there is no such file; it is there once its job has succeeded, until it expires"
        );
    }
    gate.cancel();
    ended(&server, "print", &id).await;
    assert_eq!(
        server.get(&format!("/files/{id}/page.txt")).await.text(),
        TEXT
    );
}

#[tokio::test]
async fn a_file_comes_whole_with_everything_that_keeps_browsers_from_running_it() {
    let (server, path) = page().await;
    let reply = server.get(&path).await;
    let id = path.split('/').nth(2).unwrap();
    assert_eq!((reply.status, reply.text().as_str()), (200, TEXT));
    for (name, value) in [
        ("content-length", "20"),
        ("content-type", "text/plain; charset=utf-8"),
        (
            "content-disposition",
            &format!("attachment; filename=\"{id}.txt\""),
        ),
        ("accept-ranges", "bytes"),
        ("cache-control", "private, no-store"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cross-origin-resource-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        // The tag is the checksum.
        (
            "etag",
            "\"6bc14bdc4517a7a682c6910de2e2946eb8e1ecd04090728fef6d092a7ceb62c5\"",
        ),
    ] {
        assert_eq!(reply.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn the_primary_file_needs_no_name() {
    let (server, path) = page().await;
    let (job, _) = path.rsplit_once('/').unwrap();
    let reply = server.get(job).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), "text/csv");
    assert!(reply.header("content-disposition").ends_with(".csv\""));
}

#[tokio::test]
async fn head_says_the_same_without_the_bytes() {
    let (server, path) = page().await;
    let get = server.get(&path).await;
    let head = server.http(Method::HEAD, &path).send().await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in [
        "content-length",
        "content-type",
        "content-disposition",
        "etag",
        "accept-ranges",
    ] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    assert_eq!(
        server
            .http(Method::HEAD, "/files/nothing")
            .send()
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let server = Setup::new(tools_and_jobs()).start().await;
    let id = printed(&server, "").await;
    let reply = server.get(&format!("/files/{id}/page.txt")).await;
    assert_eq!(
        (
            reply.status,
            reply.header("content-length"),
            reply.text().as_str()
        ),
        (200, "0", "")
    );
    let ranged = server.http(Method::GET, &format!("/files/{id}/page.txt"));
    let ranged = ranged.header("range", "bytes=0-").send().await;
    assert_eq!(ranged.status, 416);
    assert_eq!(ranged.header("content-range"), "bytes */0");
}

#[tokio::test]
async fn files_are_only_read() {
    let (server, path) = page().await;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let reply = server.http(method.clone(), &path).send().await;
        assert_eq!(reply.status, 405, "{method}");
        assert!(reply.plain_error().contains("is not allowed here"));
    }
}

#[tokio::test]
async fn a_query_changes_nothing() {
    let (server, path) = page().await;
    assert_eq!(
        server
            .get(&format!("{path}?name=../../secret"))
            .await
            .text(),
        TEXT
    );
}
