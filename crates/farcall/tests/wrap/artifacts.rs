//! The files that jobs leave: what patterns and names lead to, and what not.

use serde_json::{Value, json};

use crate::jobs::act;

async fn names(actions: Value) -> (Vec<String>, Vec<String>) {
    let (project, _out) = act();
    std::fs::write(project.path("secret.txt"), "x").unwrap();
    let server = project.serve().await;
    let id = server.start("act", json!({"actions": actions})).await;
    let result = server.result("act", &id).await;
    let files = result["artifacts"].as_array().unwrap();
    let names = files
        .iter()
        .map(|file| file["name"].as_str().unwrap().to_owned());
    (names.collect(), server.log("act", &id).await)
}

#[tokio::test]
async fn files_are_published_in_the_order_of_their_patterns_and_then_of_their_names() {
    let (names, log) = names(json!([
        "write=z.md:z",
        "write=out/b.txt:b",
        "write=out/a.txt:a",
        "write=out/deep/c.txt:c",
        "write=other.bin:o",
        r#"say={"artifact":"other.bin"}"#,
        r#"say={"artifact":"./out/a.txt"}"#,
        r#"say={"artifact":"out/deep/c.txt"}"#,
    ]))
    .await;
    assert_eq!(names, ["a.txt", "b.txt", "z.md", "other.bin", "c.txt"]);
    assert!(log.is_empty(), "{log:?}");
}

/// CVE-2025-53109: a link out of the folder is no file of it.
#[tokio::test]
async fn links_that_lead_out_are_no_artifacts() {
    let (names, log) = names(json!([
        "write=out/a.txt:a",
        "link=out/host.txt:/etc/hostname",
        "link=out/up.txt:../../../../secret.txt",
        "link=out/self.txt:a.txt",
        "link=readme.md:/etc/passwd",
        "link=etc:/etc",
    ]))
    .await;
    assert_eq!(names, ["a.txt", "self.txt"]);
    assert_eq!(log, ["no file matches the artifact pattern `*.md`"]);
}

#[tokio::test]
async fn a_job_without_files_publishes_its_value() {
    let (names, log) = names(json!([r#"say={"result":1}"#])).await;
    assert_eq!(names, ["result.json"]);
    assert_eq!(log.len(), 2, "{log:?}");
}
