//! `/admin/jobs`, for callers with the scope `admin`.

use farcall::{Value, json};
use reqwest::Method;

use crate::{
    harness::{Client, Engine, Reply, Server, Setup, exchange, on_each_engine},
    offers::{Callers, printed, started, tools_and_jobs},
};

const NOWHERE: &str = "/admin/jobs/00000000000000000000000000000000";

async fn server(engine: Engine) -> Server {
    let app = tools_and_jobs().token_verifier(Callers);
    engine.setup(app).start().await
}

async fn post(client: &Client, path: &str) -> Reply {
    client.http(Method::POST, path).send().await
}

fn ids(listed: &Value) -> Vec<&str> {
    let jobs = listed["jobs"].as_array().unwrap().iter();
    jobs.map(|job| job["job_id"].as_str().unwrap()).collect()
}

on_each_engine! {
    async fn an_operator_sees_the_jobs_of_everybody(engine: Engine) {
        let server = server(engine).await;
        let (alice, bob) = (server.with_token("alice-token"), server.with_token("bob-token"));
        let carol = server.with_token("carol-token");
        let first = printed(&alice, "one").await;
        let second = printed(&bob, "two").await;
        let listed = carol.get("/admin/jobs").await.json();
        assert_eq!(ids(&listed), [second.as_str(), &first]);
        assert_eq!(listed["more"], false);
        for (query, expected) in [
            ("?owner=alice", &first),
            ("?owner=bob&state=succeeded&job=print", &second),
            ("?limit=1", &second),
            (&format!("?before={second}"), &first),
            (&format!("?id={}", &first[..8]), &first),
            (&format!("?ids={first}"), &first),
        ] {
            let listed = carol.get(&format!("/admin/jobs{query}")).await.json();
            assert_eq!(ids(&listed), [expected], "{query}");
            assert_eq!(listed["more"], query == "?limit=1", "{query}");
        }
        let listed = carol.get("/admin/jobs?owner=nobody").await.json();
        assert_eq!(listed, json!({"jobs": [], "more": false, "read_at": null}));
        let seen = carol.get(&format!("/admin/jobs/{first}?log=3")).await.json();
        assert_eq!((&seen["owner"], &seen["state"]), (&json!("alice"), &json!("succeeded")));
        assert_eq!(seen["artifacts"].as_array().unwrap().len(), 2);
        assert!(seen["artifacts"][0].get("location").is_none());
        // Its files are for whoever looks after it, by links of their own.
        for file in seen["artifacts"].as_array().unwrap() {
            let url = file["url"].as_str().unwrap();
            let (_, target) = url.split_once("/files/").unwrap();
            let target = format!("/files/{target}");
            assert_eq!(server.get(&target).await.status, 200, "{url}");
            let (unsigned, _) = target.split_once('?').expect("the link is not signed");
            assert_eq!(server.get(unsigned).await.status, 401, "{url}");
        }
    }

    async fn an_operator_ends_jobs_and_starts_failed_ones_again(engine: Engine) {
        let server = server(engine).await;
        let (alice, carol) = (server.with_token("alice-token"), server.with_token("carol-token"));
        let id = started(&alice, "print", json!({"text": "x", "jam": true})).await;
        crate::offers::ended(&alice, "print", &id).await;
        let again = post(&carol, &format!("/admin/jobs/{id}/retry")).await.json();
        assert_eq!((&again["retry_of"], &again["owner"]), (&json!(id), &json!("alice")));
        let over = post(&carol, &format!("/admin/jobs/{id}/cancel")).await.json();
        assert_eq!((&over["was"], &over["state"]), (&json!("failed"), &json!("failed")));
        let done = printed(&alice, "y").await;
        let refused = post(&carol, &format!("/admin/jobs/{done}/retry")).await;
        assert_eq!(refused.status, 409);
        assert!(refused.plain_error().contains("has succeeded"));
    }
}

#[tokio::test]
async fn nobody_else_comes_in() {
    let server = server(Engine::Sqlite).await;
    let open = Setup::new(tools_and_jobs()).start().await;
    let alice = server.with_token("alice-token");
    let id = printed(&alice, "mine").await;
    for (method, path) in [
        (Method::GET, "/admin/jobs".to_owned()),
        (Method::GET, format!("/admin/jobs/{id}")),
        (Method::POST, format!("/admin/jobs/{id}/cancel")),
        (Method::POST, format!("/admin/jobs/{id}/retry")),
    ] {
        let ask = async |client: &Client| client.http(method.clone(), &path).send().await;
        assert_eq!(ask(&server).await.status, 401);
        let reply = ask(&alice).await;
        assert_eq!(reply.status, 403, "{}", reply.text());
        let challenge = "Bearer error=\"insufficient_scope\", scope=\"admin\"";
        assert_eq!(reply.header("www-authenticate"), challenge);
        // Whom a tunnel lets through to a server that asks nobody is no operator.
        let reply = ask(&open).await;
        assert_eq!(reply.status, 403);
        assert!(reply.plain_error().contains("--scopes admin"));
    }
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told() {
    let server = server(Engine::Sqlite).await;
    let carol = server.with_token("carol-token");
    for query in [
        "state=done",
        "limit=-1",
        "limit=x",
        "before=1",
        "ids=1,2",
        "sort=age",
    ] {
        let reply = carol.get(&format!("/admin/jobs?{query}")).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
    }
    for path in [
        NOWHERE,
        "/admin/jobs/x",
        "/admin/jobs/%00",
        "/admin/jobs/%ff",
        "/admin/jobs/..%2f",
    ] {
        assert_eq!(carol.get(path).await.status, 404, "{path}");
        for verb in ["cancel", "retry"] {
            assert_eq!(
                post(&carol, &format!("{path}/{verb}")).await.status,
                404,
                "{path}"
            );
        }
    }
    assert_eq!(carol.get(&format!("{NOWHERE}/cancel")).await.status, 405);
    assert_eq!(post(&carol, "/admin/jobs").await.status, 405);
}

/// A page of another origin can have a browser send a POST, which says where it comes from.
#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    let server = server(Engine::Sqlite).await;
    let headers = [
        ("host", "localhost"),
        ("origin", "https://evil.example"),
        ("authorization", "Bearer carol-token"),
    ];
    let reply = exchange(&server, &format!("POST {NOWHERE}/cancel"), &headers, b"").await;
    assert_eq!(reply.status, 403);
}
