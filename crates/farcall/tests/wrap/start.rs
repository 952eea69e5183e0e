//! What `farcall serve` makes of the file itself.

use crate::harness::Project;

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
    assert_eq!(
        server.call("hello", serde_json::json!({})).await.text,
        "hello\n"
    );
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
