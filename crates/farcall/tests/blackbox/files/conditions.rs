//! Conditional requests.

use super::{Page, TEXT};
use crate::harness::Reply;

/// Asks on conditions, in which `TAG` stands for the file's tag.
async fn on(page: &Page, conditions: &[(&str, &str)]) -> Reply {
    let tag = page.on(&[]).await.header("etag").to_owned();
    let conditions: Vec<_> = conditions
        .iter()
        .map(|(name, value)| (*name, value.replace("TAG", &tag)))
        .collect();
    let conditions: Vec<_> = conditions
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    page.on(&conditions).await
}

#[tokio::test]
async fn who_has_the_file_already_is_told_so() {
    let page = Page::new().await;
    for known in ["TAG", "W/TAG", "\"other\", TAG", "*"] {
        let reply = on(&page, &[("if-none-match", known)]).await;
        assert_eq!((reply.status, reply.body.len()), (304, 0), "{known}");
        assert!(!reply.header("etag").is_empty());
    }
}

#[tokio::test]
async fn who_has_another_file_gets_this_one() {
    let page = Page::new().await;
    for known in ["\"other\"", "", "TA", "\"*\""] {
        let reply = on(&page, &[("if-none-match", known)]).await;
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (200, TEXT),
            "{known}"
        );
    }
}

#[tokio::test]
async fn a_part_of_the_same_file_goes_on_where_it_was() {
    let page = Page::new().await;
    let reply = on(&page, &[("range", "bytes=15-"), ("if-range", "TAG")]).await;
    assert_eq!((reply.status, reply.text().as_str()), (206, "fghij"));
}

#[tokio::test]
async fn a_part_of_another_file_begins_anew() {
    let page = Page::new().await;
    for other in ["\"other\"", "W/TAG", "Wed, 21 Oct 2015 07:28:00 GMT"] {
        let reply = on(&page, &[("range", "bytes=15-"), ("if-range", other)]).await;
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (200, TEXT),
            "{other}"
        );
    }
}

#[tokio::test]
async fn knowing_the_file_counts_before_its_parts() {
    let page = Page::new().await;
    let reply = on(&page, &[("range", "bytes=99-"), ("if-none-match", "TAG")]).await;
    assert_eq!(reply.status, 304);
}

#[tokio::test]
async fn who_insists_on_another_file_is_told_that_this_is_not_it() {
    let page = Page::new().await;
    for (wanted, status) in [
        ("\"other\"", 412),
        ("TAG", 200),
        ("*", 200),
        ("\"a\", TAG", 200),
    ] {
        let reply = on(&page, &[("if-match", wanted)]).await;
        assert_eq!(reply.status, status, "{wanted}");
    }
}
