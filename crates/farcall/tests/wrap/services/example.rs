//! `examples/wrap-a-service`: the service, its document and its `farcall.toml`, as they are.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::harness::{Answer, PATH, Project, Server};

const KEY: &str = "open-sesame-of-the-library";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/wrap-a-service")
}

/// The service; it is killed when this is dropped.
struct Library {
    child: Child,
    url: String,
}

impl Library {
    /// Starts it on a port that is free.
    async fn start() -> Self {
        let mut command = Command::new("python3");
        command
            .args(["-IS", "service.py", "0"])
            .current_dir(folder())
            .env("PATH", PATH)
            .env("LIBRARY_KEY", KEY)
            .stdout(Stdio::piped());
        let start = move || {
            let mut child = command.spawn().unwrap();
            let mut line = String::new();
            let mut said = BufReader::new(child.stdout.take().unwrap());
            said.read_line(&mut line).unwrap();
            let url = line.split_whitespace().last().unwrap().to_owned();
            Self { child, url }
        };
        tokio::task::spawn_blocking(start).await.unwrap()
    }

    /// Its project, with the port that it has.
    fn project(&self) -> Project {
        let toml = fs::read_to_string(folder().join("farcall.toml")).unwrap();
        let there = "http://127.0.0.1:9000";
        assert!(toml.contains(there));
        let project = Project::new(&toml.replace(there, &self.url)).with("LIBRARY_KEY", KEY);
        fs::copy(folder().join("openapi.json"), project.path("openapi.json")).unwrap();
        project
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn its_document_is_what_the_service_says() {
    let library = Library::start().await;
    let url = format!("{}/openapi.json", library.url);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let said = client.get(url).send().await.unwrap().bytes().await.unwrap();
    let said: Value = serde_json::from_slice(&said).unwrap();
    let written: Value =
        serde_json::from_slice(&fs::read(folder().join("openapi.json")).unwrap()).unwrap();
    assert_eq!(said, written);
}

async fn refused(server: &Server, tool: &str, arguments: Value) -> String {
    let answer: Answer = server.call(tool, arguments).await;
    answer.failure().0
}

#[tokio::test]
async fn its_tools_and_its_job_work() {
    let library = Library::start().await;
    let server = library.project().serve().await;
    let tools = server.tools().await;
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "start_scan",
            "get_scan_status",
            "get_scan_result",
            "cancel_scan",
            "find_books",
            "add_book",
            "get_book"
        ]
    );
    let add = &tools[5];
    assert_eq!(
        add["inputSchema"]["required"],
        json!(["title", "author", "pages"])
    );
    assert_eq!(add["inputSchema"]["properties"]["pages"]["maximum"], 10_000);
    assert_eq!(
        add["outputSchema"]["required"],
        json!(["id", "title", "author", "pages"])
    );
    assert_eq!(tools[4]["annotations"]["readOnlyHint"], true);
    assert!(
        tools[6]["description"]
            .as_str()
            .unwrap()
            .contains("`find_books` knows the ids")
    );

    let found = server
        .value("find_books", json!({"author": "Ada Quill", "limit": 1}))
        .await;
    assert_eq!(found["books"][0]["title"], "The Tide Tables");
    let book = json!({"title": "Über \"Nebel\" & 50 % mehr", "author": "C. Ö?", "pages": 3});
    let added = server.value("add_book", book.clone()).await;
    assert_eq!(added["title"], book["title"]);
    let id = added["id"].clone();
    assert_eq!(server.value("get_book", json!({"id": id})).await, added);
    let found = server.value("find_books", json!({"author": "C. Ö?"})).await;
    assert_eq!(found, json!({"books": [added]}));

    let error = refused(&server, "get_book", json!({"id": "b99"})).await;
    assert_eq!(
        error,
        "the service `library` answered 404 Not Found: {\"detail\": \"there is no book 'b99'\"}"
    );
    let error = refused(&server, "get_book", json!({"id": "../books"})).await;
    assert!(
        error.contains("`id`") && error.contains("^b[0-9]+$"),
        "{error}"
    );
    let error = refused(
        &server,
        "add_book",
        json!({"title": "", "author": "x", "pages": 0}),
    )
    .await;
    assert!(
        error.contains("title") && error.contains("pages"),
        "{error}"
    );

    let id = server.start("scan", json!({"id": "b3"})).await;
    server
        .status_when("scan", &id, |status| status["stage"].as_u64() >= Some(2))
        .await;
    server
        .status_when("scan", &id, |status| status["stage"] == 3)
        .await;
    let result = server.result("scan", &id).await;
    assert_eq!(
        result["result"],
        json!({"book": "A Field Guide to Fog", "pages": 60})
    );
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_key_is_told_and_not_shown() {
    let library = Library::start().await;
    let server = library
        .project()
        .with("LIBRARY_KEY", "a-wrong-key")
        .serve()
        .await;
    let error = refused(&server, "find_books", json!({})).await;
    assert_eq!(
        error,
        "the service `library` answered 401 Unauthorized: {\"detail\": \"the key is missing or wrong\"}"
    );
    assert!(!server.talk().contains("a-wrong-key"));
    server.stop().await;
}
