//! The Inspector's command line, in both eras of the protocol.

use farcall_acceptance::{Ended, Launch, Server, scratch};
use serde_json::Value;

use crate::{
    example::{BARE, BEARER, TOOLS, example},
    peer::{Peer, binary},
};

/// The exit status for a server that asks for credentials.
const AUTHENTICATION_REQUIRED: i32 = 3;

/// The exit status for a tool that says that it failed.
const TOOL_FAILED: i32 = 5;

const ERAS: [&[&str]; 2] = [&[], &["--protocol-era", "modern"]];

const LIST: &[&str] = &["--method", "tools/list"];

const ADD: &[&str] = &[
    "--method",
    "tools/call",
    "--tool-name",
    "add",
    "--tool-arg",
    "a=2",
    "--tool-arg",
    "b=3",
];

#[tokio::test]
async fn the_inspector_lists_and_calls_in_both_eras() {
    let example = example(&BARE).await;
    for era in ERAS {
        let listed = json(&inspect(&example.server, LIST, era).await);
        let tools = listed["tools"].as_array().unwrap().iter();
        let names: Vec<_> = tools.map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(names, TOOLS, "{era:?}");

        let added = json(&inspect(&example.server, ADD, era).await);
        assert_eq!(added["structuredContent"]["sum"], 5, "{added}");
        assert_ne!(added["isError"], true, "{added}");
    }
}

#[tokio::test]
async fn the_inspector_finds_every_schema_portable() {
    let example = example(&BARE).await;
    let strict = [LIST, &["--strict"]].concat();
    for era in ERAS {
        let ended = inspect(&example.server, &strict, era).await;
        assert_eq!(ended.code, Some(0), "{era:?}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn the_inspector_says_that_credentials_are_missing() {
    let example = example(&BEARER).await;
    let (_, token) = BEARER.client[0];
    let header = format!("Authorization: Bearer {token}");
    let with_token = [ADD, &["--header", &header]].concat();
    for era in ERAS {
        let refused = inspect(&example.server, ADD, era).await;
        assert_eq!(refused.code, Some(AUTHENTICATION_REQUIRED), "{refused:?}");
        let added = json(&inspect(&example.server, &with_token, era).await);
        assert_eq!(added["structuredContent"]["sum"], 5, "{added}");
    }
}

#[tokio::test]
async fn the_inspector_drives_tasks_to_their_end() {
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
    let launch = Launch::of(&binary("conformance-server"), folder.path());
    let server = launch.start().await;
    let call = ["--method", "tools/call", "--tool-name"];
    let compute = ["slow_compute", "--tool-arg", "seconds=1"];
    let computed = inspect(&server, &[&call[..], &compute].concat(), ERAS[1]).await;
    let computed = json(&computed);
    assert_eq!(computed["structuredContent"]["ready"], true, "{computed}");

    // A tool that is nothing but a task: whoever sees its end has followed it there.
    let failed = inspect(&server, &[&call[..], &["failing_job"]].concat(), ERAS[1]).await;
    assert_eq!(failed.code, Some(TOOL_FAILED), "{failed:?}");
    let failure: Value = serde_json::from_str(&failed.stdout).unwrap();
    assert_eq!(failure["isError"], true, "{failure}");
    let refused = inspect(&server, &[&call[..], &["failing_job"]].concat(), ERAS[0]).await;
    assert_ne!(refused.code, Some(TOOL_FAILED), "{refused:?}");
    assert_ne!(refused.code, Some(0), "{refused:?}");
    server.stop().await;
}

async fn inspect(server: &Server, what: &[&str], era: &[&str]) -> Ended {
    Peer::node("inspector")
        .argument("--cli")
        .argument(server.url())
        .arguments(&["--transport", "http"])
        .arguments(what)
        .arguments(era)
        .run()
        .await
}

fn json(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.stdout))
}
