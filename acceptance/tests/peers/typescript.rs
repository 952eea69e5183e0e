//! The TypeScript SDK 1.x, which checks structured content even on errors.

use farcall_acceptance::Server;

use crate::{
    example::{BARE, BEARER, example},
    peer::{Peer, repository},
};

#[tokio::test]
async fn the_typescript_sdk_shows_our_error_sentences() {
    for access in [BARE, BEARER] {
        let example = example(&access).await;
        let said = client(&example.server)
            .environment(access.client)
            .content(access.name)
            .await;
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines.len(), 2, "{said}");
        assert!(
            lines[0].contains(r#""tool":"add","isError":true"#),
            "{said}"
        );
        assert!(lines[1].contains("unknown job_id"), "{said}");
    }
}

fn client(server: &Server) -> Peer {
    Peer::node("node")
        .argument(repository().join("acceptance/clients/ts_error_sentence.mjs"))
        .argument(server.url())
}
