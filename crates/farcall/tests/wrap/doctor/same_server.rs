//! Whether the URL leads to the server whose data is here, by the name that it knows.

use super::{
    FARM, TOKEN, afar, beside, free_port,
    front::{Way, relay},
    gated, on_a_known_port,
};
use crate::harness::Project;

#[tokio::test]
async fn a_name_that_the_server_does_not_know() {
    let (_project, server) = gated().await;
    let front = relay(&server.origin(), Way::Host("farm.example.com")).await;
    let seen = afar(&front, &[("FARCALL_TOKEN", TOKEN)]).await;
    seen.is_broken_at("Host guard", "does not know the name", "PUBLIC_BASE_URL");
}

#[tokio::test]
async fn a_server_that_was_started_with_another_public_url() {
    let (project, port) = on_a_known_port();
    let server = project.serve().await;
    let seen = beside(&project, &port)
        .argument(format!("{}/mcp", server.origin()))
        .variable("PUBLIC_BASE_URL", "https://farm.example.com")
        .run()
        .await;
    seen.is_broken_at(
        "Host guard",
        "refuses its own public name",
        "start it again",
    );
}

#[tokio::test]
async fn a_proxy_that_leads_to_another_server() {
    let ports = [free_port().to_string(), free_port().to_string()];
    let [own, other] = [0, 1].map(|index| Project::new(FARM).with("MCP_PORT", &ports[index]));
    let (own_server, other_server) = (own.serve().await, other.serve().await);
    for (server, is_own) in [(&own_server, true), (&other_server, false)] {
        let front = relay(&server.origin(), Way::Through).await;
        let seen = beside(&own, &ports[0])
            .variable("PUBLIC_BASE_URL", &front)
            .run()
            .await;
        if is_own {
            seen.says("same server", "ok", "whose data is here", "");
        } else {
            seen.is_broken_at(
                "same server",
                "leads to another server",
                &format!("http://127.0.0.1:{}", ports[0]),
            );
        }
    }
    // What is probed is one of them, and what is called the other.
    for (called, probed, is_own) in [
        (&other_server, &ports[0], false),
        (&own_server, &ports[1], true),
    ] {
        let way = Way::ProbesOf(probed.parse().unwrap());
        let front = relay(&called.origin(), way).await;
        let seen = beside(&own, &ports[0])
            .variable("PUBLIC_BASE_URL", &front)
            .run()
            .await;
        if is_own {
            seen.says("same server", "warning", "to another one", "/healthz");
        } else {
            seen.is_broken_at("same server", "leads to another server", "forward to");
        }
    }
    // Its data is elsewhere.
    let seen = beside(&own, &ports[0])
        .variable("FARCALL_DATA_DIR", "other")
        .run()
        .await;
    seen.is_broken_at(
        "same server",
        "its data is not where",
        "in the folder in which it was started",
    );
    // Another server has the port.
    let seen = beside(&own, &ports[1]).run().await;
    seen.is_broken_at(
        "same server",
        "has other keys",
        "in the folder in which it was started",
    );
}

#[tokio::test]
async fn a_proxy_that_passes_no_health_on() {
    let (project, port) = on_a_known_port();
    let server = project.serve().await;
    let front = relay(&server.origin(), Way::OnlyMcp).await;
    let seen = beside(&project, &port)
        .argument(format!("{front}/mcp"))
        .run()
        .await;
    seen.says("same server", "ok", "whose data is here", "");
}

#[tokio::test]
async fn keys_of_a_secret_prove_a_server_whose_store_is_away() {
    let port = free_port().to_string();
    let secret = "0123456789abcdef0123456789abcdef";
    let project = Project::new(FARM)
        .with("MCP_PORT", &port)
        .with("FARCALL_SECRET", secret);
    let _server = project.serve().await;
    let seen = beside(&project, &port)
        .variable("FARCALL_SECRET", secret)
        .variable("FARCALL_DATABASE_URL", "postgres://farm@127.0.0.1:1/farm")
        .run()
        .await;
    seen.says("store", "broken", "", "");
    seen.says("same server", "ok", "whose data is here", "");
}
