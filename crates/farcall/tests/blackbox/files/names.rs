//! Names that lead nowhere: all of them get the one 404.

use super::page;
use crate::{
    harness::{Reply, Server, exchange},
    offers::{Callers, printed, tools_and_jobs},
};

/// The answer to a path, byte by byte as it stands.
async fn fetched(server: &Server, path: &str) -> Reply {
    let request = format!("GET {path}");
    exchange(server, &request, &[("host", "localhost")], b"").await
}

/// The server's one answer for files that are not there.
async fn is_not_there(server: &Server, path: &str) {
    let reply = fetched(server, path).await;
    assert_eq!(reply.status, 404, "{path}: {}", reply.text());
    assert_eq!(
        reply.text(),
        r#"{"error":"there is no such file; it is there once its job has succeeded, until it expires"}"#,
        "{path}"
    );
}

/// The answer where the path is that of no route.
async fn leads_nowhere(server: &Server, path: &str) {
    let reply = fetched(server, path).await;
    assert_eq!(reply.status, 404, "{path}: {}", reply.text());
}

#[tokio::test]
async fn a_name_that_climbs_is_not_there() {
    let (server, path) = page().await;
    let (job, _) = path.rsplit_once('/').unwrap();
    for name in [
        "..",
        "%2e%2e",
        "..%2f..%2fjobs.db",
        "%2e%2e%2f%2e%2e%2fjobs.db",
        "..%5c..%5cjobs.db",
        "%252e%252e%252fjobs.db",
        "..%c0%af..%c0%afjobs.db",
        ".%00./jobs.db",
        "%2e",
    ] {
        if name.contains('/') {
            leads_nowhere(&server, &format!("{job}/{name}")).await;
        } else {
            is_not_there(&server, &format!("{job}/{name}")).await;
        }
    }
    for path in [
        format!("{job}/../../etc/passwd"),
        format!("{job}/../page.txt/.."),
        "/files/../Cargo.toml".to_owned(),
        "/files/..%2f..".to_owned(),
        "/../../etc/passwd".to_owned(),
        "/files//etc/passwd".to_owned(),
        "//etc/passwd".to_owned(),
    ] {
        leads_nowhere(&server, &path).await;
    }
}

#[tokio::test]
async fn an_absolute_name_is_not_there() {
    let (server, path) = page().await;
    let (job, _) = path.rsplit_once('/').unwrap();
    let secret = server.secret_path().replace('/', "%2f");
    for name in [
        "%2fetc%2fpasswd",
        "C:%5cwindows%5cwin.ini",
        "file:%2f%2f%2fetc%2fpasswd",
        &secret,
    ] {
        is_not_there(&server, &format!("{job}/{name}")).await;
    }
}

#[tokio::test]
async fn a_name_with_a_nul_is_not_there() {
    let (server, path) = page().await;
    for end in ["%00", "%00.txt", "%0a", "%0d%0aX-Evil:%201", "%7f"] {
        is_not_there(&server, &format!("{path}{end}")).await;
    }
    let (job, _) = path.rsplit_once('/').unwrap();
    is_not_there(&server, &format!("{job}%00/page.txt")).await;
    is_not_there(&server, &format!("{job}%00")).await;
}

#[tokio::test]
async fn a_name_that_is_no_text_is_not_there() {
    let (server, path) = page().await;
    is_not_there(&server, &format!("{path}%ff")).await;
    is_not_there(&server, "/files/%ff%fe").await;
    is_not_there(&server, "/files/%ff%fe/page.txt").await;
}

#[tokio::test]
async fn an_overlong_name_is_not_there() {
    let (server, path) = page().await;
    let long = "a".repeat(20_000);
    is_not_there(&server, &format!("{path}{long}")).await;
    is_not_there(&server, &format!("/files/{long}")).await;
}

#[tokio::test]
async fn a_name_nearly_right_is_not_there() {
    let (server, path) = page().await;
    let (job, _) = path.rsplit_once('/').unwrap();
    for name in [
        "page",
        "Page.txt",
        "page.txt.",
        "page.tx",
        "log.csv%20",
        "result.json",
        "%2a",
        "%25",
    ] {
        is_not_there(&server, &format!("{job}/{name}")).await;
    }
    for id in [
        "0",
        "00000000000000000000000000000000",
        "%27%20OR%201=1%20--",
    ] {
        is_not_there(&server, &format!("/files/{id}")).await;
        is_not_there(&server, &format!("/files/{id}/page.txt")).await;
    }
    is_not_there(&server, &job.to_uppercase().replace("/FILES", "/files")).await;
    for path in [
        "/files",
        "/files/",
        &format!("{path}/"),
        &format!("{path}/x"),
    ] {
        leads_nowhere(&server, path).await;
    }
}

#[tokio::test]
async fn a_file_of_another_job_is_not_there() {
    let (server, path) = page().await;
    let other = printed(&server, "other").await;
    let (job, _) = path.rsplit_once('/').unwrap();
    leads_nowhere(&server, &format!("{job}/../{other}/page.txt")).await;
    is_not_there(&server, &format!("{job}/..%2f{other}%2fpage.txt")).await;
}

#[tokio::test]
async fn somebody_elses_file_is_not_there() {
    let app = tools_and_jobs().token_verifier(Callers);
    let server = crate::harness::Setup::new(app).start().await;
    let id = printed(&server.with_token("alice-token"), "secret").await;
    let headers = [("host", "localhost"), ("authorization", "Bearer bob-token")];
    let mut answers = Vec::new();
    for id in [id.as_str(), "00000000000000000000000000000000"] {
        for path in [format!("/files/{id}"), format!("/files/{id}/page.txt")] {
            let reply = exchange(&server, &format!("GET {path}"), &headers, b"").await;
            answers.push((reply.status, reply.text()));
        }
    }
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    assert_eq!(answers[0].0, 404);
}
