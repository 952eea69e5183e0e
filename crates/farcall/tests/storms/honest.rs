//! A client that means well, and how long it waits.

use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use serde_json::json;

use crate::harness::{Server, client};

/// How many calls it makes, of which the slowest of a hundred counts.
const CALLS: usize = 400;

/// A time below which twice as much tells nothing on a machine that does other things, too.
const NOISE: Duration = Duration::from_millis(10);

/// Lists the tools with these headers, each second time over a connection of its own, and returns how long
/// the slowest of a hundred took.
pub(crate) async fn honest(server: &Server, headers: &HeaderMap) -> Duration {
    let kept = client();
    let mut took = Vec::new();
    for call in 0..CALLS {
        let own = client();
        let http = if call % 2 == 0 { &kept } else { &own };
        let request = server.request_of(http, "tools/list", "", json!({}));
        let request = request.headers(headers.clone());
        let begun = Instant::now();
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        answer.bytes().await.unwrap();
        took.push(begun.elapsed());
    }
    took.sort();
    took[CALLS - CALLS / 100 - 1]
}

/// Whether it waits less than twice as long as before.
#[expect(clippy::print_stdout, reason = "what was measured")]
pub(crate) fn is_hardly_slower(what: &str, before: Duration, during: Duration) -> bool {
    println!("{what}: p99 {before:?} before, {during:?} during");
    during < 2 * before.max(NOISE)
}
