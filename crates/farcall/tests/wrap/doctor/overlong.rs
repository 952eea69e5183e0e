//! Hand-offs of a stranger that would take a machine's memory, and a reader's patience.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::{Doctor, Seen, TOKEN, handed_over::registered};

/// Where nobody listens.
const URL: &str = "http://127.0.0.1:1/mcp";

/// How long each may take: to look at all of many parts for each of them would take minutes.
const SOON: Duration = Duration::from_secs(20);

async fn soon(block: &Value, variables: &[(&str, &str)]) -> Seen {
    let began = Instant::now();
    let seen = registered(block, variables).await;
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert!(seen.stdout.len() + seen.stderr.len() < 256 << 10);
    seen
}

/// One entry with so many headers that say who asks, and nobody has filled in.
fn unfilled(headers: usize) -> Value {
    let headers = (0..headers).map(|index| (format!("x-key-{index}"), json!("")));
    let headers: Map<_, _> = headers.collect();
    json!({"farm-mcp": {"url": URL, "headers": headers}})
}

#[track_caller]
fn is_refused(seen: &Seen, why: &str) {
    assert_eq!(seen.exit, 2, "{}", seen.all());
    assert!(seen.stderr.contains(why), "{}", seen.stderr);
    assert!(seen.findings.is_empty(), "{}", seen.all());
}

#[tokio::test]
async fn of_many_headers_no_more_are_told_than_servers_take() {
    let seen = soon(&unfilled(100), &[]).await;
    let is_told = |found: &&Value| found["check"] == "hand-off";
    assert_eq!(seen.findings.iter().filter(is_told).count(), 100);
    for headers in [101, 9_000] {
        let seen = soon(&unfilled(headers), &[]).await;
        is_refused(&seen, "more headers than the 100 that servers take");
    }
    // As arguments of a program there are as many.
    let arguments = ["mcp-remote".to_owned(), URL.to_owned()].into_iter();
    let headers = (0..9_000).map(|index| ["--header".to_owned(), format!("x-key-{index}:")]);
    let arguments: Vec<_> = arguments.chain(headers.flatten()).collect();
    let seen = soon(&json!({"farm-mcp": {"args": arguments}}), &[]).await;
    is_refused(&seen, "more headers than the 100 that servers take");
    let seen = soon(&unfilled(49_000), &[]).await;
    is_refused(&seen, "has more than 30000 parts");
}

#[tokio::test]
async fn tables_within_tables_do_not_end_the_program() {
    let key = ["a"; 78].join(".");
    let opened = format!("{{{key}=").repeat(78);
    let text = format!("x={opened}1{}", "}".repeat(78));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.toml"), text).unwrap();
    let seen = Doctor::within(folder.path())
        .argument("--registration")
        .argument("config.toml")
        .run()
        .await;
    is_refused(&seen, "it is nested too deeply");
}

#[tokio::test]
async fn of_many_entries_the_first_are_named() {
    let entries = (0..5_000).map(|index| (format!("a{index}"), json!({"url": URL})));
    let entries: Map<_, _> = entries.collect();
    let seen = soon(&entries.into(), &[]).await;
    is_refused(&seen, "`a9`, 4990 more,");
}

#[tokio::test]
async fn what_is_said_in_the_place_of_variables_is_bounded() {
    // In the file itself, over all entries.
    let entry = |index: usize| {
        let arguments = ["mcp-remote", URL, "--header", "x-a:${A}${A}${A}"];
        let env = json!({"A": "x".repeat(10_000)});
        (format!("a{index}"), json!({"args": arguments, "env": env}))
    };
    let entries: Map<_, _> = (0..50).map(entry).collect();
    let seen = soon(&entries.into(), &[]).await;
    is_refused(&seen, "larger than 1 MiB with what stands below `env`");
    // And of this environment, for each header.
    let value = "${FARM_MCP_TOKEN}".repeat(20_000);
    let entry = json!({"farm-mcp": {"url": URL, "headers": {"X-Key": value}}});
    let seen = soon(&entry, &[("FARM_MCP_TOKEN", TOKEN)]).await;
    seen.says(
        "credentials",
        "broken",
        "`X-Key` of the hand-off cannot be sent",
        "written there, once",
    );
}
