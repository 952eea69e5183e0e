//! Names that turn elsewhere.

use std::{
    collections::BTreeMap,
    net::{IpAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use reqwest::dns::Resolve;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::service::guard::Lookup;

fn service(base_url: &str) -> Service {
    Service {
        base_url: base_url.parse().unwrap(),
        headers: BTreeMap::new(),
        timeout: Duration::from_secs(10),
        max_answer: 1 << 20,
        allowed_addresses: Vec::new(),
        openapi: None,
    }
}

/// Answers with each of these addresses in turn, and counts how often it was asked.
fn turning(addresses: &[[u8; 4]]) -> (Lookup, Arc<AtomicUsize>) {
    let left = Mutex::new(
        addresses
            .iter()
            .copied()
            .map(IpAddr::from)
            .rev()
            .collect::<Vec<_>>(),
    );
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        let next = left.lock().unwrap().pop().unwrap();
        Box::pin(async move { Ok(vec![next]) })
    });
    (lookup, asked)
}

/// ContextForge looked a name up, judged the answer, and let the connection look it up again.
#[tokio::test]
async fn cve_2026_53710_a_name_that_turns_elsewhere_is_judged_where_it_is_connected_to() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let count = stream.read(&mut [0; 4_096]).await.unwrap();
        assert!(count > 0);
        let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
        stream.write_all(answer).await.unwrap();
    });
    let service = service(&format!("http://farm.lan:{port}"));
    let (lookup, asked) = turning(&[[127, 0, 0, 1], [169, 254, 169, 254]]);
    let guard = Guard::resolving(&service.base_url, &[], lookup);
    let client = Client::guarded("farm", &service, guard).unwrap();
    let answer = client
        .send(Outgoing::get(service.base_url.clone()))
        .await
        .unwrap();
    assert_eq!(answer.body, b"ok");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    serving.await.unwrap();
    let failure = client
        .send(Outgoing::get(service.base_url))
        .await
        .unwrap_err();
    assert_eq!(
        failure.problem.public_message(),
        "the service `farm` leads to an address that it may not; the operator finds it in the server's log"
    );
    assert!(!failure.is_passing);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

/// The other record: a public name that later leads into the network of the server.
#[tokio::test]
async fn cve_2026_77822_a_public_name_that_turns_nearby_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let service = service(&format!("http://api.example:{port}"));
    let (lookup, _) = turning(&[[93, 184, 216, 34], [127, 0, 0, 1]]);
    let guard = Guard::resolving(&service.base_url, &[], lookup).unwrap();
    let public = guard.resolve("api.example".parse().unwrap()).await.unwrap();
    assert_eq!(public.count(), 1);
    let client = Client::guarded("api", &service, Ok(guard)).unwrap();
    let failure = client
        .send(Outgoing::get(service.base_url))
        .await
        .unwrap_err();
    let cause = failure.problem.cause().unwrap().to_string();
    assert!(cause.contains("and was public before"), "{cause}");
    assert!(listener.accept().is_err());
}
