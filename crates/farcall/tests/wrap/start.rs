//! What `farcall serve` makes of the file itself.

use serde_json::json;

use crate::harness::{Project, until};

#[tokio::test]
async fn a_file_with_faults_is_not_served() {
    let project = Project::new("[tool.x]\ndescription = \"X.\"\ncomand = [\"python3\"]\n");
    let (status, said) = project.refused().await;
    assert_eq!(status, 2);
    assert!(
        said.contains("farcall.toml:3:1") && said.contains("`command`"),
        "{said}"
    );
}

#[tokio::test]
async fn a_folder_without_a_file_says_what_to_do() {
    let project = Project::new("");
    std::fs::remove_file(project.path("farcall.toml")).unwrap();
    let (status, said) = project.refused().await;
    assert_eq!(status, 2);
    assert!(said.contains("farcall.toml"), "{said}");
}

#[tokio::test]
async fn the_file_names_the_server() {
    let toml = r#"
[server]
name = "farm"
version = "1.2.3"

[tool.hello]
description = "Greet."
command = ["echo", "hello"]
"#;
    let project = Project::new(toml);
    let server = project.serve().await;
    assert!(server.talk().contains("farm 1.2.3"), "{}", server.talk());
    assert_eq!(server.call("hello", json!({})).await.text, "hello\n");
}

/// What a new user reads first.
#[tokio::test]
async fn the_banner_says_what_is_served_to_whom_and_what_to_try() {
    let tool = "[tool.hello]\ndescription = \"Greet.\"\ncommand = [\"echo\", \"hello\"]\n";
    let job = "[job.print]\ndescription = \"Print.\"\ncommand = [\"echo\", \"a page\"]\n";
    let server = "[server]\nname = \"press\"\nversion = \"1.0.0\"\n";

    let project = Project::new(&format!("{server}{tool}"));
    insta::assert_snapshot!(banner(&project).await, @r"
    press 1.0.0
      mcp      http://127.0.0.1:8900/mcp
      role     all: answers callers, runs jobs
      callers  not authenticated by this process
      data     none is kept
      offers   1 tool
      try      farcall smoke http://127.0.0.1:8900/mcp
    ");

    let project = Project::new(&format!("{server}{tool}{job}"));
    let project = project.with("MCP_BEARER_TOKEN", "a-token-for-the-tests");
    insta::assert_snapshot!(banner(&project).await, @r"
    press 1.0.0
      mcp      http://127.0.0.1:8900/mcp
      role     all: answers callers, runs jobs
      callers  authenticated by the bearer token of MCP_BEARER_TOKEN
      data     .farcall
      offers   5 tools, 4 of them for 1 job
      try      MCP_BEARER_TOKEN=… farcall smoke http://127.0.0.1:8900/mcp
    ");
}

/// Everything up to the command to try, with the port and the program's folder left out.
async fn banner(project: &Project) -> String {
    let server = project.serve().await;
    let said = until("the end of the banner", async || {
        let talk = server.talk();
        let (banner, rest) = talk.split_once("\n  try ")?;
        let (attempt, _) = rest.split_once('\n')?;
        Some(format!("{banner}\n  try {attempt}"))
    });
    let said = said.await;
    let (_, url) = said.rsplit_once(' ').unwrap();
    let said = said.replace(url, "http://127.0.0.1:8900/mcp");
    said.replace(env!("CARGO_BIN_EXE_farcall"), "farcall")
}

/// Where bubblewrap is asked for, nothing is served without it.
#[tokio::test]
async fn without_bubblewrap_what_asks_for_it_is_not_served() {
    let toml = "[tool.hello]\ndescription = \"Greet.\"\ncommand = [\"/bin/echo\", \"hello\"]\nsandbox = \"bwrap\"\n";
    let empty = tempfile::tempdir().unwrap();
    let project = Project::new(toml).with("PATH", empty.path().to_str().unwrap());
    let (status, said) = project.refused().await;
    assert_eq!(status, 2);
    assert!(
        said.contains("tool `hello`") && said.contains("there is no `bwrap` in `PATH`"),
        "{said}"
    );
    // The same file without it.
    let without = toml.replace("bwrap", "required");
    let project = Project::new(&without).with("PATH", empty.path().to_str().unwrap());
    project.serve().await.stop().await;
}
