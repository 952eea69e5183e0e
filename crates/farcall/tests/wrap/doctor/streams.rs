//! Proxies that do not pass a stream on as it comes.

use std::time::Duration;

use super::{
    Doctor, TOKEN, afar,
    front::{Way, relay},
    gated,
};

#[tokio::test]
async fn a_proxy_that_holds_streams_back() {
    let (_project, server) = gated().await;
    let front = relay(&server.origin(), Way::Holding).await;
    let seen = afar(&front, &[("FARCALL_TOKEN", TOKEN)]).await;
    seen.is_broken_at(
        "buffering",
        "keeps answers until they are whole",
        "proxy_buffering off",
    );
}

#[tokio::test]
async fn a_proxy_that_cuts_what_is_quiet() {
    let (_project, server) = gated().await;
    let front = relay(&server.origin(), Way::Cutting(Duration::from_secs(1))).await;
    let folder = tempfile::tempdir().unwrap();
    let watched = |origin: &str| {
        Doctor::within(folder.path())
            .argument(origin)
            .argument("--idle")
            .argument("4")
            .variable("FARCALL_TOKEN", TOKEN)
            .run()
    };
    watched(&front)
        .await
        .is_broken_at("idle cut", "was cut after", "proxy_read_timeout");
    let seen = watched(&server.origin()).await;
    assert_eq!(seen.exit, 0, "{}", seen.all());
    seen.says("idle cut", "ok", "within 4 seconds", "");
}
