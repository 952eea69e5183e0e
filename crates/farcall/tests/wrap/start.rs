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
