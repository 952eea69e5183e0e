//! The router's routes are those that are described, with the methods that are described.

use std::{collections::BTreeSet, net::Ipv4Addr, sync::Arc};

use axum::{Router, body::Body, extract::Request, response::Response};
use farcall_artifacts::Artifacts;
use farcall_core::{
    catalog::{Catalog, Offers},
    clock::SystemClock,
};
use farcall_jobs::{Links, Programs};
use farcall_metrics::Metrics;
use farcall_store::MemoryStore;
use http::{Method, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::sync::watch;

use super::document;
use crate::{
    Entrance, Guard, Identity, JobFiles, Limits, Networks, Parts, Proof, Rates, Sessions,
    StateKeys, Work,
    auth::{Authenticators, OAuth, OAuthTerms, OAuthTokens, SharedSecret, ToolScopes},
    mcp::Protocol,
    router::router,
};

const METHODS: [Method; 8] = [
    Method::DELETE,
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::PATCH,
    Method::POST,
    Method::PUT,
    Method::TRACE,
];

#[tokio::test]
async fn every_route_is_described_and_there_is_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let routes = paths(everything(folder.path()).routes());
    let document = document();
    let described = document["paths"].as_object().unwrap();
    assert_eq!(routes, described.keys().cloned().collect());
}

#[tokio::test]
async fn what_is_not_described_is_not_allowed_and_told_what_is() {
    let folder = tempfile::tempdir().unwrap();
    let server = everything(folder.path());
    for (path, item) in document()["paths"].as_object().unwrap() {
        let described: BTreeSet<_> = METHODS
            .into_iter()
            .filter(|method| has(item, method))
            .map(|method| method.to_string())
            .collect();
        for method in METHODS {
            let (status, allowed, body) = answer_to(&server, &method, path).await;
            let what = format!("{method} {path}: {status} {body}");
            if described.contains(method.as_str()) {
                assert_ne!(status, StatusCode::METHOD_NOT_ALLOWED, "{what}");
                assert!(!body.contains("there is nothing here"), "{what}");
                let answers = &item[method.as_str().to_ascii_lowercase()]["responses"];
                assert!(answers[status.as_str()].is_object(), "{what}");
            } else {
                assert_eq!(
                    (status, allowed),
                    (StatusCode::METHOD_NOT_ALLOWED, described.clone()),
                    "{what}"
                );
            }
        }
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for reference in found {
        let place = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(place).is_some(), "{reference}");
    }
}

fn has(item: &Value, method: &Method) -> bool {
    item.get(method.as_str().to_ascii_lowercase()).is_some()
}

/// Status, `Allow` and body.
async fn answer_to(
    server: &Entrance,
    method: &Method,
    path: &str,
) -> (StatusCode, BTreeSet<String>, String) {
    let request = Request::builder()
        .method(method)
        .uri(path.replace(['{', '}'], ""))
        .header(header::HOST, "localhost")
        .header(header::AUTHORIZATION, "Bearer secret")
        .body(Body::empty())
        .unwrap();
    let response: Response = server.answer(request, Ipv4Addr::LOCALHOST.into()).await;
    let allowed = response.headers().get(header::ALLOW);
    let allowed = allowed.map_or("", |allowed| allowed.to_str().unwrap());
    let allowed = allowed.split(',').map(|method| method.trim().to_owned());
    let (status, allowed) = (response.status(), allowed.collect());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, allowed, String::from_utf8_lossy(&body).into_owned())
}

/// The paths of a router, which it tells only where it is printed.
fn paths(routes: &Router) -> BTreeSet<String> {
    let printed = format!("{routes:?}");
    let (routes, _) = printed.split_once("fallback_router").unwrap();
    let (_, paths) = routes.rsplit_once("paths: {").unwrap();
    let paths = paths.split('"').skip(1).step_by(2);
    paths.map(str::to_owned).collect()
}

/// A server that has everything that a server can have.
fn everything(folder: &std::path::Path) -> Entrance {
    let clock = Arc::new(SystemClock);
    let mut authenticators = Authenticators::default();
    authenticators.push(Arc::new(SharedSecret::new(&"secret".to_owned().into())));
    authenticators.set_oauth(OAuth::new(terms(), clock.clone()).unwrap());
    let jobs = JobFiles {
        store: Arc::new(MemoryStore::new(clock.clone())),
        artifacts: Artifacts::open(folder).unwrap(),
        links: Links::new("http://127.0.0.1:8900"),
        redirects: false,
    };
    let parts = Parts {
        identity: Identity {
            name: "everything".to_owned(),
            version: "1".to_owned(),
            title: None,
            instructions: None,
        },
        catalog: Arc::new(Catalog::new(Vec::new(), Offers::default()).unwrap()),
        updates: None,
        sessions: Some(Sessions::default()),
        plain_calls: true,
        authenticators,
        guard: Guard::new(),
        proxies: Networks::default(),
        limits: Limits::new(Rates::default(), clock.clone()),
        audit: None,
        jobs: Some(jobs),
        tasks: None,
        work: Work::Elsewhere(watch::channel(Programs::default()).1),
        gated_routes: Router::new(),
        public_routes: Router::new(),
        public_base_url: "http://127.0.0.1:8900".to_owned(),
        state_keys: StateKeys::new([0; 32], None),
        proof: Proof::new([0; 32]),
        metrics: Metrics::default(),
        clock,
        stopping: tokio_util::sync::CancellationToken::new(),
    };
    let protocol = Protocol::new(&parts).unwrap();
    router(parts, protocol)
}

fn terms() -> OAuthTerms {
    OAuthTerms {
        issuer: "https://issuer.example.com".to_owned(),
        audience: "http://127.0.0.1:8900/mcp".to_owned(),
        resource: "http://127.0.0.1:8900/mcp".to_owned(),
        public_base_url: "http://127.0.0.1:8900".to_owned(),
        name: "everything".to_owned(),
        tokens: OAuthTokens::Signed {
            keys: None,
            algorithms: vec!["RS256".to_owned()],
        },
        scopes: ToolScopes::default(),
    }
}
