//! How often callers may do what.

use farcall::{axum::routing::get, json};
use farcall_server::{Networks, accept::Limits};
use reqwest::Method;

use super::connections::{HELLO, accepting, greeted, hello};
use crate::{
    harness::{Client, Connection, Era, Reply, Rpc, Server, Setup, soon},
    offers::{Callers, printed, result, tools, tools_and_jobs},
};

const FORWARDED: &str = "x-forwarded-for";

fn setup() -> Setup {
    Setup::new(tools_and_jobs().token_verifier(Callers))
}

/// A call that every test has.
fn addition(client: &Client) -> Rpc {
    client.tool("add", json!({"a": 2, "b": 3}))
}

fn is_refused(reply: &Reply, what: &str) {
    assert_eq!(reply.status, 429, "{}", reply.text());
    let seconds: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=3_600).contains(&seconds), "{seconds}");
    assert_eq!(reply.header("cache-control"), "no-store");
    let text = reply.text();
    assert!(text.contains(what), "{text}");
    assert!(
        text.contains(&format!("try again in {seconds} s")),
        "{text}"
    );
}

/// How many calls of each tool count as refused.
async fn are_counted(server: &Server, refused: &[(&str, u32)]) {
    let told = server.at_its_metrics().get("/metrics").await.text();
    for (tool, calls) in refused {
        let line =
            format!(r#"farcall_tool_calls_total{{tool="{tool}",outcome="refused"}} {calls}"#);
        assert!(told.lines().any(|told| told == line), "{line}: {told}");
    }
}

#[tokio::test]
async fn a_caller_has_so_many_calls_and_others_have_their_own() {
    let setup = setup().with("FARCALL_METRICS", "127.0.0.1:0");
    let server = setup.with("FARCALL_CALL_RATE", "4/h").start().await;
    let alice = server.with_token("alice-token");
    for era in Era::ALL {
        let params = json!({"name": "add", "arguments": {"a": 2, "b": 3}});
        for _ in 0..2 {
            let reply = Rpc::new(alice.clone(), era, "tools/call", params.clone());
            assert_eq!(reply.send().await.structured()["sum"], 5.0);
        }
    }
    let refused = addition(&alice).send().await;
    is_refused(&refused, "more calls, of `add` or at all");
    assert_eq!(refused.json()["id"], 1);
    // Whatever it asks for, by whichever way.
    let asking = [
        addition(&alice).capabilities(json!({"elicitation": {}})),
        alice.rpc("tools/list", json!({})),
        alice.rpc("prompts/list", json!({})),
        alice.legacy("ping", json!({})),
    ];
    for request in asking {
        let refused = request.send().await;
        is_refused(&refused, "more ");
        assert_eq!(refused.json()["id"], 1);
    }
    is_refused(&alice.call("nothing-there", json!({})).await, "more ");
    are_counted(&server, &[("add", 2), ("(none)", 1)]).await;
    is_refused(&alice.get("/files/nothing").await, "more requests");
    let bob = server.with_token("bob-token");
    assert_eq!(addition(&bob).send().await.structured()["sum"], 5.0);
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn operators_and_routes_of_the_programs_own_count_as_well() {
    let app = tools_and_jobs().route("/own", get(async || "fine"));
    let server = Setup::new(app.token_verifier(Callers))
        .with("FARCALL_CALL_RATE", "4/h")
        .start()
        .await;
    let carol = server.with_token("carol-token");
    for path in ["/own", "/admin/jobs", "/own", "/admin/jobs"] {
        assert_eq!(carol.get(path).await.status, 200, "{path}");
    }
    for path in ["/own", "/admin/jobs", "/files/nothing"] {
        is_refused(&carol.get(path).await, "more requests");
    }
    let alice = server.with_token("alice-token");
    assert_eq!(alice.get("/own").await.status, 200);
}

#[tokio::test]
async fn a_tool_has_a_limit_of_its_own() {
    let setup = setup().with("FARCALL_METRICS", "127.0.0.1:0");
    let server = setup.with("FARCALL_TOOL_RATE", "2/h").start().await;
    let alice = server.with_token("alice-token");
    for _ in 0..2 {
        addition(&alice).send().await.structured();
    }
    is_refused(&addition(&alice).send().await, "`add`");
    let asking = addition(&alice).capabilities(json!({"elicitation": {}}));
    is_refused(&asking.send().await, "`add`");
    are_counted(&server, &[("add", 2), ("echo", 0), ("(none)", 0)]).await;
    alice.call("echo", json!({"text": "hi"})).await.structured();
    let bob = server.with_token("bob-token");
    addition(&bob).send().await.structured();
}

#[tokio::test]
async fn polls_have_a_bucket_of_their_own() {
    let server = setup().with("FARCALL_CALL_RATE", "3/h").start().await;
    let alice = server.with_token("alice-token");
    // One start, any number of polls, one result.
    let id = printed(&alice, "text").await;
    let poll = || alice.call("get_print_status", json!({"job_id": id}));
    for _ in 0..50 {
        poll().await.structured();
    }
    result(&alice, "print", &id).await.structured();

    let setup = setup().with("FARCALL_METRICS", "127.0.0.1:0");
    let server = setup.with("FARCALL_POLL_RATE", "3/h").start().await;
    let alice = server.with_token("alice-token");
    let unknown = json!({"job_id": id});
    for _ in 0..3 {
        alice
            .call("get_print_status", unknown.clone())
            .await
            .result();
    }
    let refused = alice.call("get_print_status", unknown.clone()).await;
    is_refused(&refused, "wait as long as `poll_after_ms` says");
    let task = alice.rpc("tasks/get", json!({"taskId": id})).send().await;
    is_refused(&task, "more polls");
    are_counted(
        &server,
        &[("get_print_status", 1), ("add", 0), ("(none)", 0)],
    )
    .await;
    addition(&alice).send().await.structured();
}

#[tokio::test]
async fn an_honest_client_meets_no_limit() {
    let server = setup().start().await;
    let alice = server.with_token("alice-token");
    let id = printed(&alice, "text").await;
    for _ in 0..300 {
        let status = alice.call("get_print_status", json!({"job_id": id})).await;
        assert_eq!(status.structured()["state"], "succeeded");
        addition(&alice).send().await.structured();
    }
}

#[tokio::test]
async fn without_names_clients_are_told_apart_by_what_a_trusted_proxy_says() {
    let limited = || Setup::new(tools()).with("FARCALL_CALL_RATE", "2/h");
    let server = limited().with("FARCALL_TRUSTED_PROXIES", "127.0.0.1");
    let server = server.start().await;
    let from = |address: &str| addition(&server).header(FORWARDED, address).send();
    for _ in 0..2 {
        from("203.0.113.7").await.structured();
    }
    is_refused(&from("203.0.113.7").await, "more calls");
    // What stands further left anybody may have written.
    is_refused(&from("8.8.8.8, 203.0.113.7").await, "more calls");
    from("203.0.113.8").await.structured();
    // Of IPv6 half an address counts.
    for address in ["2001:db8::1", "2001:db8::2"] {
        from(address).await.structured();
    }
    is_refused(&from("2001:db8::3").await, "more calls");
    from("2001:db8:0:1::1").await.structured();
    // This machine itself is nobody in particular.
    for _ in 0..5 {
        addition(&server).send().await.structured();
    }

    let server = limited().start().await;
    for _ in 0..5 {
        let forged = addition(&server).header(FORWARDED, "203.0.113.7");
        forged.send().await.structured();
    }
}

#[tokio::test]
async fn an_address_has_few_wrong_credentials() {
    let server = setup()
        .with("FARCALL_FAILURE_RATE", "3/h")
        .with("FARCALL_TRUSTED_PROXIES", "127.0.0.1");
    let server = server.start().await;
    let from = |token: &str, address: &str| {
        addition(&server.with_token(token))
            .header(FORWARDED, address)
            .send()
    };
    // Who was let in before is not held up by others behind the same address.
    from("alice-token", "203.0.113.7").await.structured();
    // To send nothing is no guess.
    for _ in 0..5 {
        let nothing = addition(&server).header(FORWARDED, "203.0.113.7");
        assert_eq!(nothing.send().await.status, 401);
    }
    for guess in 0..3 {
        let guess = format!("guess-{guess}");
        assert_eq!(from(&guess, "203.0.113.7").await.status, 401);
    }
    let refused = from("guess-4", "203.0.113.7").await;
    is_refused(&refused, "too many wrong credentials");
    let refused = from("bob-token", "203.0.113.7").await;
    is_refused(&refused, "too many wrong credentials");
    from("alice-token", "203.0.113.7").await.structured();
    from("bob-token", "203.0.113.8").await.structured();
}

#[tokio::test]
async fn an_answer_that_judges_nothing_makes_no_credential_right() {
    let app = tools_and_jobs().public_route("/open", get(async || "fine"));
    let server = Setup::new(app.token_verifier(Callers))
        .with("FARCALL_FAILURE_RATE", "3/h")
        .with("FARCALL_TRUSTED_PROXIES", "127.0.0.1")
        .start()
        .await;
    let guesses: Vec<_> = (0..6)
        .map(|guess| server.with_token(&format!("guess-{guess}")))
        .collect();
    for path in ["/readyz", "/open", "/healthz"] {
        for guess in &guesses {
            let request = guess
                .http(Method::GET, path)
                .header(FORWARDED, "203.0.113.7");
            assert_eq!(request.send().await.status, 200, "{path}");
        }
    }
    let mut told = Vec::new();
    for guess in &guesses {
        let request = addition(guess).header(FORWARDED, "203.0.113.7");
        told.push(request.send().await.status);
    }
    assert_eq!(told, [401, 401, 401, 429, 429, 429]);
}

#[tokio::test]
async fn whoever_has_a_proxy_name_this_machine_is_not_of_it() {
    let server = setup()
        .with("FARCALL_FAILURE_RATE", "3/h")
        .with("FARCALL_TRUSTED_PROXIES", "127.0.0.1");
    let server = server.start().await;
    let mut told = Vec::new();
    for guess in 0..4 {
        let guess = addition(&server.with_token(&format!("guess-{guess}")));
        let reply = guess.header(FORWARDED, "127.0.0.1").send().await;
        told.push(reply.status);
    }
    assert_eq!(told, [401, 401, 401, 429]);
}

#[tokio::test]
async fn what_was_right_once_is_no_guess() {
    let server = setup()
        .with("FARCALL_FAILURE_RATE", "3/h")
        .with("FARCALL_TRUSTED_PROXIES", "127.0.0.1");
    let server = server.start().await;
    // Somebody opens an old conversation with many links in it, and a program has not heard of its new token.
    for link in 0..10 {
        let file = "/files/00000000000000000000000000000000?exp=1700000000&kid=1&sig=";
        let request = server.http(Method::GET, &format!("{file}{link:064}"));
        let reply = request.header(FORWARDED, "203.0.113.7").send().await;
        assert_eq!(reply.status, 404);
        let stale = addition(&server.with_token("stale"));
        let reply = stale.header(FORWARDED, "203.0.113.7").send().await;
        assert_eq!(reply.status, 401);
    }
    let alice = addition(&server.with_token("alice-token"));
    alice
        .header(FORWARDED, "203.0.113.7")
        .send()
        .await
        .structured();
}

#[tokio::test]
async fn a_wrong_link_is_a_wrong_credential() {
    let server = setup()
        .with("FARCALL_FAILURE_RATE", "3/h")
        .with("FARCALL_TRUSTED_PROXIES", "127.0.0.1");
    let server = server.start().await;
    let file = "/files/00000000000000000000000000000000?exp=9999999999&kid=1&sig=";
    let from = async |guess: u32, address: &str| {
        let request = server.http(Method::GET, &format!("{file}{guess:064}"));
        request.header(FORWARDED, address).send().await
    };
    for guess in 0..3 {
        assert_eq!(from(guess, "203.0.113.7").await.status, 404);
    }
    is_refused(&from(4, "203.0.113.7").await, "too many wrong credentials");
    assert_eq!(from(4, "203.0.113.8").await.status, 404);
    // Whoever asks for what is not there has shown nothing wrong.
    let alice = server.with_token("alice-token");
    for _ in 0..10 {
        let request = alice.http(Method::GET, &format!("{file}{:064}", 5));
        let reply = request.header(FORWARDED, "203.0.113.9").send().await;
        assert_eq!(reply.status, 404);
    }
}

#[tokio::test]
async fn off_is_no_limit() {
    let mut setup = setup().with("FARCALL_TRUSTED_PROXIES", "127.0.0.1");
    for rate in ["CALL", "TOOL", "POLL", "FAILURE"] {
        setup = setup.with(&format!("FARCALL_{rate}_RATE"), "off");
    }
    let server = setup.start().await;
    for _ in 0..100 {
        let guess = addition(&server.with_token("guess"));
        let guess = guess.header(FORWARDED, "203.0.113.7").send().await;
        assert_eq!(guess.status, 401);
    }
}

#[tokio::test]
async fn one_address_has_so_many_connections() {
    let limits = Limits {
        of_a_peer: 2,
        carriers: Networks::default(),
        ..Limits::default()
    };
    let running = accepting(hello(), limits).await;
    let mut first = Connection::open(running.address).await;
    greeted(&mut first).await;
    let mut second = Connection::open(running.address).await;
    greeted(&mut second).await;
    let mut third = Connection::open(running.address).await;
    assert_eq!(third.rest().await, b"");
    greeted(&mut second).await;
    drop(first);
    soon(async {
        loop {
            let mut next = Connection::open(running.address).await;
            if !next.is_cut_after(HELLO).await {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn this_machine_and_proxies_have_as_many_connections_as_they_want() {
    let limits = Limits {
        of_a_peer: 1,
        ..Limits::default()
    };
    let running = accepting(hello(), limits).await;
    let mut held = Vec::new();
    for _ in 0..20 {
        let mut connection = Connection::open(running.address).await;
        greeted(&mut connection).await;
        held.push(connection);
    }
}

#[tokio::test]
async fn whoever_says_nothing_makes_room_for_whoever_does() {
    let limits = Limits {
        connections: 80,
        ..Limits::default()
    };
    let running = accepting(hello(), limits).await;
    let mut known = Connection::open(running.address).await;
    greeted(&mut known).await;
    let mut silent = Vec::new();
    for number in 0..200 {
        let mut connection = Connection::open(running.address).await;
        connection.write(b"GET / HTTP/1.1\r\nx-slow: ").await;
        silent.push(connection);
        // Who asks now and then is not the one that is idle for longest.
        if number % 16 == 0 {
            greeted(&mut known).await;
        }
    }
    let mut honest = Connection::open(running.address).await;
    greeted(&mut honest).await;
    greeted(&mut known).await;
    // The first that came is gone, without an answer.
    assert_eq!(silent.swap_remove(0).rest().await, b"");
}
