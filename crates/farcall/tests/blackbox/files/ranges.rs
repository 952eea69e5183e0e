//! Parts of files.

use reqwest::Method;

use super::{Page, TEXT, page};

#[tokio::test]
async fn a_part_is_sent_with_its_place() {
    let page = Page::new().await;
    for (range, part, place) in [
        ("bytes=0-0", "0", "bytes 0-0/20"),
        ("bytes=5-9", "56789", "bytes 5-9/20"),
        ("bytes=15-", "fghij", "bytes 15-19/20"),
        ("bytes=-3", "hij", "bytes 17-19/20"),
        ("bytes=-99", TEXT, "bytes 0-19/20"),
        ("bytes=0-999999999999999999999", TEXT, "bytes 0-19/20"),
    ] {
        let reply = page.on(&[("range", range)]).await;
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (206, part),
            "{range}"
        );
        assert_eq!(reply.header("content-range"), place);
        assert_eq!(reply.header("content-length"), part.len().to_string());
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn a_part_beyond_the_end_cannot_be_sent() {
    let page = Page::new().await;
    for range in [
        "bytes=20-",
        "bytes=20-30",
        "bytes=-0",
        "bytes=99999999999999999999-",
    ] {
        let reply = page.on(&[("range", range)]).await;
        assert_eq!(reply.status, 416, "{range}");
        assert_eq!(reply.header("content-range"), "bytes */20");
        assert!(reply.plain_error().contains("which has 20 bytes"));
    }
}

/// RFC 9110 section 14.2 lets a server ignore a header that it does not understand, and the whole file
/// is an answer to every question.
#[tokio::test]
async fn what_is_no_range_is_ignored() {
    let page = Page::new().await;
    for range in [
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=9-5",
        "lines=0-1",
        "bytes=0x1-2",
        "5-9",
        "bytes=1--2",
    ] {
        let reply = page.on(&[("range", range)]).await;
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (200, TEXT),
            "{range}"
        );
        assert_eq!(reply.header("content-range"), "");
    }
}

#[tokio::test]
async fn several_parts_at_once_are_answered_with_the_whole() {
    let page = Page::new().await;
    for range in ["bytes=0-1,3-4", "bytes=0-0,0-0,0-0,0-0,0-0", "bytes=0-,-1"] {
        let reply = page.on(&[("range", range)]).await;
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (200, TEXT),
            "{range}"
        );
    }
}

#[tokio::test]
async fn head_ignores_a_range() {
    let (server, path) = page().await;
    let request = server
        .http(Method::HEAD, &path)
        .header("range", "bytes=5-9");
    let reply = request.send().await;
    let length = TEXT.len().to_string();
    assert_eq!(
        (reply.status, reply.header("content-length")),
        (200, length.as_str())
    );
}

#[tokio::test]
async fn a_download_that_broke_off_goes_on() {
    let (server, path) = page().await;
    let mut got = String::new();
    while got.len() < TEXT.len() {
        let range = format!("bytes={}-{}", got.len(), got.len() + 6);
        let request = server.http(Method::GET, &path).header("range", &range);
        got += &request.send().await.text();
    }
    assert_eq!(got, TEXT);
}
