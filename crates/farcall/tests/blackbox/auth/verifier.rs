//! A program's own `TokenVerifier`.

use farcall::json;

use crate::{
    harness::{Server, Setup},
    offers::{Callers, tools},
};

async fn server() -> Server {
    Setup::new(tools().token_verifier(Callers)).start().await
}

#[tokio::test]
async fn whom_it_knows_may_call() {
    let server = server().await;
    for token in ["alice-token", "bob-token", "carol-token"] {
        let sum = server
            .with_token(token)
            .call("add", json!({"a": 1, "b": 2}))
            .await;
        assert_eq!(sum.structured(), json!({"sum": 3.0}), "{token}");
    }
}

#[tokio::test]
async fn whom_it_does_not_know_may_not() {
    let server = server().await;
    let reply = server
        .with_token("eve-token")
        .call("add", json!({"a": 1, "b": 2}))
        .await;
    assert_eq!(reply.status, 401);
    assert_eq!(server.call("add", json!({})).await.status, 401);
}

#[tokio::test]
async fn where_it_cannot_judge_the_caller_is_told_to_come_again() {
    let server = server().await;
    let reply = server.with_token("dave-token").call("add", json!({})).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "5"));
    let (_, sentence) = reply.rpc_error();
    assert_eq!(
        sentence,
        "the token cannot be verified at the moment; try again in a few seconds"
    );
}

#[tokio::test]
async fn it_is_asked_beside_the_shared_secret() {
    let setup = Setup::new(tools().token_verifier(Callers));
    let server = setup
        .with("MCP_BEARER_TOKEN", "a-secret-of-many-letters")
        .start()
        .await;
    for token in ["a-secret-of-many-letters", "bob-token"] {
        assert_eq!(
            server
                .with_token(token)
                .call("add", json!({"a": 1, "b": 2}))
                .await
                .status,
            200
        );
    }
    assert_eq!(
        server
            .with_token("eve-token")
            .call("add", json!({}))
            .await
            .status,
        401
    );
}
