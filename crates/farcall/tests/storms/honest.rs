//! A client that means well, and how long it waits.

use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use serde_json::json;

use crate::harness::{Server, client};

/// How often it is measured, each time anew. The median counts: what an attack costs it costs each time, what
/// other programs do on the machine meanwhile, they do not.
pub(crate) const WINDOWS: usize = 9;

/// How many calls are one measurement.
const CALLS: usize = 200;

/// A time below which nothing is compared. One refusal takes a server that is not optimised longer than all but
/// the slowest calls take one that is; `cargo xtask attacks` has one that is, and compares every time.
const SLOW: Duration = Duration::from_millis(if cfg!(debug_assertions) { 10 } else { 0 });

/// How long the slowest of a hundred calls took, once for each measurement.
#[derive(Default)]
pub(crate) struct Waits(Vec<Duration>);

impl Waits {
    /// Of as many measurements as count, one after the other.
    pub(crate) async fn of(server: &Server, headers: &HeaderMap) -> Self {
        let mut waits = Self::default();
        for _ in 0..WINDOWS {
            waits.add(server, headers).await;
        }
        waits
    }

    /// Measures once more: lists the tools with these headers, each second time over a connection of its own.
    pub(crate) async fn add(&mut self, server: &Server, headers: &HeaderMap) {
        let kept = client();
        let each_anew = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0);
        let each_anew = each_anew.build().unwrap();
        let mut took = Vec::new();
        for call in 0..CALLS {
            let http = if call % 2 == 0 { &kept } else { &each_anew };
            let request = server.request_of(http, "tools/list", "", json!({}));
            let request = request.headers(headers.clone());
            let begun = Instant::now();
            let answer = request.send().await.unwrap();
            assert!(answer.status().is_success(), "{answer:?}");
            answer.bytes().await.unwrap();
            took.push(begun.elapsed());
        }
        took.sort();
        self.0.push(took[CALLS - CALLS / 100 - 1]);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn median(&self) -> Duration {
        let mut waits = self.0.clone();
        waits.sort();
        waits[waits.len() / 2]
    }
}

/// How often an attack is tried: some other program may begin just after it was measured how long an honest
/// client waits without one.
pub(crate) const TIMES: usize = 3;

/// Sees that an honest client waits less than twice as long during an attack as before, as `measured` says.
pub(crate) async fn withstood(what: &str, measured: impl AsyncFn() -> (Waits, Waits)) {
    for _ in 0..TIMES {
        let (before, during) = measured().await;
        if is_hardly_slower(what, &before, &during) {
            return;
        }
    }
    panic!("{what}: an honest client waits too long")
}

/// Whether it waits less than twice as long as before.
#[expect(clippy::print_stdout, reason = "what was measured")]
pub(crate) fn is_hardly_slower(what: &str, before: &Waits, during: &Waits) -> bool {
    let (before, during) = (before.median(), during.median());
    let ratio = during.as_secs_f64() / before.as_secs_f64();
    println!("{what}: p99 {before:?} before, {during:?} during, {ratio:.2} times");
    ratio < 2.0 || during < 2 * SLOW
}
