//! Files that are objects of a store rather than files of a folder.

use reqwest::{Method, header::HeaderMap};

use super::{TEXT, page, page_on};
use crate::{
    harness::{Server, Setup},
    offers::{printed, tools_and_jobs},
};

fn in_memory() -> Setup {
    Setup::new(tools_and_jobs()).with("FARCALL_ARTIFACTS_URL", "memory:")
}

#[tokio::test]
async fn an_object_is_sent_exactly_as_a_file_is() {
    let (of_folder, file) = page().await;
    let (of_memory, object) = page_on(in_memory()).await;
    for (method, name, value) in [
        (Method::GET, "accept", "*/*"),
        (Method::HEAD, "accept", "*/*"),
        (Method::GET, "range", "bytes=0-0"),
        (Method::GET, "range", "bytes=5-"),
        (Method::GET, "range", "bytes=-3"),
        (Method::GET, "range", "bytes=20-"),
        (Method::GET, "if-none-match", "*"),
        (Method::GET, "if-match", "\"other\""),
    ] {
        let ask = |server: &Server, path: &str| {
            server.http(method.clone(), path).header(name, value).send()
        };
        let (expected, got) = (ask(&of_folder, &file).await, ask(&of_memory, &object).await);
        assert_eq!(got.status, expected.status, "{method} {name}: {value}");
        assert_eq!(got.body, expected.body, "{method} {name}: {value}");
        assert_eq!(
            comparable(&got.headers),
            comparable(&expected.headers),
            "{method} {name}: {value}"
        );
    }
    assert_eq!(of_memory.get(&object).await.text(), TEXT);
}

#[tokio::test]
async fn an_empty_object_is_a_file() {
    let server = in_memory().start().await;
    let id = printed(&server, "").await;
    let reply = server.get(&format!("/files/{id}/page.txt")).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, ""));
}

#[tokio::test]
async fn a_server_with_a_bucket_is_ready_and_keeps_no_file_itself() {
    let (server, _) = page_on(in_memory()).await;
    assert_eq!(server.get("/readyz").await.status, 200);
    let folder = server.cut().await;
    assert!(!folder.path().join("artifacts").exists());
}

/// What does not differ from one request to the next.
fn comparable(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for own in ["date", "x-request-id", "content-disposition"] {
        headers.remove(own);
    }
    headers
}
