//! `farcall jobs --server URL`: the same as beside the server, for whoever has the scope `admin`.

use std::{
    fs,
    process::{Command, Output},
    sync::Arc,
};

use farcall::axum::{
    self, Router,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use farcall_core::{clock::SystemClock, id::JobId};
use farcall_store::{JobStore, NewJob, SqliteStore, conformance::fixture::new_job};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use crate::harness::{PATH, Project, Server, client, until};

const TOML: &str = "[job.wait]\ndescription = \"Wait.\"\ncommand = [\"sleep\", \"600\"]\n\
                    stages = [\"waiting\"]\n";

/// What `farcall jobs` says: beside the server, or with these variables and flags.
fn jobs(project: &Project, far: &[&str], token: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(&project.binary);
    command.arg("jobs").args(far).args(arguments);
    command
        .current_dir(project.path(""))
        .env_clear()
        .env("PATH", PATH);
    if !token.is_empty() {
        command.env("FARCALL_TOKEN", token);
    }
    command.output().unwrap()
}

fn said(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn started(server: &Server, tool: &str, token: &str) -> String {
    let params = json!({"name": tool, "arguments": {}});
    let request = server
        .request("tools/call", tool, params)
        .bearer_auth(token);
    let body: Value = request.send().await.unwrap().json().await.unwrap();
    let id = body["result"]["structuredContent"]["job_id"].as_str();
    id.unwrap_or_else(|| panic!("{body}")).to_owned()
}

#[tokio::test]
async fn what_is_seen_and_done_from_afar_is_what_is_beside_the_server() {
    let project = Project::new(TOML);
    let root = project.token(&["create", "root", "--scopes", "call,admin"]);
    let server = project.serve().await;
    let id = started(&server, "start_wait", &root).await;
    let origin = server.origin();
    let mcp = format!("{origin}/mcp");
    until("the running job", async || {
        let listed = said(&jobs(
            &project,
            &[],
            "",
            &["list", "--state", "running", "--json"],
        ));
        (listed["jobs"][0]["message"] == "[1/1] waiting").then_some(())
    })
    .await;
    for far in [["--server", origin.as_str()], ["--server", mcp.as_str()]] {
        for verb in [
            &["list", "--json"][..],
            &[
                "list", "--json", "--job", "wait", "--owner", "root", "--limit", "1",
            ],
            &["list", "--json", "--owner", "nobody"],
        ] {
            let (near, far) = (
                jobs(&project, &[], "", verb),
                jobs(&project, &far, &root, verb),
            );
            assert_eq!(said(&near), said(&far), "{verb:?}");
        }
        let show = ["show", &id[..8], "--json"];
        let (near, far) = (
            jobs(&project, &[], "", &show),
            jobs(&project, &far, &root, &show),
        );
        assert_eq!(said(&near), said(&far));
    }
    let far = ["--server", origin.as_str()];
    let sheet = jobs(&project, &far, &root, &["show", &id]);
    let sheet = String::from_utf8(sheet.stdout).unwrap();
    assert!(
        sheet.contains("owner     root\n") && sheet.contains("state     running, stage 1/1"),
        "{sheet}"
    );

    let refused = jobs(&project, &far, &root, &["retry", &id]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("is not over"),
        "{refused:?}"
    );
    let cancelled = said(&jobs(&project, &far, &root, &["cancel", &id, "--json"]));
    assert_eq!(cancelled["jobs"][0]["was"], "running");
    let watched = jobs(&project, &far, &root, &["watch", &id]);
    assert_eq!(watched.status.code(), Some(1), "{watched:?}");
    assert!(
        String::from_utf8_lossy(&watched.stdout).contains("failed"),
        "{watched:?}"
    );
    let again = said(&jobs(&project, &far, &root, &["retry", &id, "--json"]));
    assert_eq!(again["retry_of"], id.as_str());
    let again = again["job_id"].as_str().unwrap().to_owned();
    let cancelled = said(&jobs(&project, &far, &root, &["cancel", &again, "--json"]));
    assert_eq!(cancelled["jobs"][0]["job_id"], again.as_str());
    let unknown = jobs(&project, &far, &root, &["show", &"0".repeat(32)]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
    server.stop().await;
}

/// What stands on the sheet of a job, beside a server and from afar.
#[tokio::test]
async fn from_afar_the_files_of_a_job_are_links_that_open_them() {
    let toml = "[job.film]\ndescription = \"Make a film.\"\nartifacts = [\"*.txt\"]\n\
                command = [\"sh\", \"-c\", \"echo film > film.txt; echo credits > credits.txt\"]\n";
    let project = Project::new(toml);
    let root = project.token(&["create", "root", "--scopes", "call,admin"]);
    let server = project.serve().await;
    let id = started(&server, "start_film", &root).await;
    let origin = server.origin();
    let far = ["--server", origin.as_str()];
    let show = |far: &[&str], how: &[&str]| {
        jobs(
            &project,
            far,
            &root,
            &[&["show", id.as_str()], how].concat(),
        )
    };
    let urls = async |far: &[&str]| {
        until("the files", async || {
            let shown = said(&show(far, &["--json"]));
            let files = shown["artifacts"].as_array()?.iter();
            let urls = files.map(|file| Some(file["url"].as_str()?.to_owned()));
            let urls: Vec<_> = urls.collect::<Option<_>>()?;
            (shown["state"] == "succeeded").then_some(urls)
        })
        .await
    };
    let fetched = async |url: &str| {
        let answer = client().get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let links = urls(&far).await;
    let sheet = String::from_utf8(show(&far, &[]).stdout).unwrap();
    let printed: Vec<_> = sheet
        .split_whitespace()
        .filter(|word| word.starts_with("http"))
        .collect();
    assert_eq!(printed.len(), 2, "{sheet}");
    for links in [links.iter().map(String::as_str).collect(), printed] {
        let (mut first, mut second) = (fetched(links[0]).await, fetched(links[1]).await);
        if first.1 == "film\n" {
            (first, second) = (second, first);
        }
        assert_eq!(
            (first, second),
            ((200, "credits\n".to_owned()), (200, "film\n".to_owned()))
        );
    }
    // Beside the server they are plain, and need a token: what signs them may be in a configuration that
    // is not that of whoever looks.
    fs::write(project.path(".env"), format!("PUBLIC_BASE_URL={origin}")).unwrap();
    for (link, plain) in links.iter().zip(urls(&[]).await) {
        assert_eq!(
            link.split_once('?').map(|(plain, _)| plain),
            Some(plain.as_str())
        );
        assert_eq!(fetched(&plain).await.0, 401);
    }
    server.stop().await;
}

#[tokio::test]
async fn only_operators_look_from_afar_and_are_told_how() {
    let project = Project::new(TOML);
    let server = project.serve().await;
    let origin = server.origin();
    let far = ["--server", origin.as_str()];
    let refused = |token: &str, reason: &str| {
        let output = jobs(&project, &far, token, &["list"]);
        let talk = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && talk.contains(reason),
            "{reason}: {talk}"
        );
        assert!(output.stdout.is_empty());
        assert!(token.is_empty() || !talk.contains(token), "{talk}");
    };
    refused("", "token create NAME --scopes admin");
    refused("whatever-it-is", "asks nobody who they are");
    let ci = project.token(&["create", "ci"]);
    refused(&ci, "the scope `admin`");
    until("the end of anonymous calls", async || {
        let status = reqwest::get(format!("{origin}/admin/jobs"))
            .await
            .unwrap()
            .status();
        (status == 401).then_some(())
    })
    .await;
    refused("whatever-it-is", "not known here");
    server.stop().await;
}

/// A server answers with a thousand at most.
#[tokio::test]
async fn as_many_jobs_are_listed_from_afar_as_there_are() {
    const JOBS: u128 = 1_002;
    let project = Project::new(TOML);
    let store = SqliteStore::open(&project.path(".farcall"), Arc::new(SystemClock)).await;
    let store = Arc::new(store.unwrap());
    let mut enqueued = JoinSet::new();
    for number in 1..=JOBS {
        let mut job = NewJob {
            id: JobId::from_random((number << 96).to_be_bytes()),
            ..new_job()
        };
        "wait".clone_into(&mut job.job);
        let store = Arc::clone(&store);
        enqueued.spawn(async move { store.enqueue(job).await.map(drop) });
    }
    while let Some(one) = enqueued.join_next().await {
        one.unwrap().unwrap();
    }
    store.close().await;
    let root = project.token(&["create", "root", "--scopes", "admin"]);
    let server = project.serve().await;
    let origin = server.origin();
    for (limit, count, more) in [
        ("1000", 1_000, true),
        ("1001", 1_001, true),
        ("1002", 1_002, false),
        ("5000", 1_002, false),
    ] {
        let list = ["list", "--json", "--limit", limit];
        let far = said(&jobs(&project, &["--server", &origin], &root, &list));
        assert_eq!(far["more"], more, "{limit}");
        assert_eq!(ids(&far).len(), count, "{limit}");
        assert_eq!(ids(&far), ids(&said(&jobs(&project, &[], "", &list))));
    }
    server.stop().await;
}

fn ids(listed: &Value) -> Vec<&str> {
    let jobs = listed["jobs"].as_array().unwrap().iter();
    jobs.map(|job| job["job_id"].as_str().unwrap()).collect()
}

/// Stands before a server as Cloudflare Access does: who brings no service token is sent to log in.
async fn edge(origin: String) -> String {
    let pass = move |uri: Uri, headers: HeaderMap| async move {
        let brings = |name: &str, value: &str| headers.get(name).is_some_and(|sent| sent == value);
        if !(brings("cf-access-client-id", "ops.access")
            && brings("cf-access-client-secret", "s3cret-s3cret"))
        {
            let login = [("location", "https://acme.cloudflareaccess.com/login")];
            return (StatusCode::FOUND, login).into_response();
        }
        let mut request = client().get(format!("{origin}{uri}"));
        if let Some(token) = headers.get("authorization") {
            request = request.header("authorization", token.clone());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.bytes().await.unwrap();
        Response::builder()
            .status(status)
            .body(body.into())
            .unwrap()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().fallback(pass);
    tokio::spawn(async { axum::serve(listener, routes).await });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_reaches_a_server_behind_an_edge_that_wants_headers_of_its_own() {
    let project = Project::new(TOML);
    let root = project.token(&["create", "root", "--scopes", "call,admin"]);
    let server = project.serve().await;
    let id = started(&server, "start_wait", &root).await;
    let edge = edge(server.origin()).await;
    let bearer = format!("Authorization: Bearer {root}");
    let service = [
        "--server",
        &edge,
        "--header",
        "CF-Access-Client-Id: ops.access",
        "--header",
        "CF-Access-Client-Secret: s3cret-s3cret",
    ];
    let with_header = [&service[..], &["--header", &bearer]].concat();
    for (far, token) in [(&service[..], root.as_str()), (&with_header, "wrong")] {
        let listed = said(&jobs(&project, far, token, &["list", "--json"]));
        assert_eq!(ids(&listed), [id.as_str()]);
    }
    // Behind the verb as well.
    let typed = [&["list", "--json"], &service[..]].concat();
    assert_eq!(ids(&said(&jobs(&project, &[], &root, &typed))), [&id]);

    let locked_out = jobs(&project, &["--server", &edge], &root, &["list"]);
    assert_eq!(locked_out.status.code(), Some(1), "{locked_out:?}");
    // It is for the server to say whether they are enough.
    let nobody = jobs(&project, &service, "", &["list"]);
    let talk = String::from_utf8(nobody.stderr).unwrap();
    assert!(!nobody.status.success() && talk.contains("401"), "{talk}");
    let near = jobs(&project, &["--header", "X-Key: s3cret"], "", &["list"]);
    assert_eq!(near.status.code(), Some(2), "{near:?}");
    let malformed = ["--server", &edge, "--header", "s3cret"];
    let malformed = jobs(&project, &malformed, &root, &["list"]);
    assert_eq!(malformed.status.code(), Some(2), "{malformed:?}");
    for said in [talk, format!("{near:?}{malformed:?}")] {
        assert!(!said.contains("s3cret"), "{said}");
    }
    server.stop().await;
}
