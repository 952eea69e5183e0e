//! What is in the way of a start: each a sentence, and exit status 2.

use std::net::TcpListener;

use farcall_config::{Config, Source};

use super::failure;
use crate::{
    harness::Setup,
    offers::{tools, tools_and_jobs},
};

fn refused(environment: &[(&str, &str)]) -> String {
    let source = Source::from_pairs(environment.iter().copied());
    Config::read(&source).unwrap_err().to_string()
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let failure = failure(tools(), &[("MCP_PORT", &port)]).await;
    assert!(
        failure
            .message
            .contains(&format!("`127.0.0.1:{port}` cannot be bound")),
        "{failure}"
    );
    assert!(failure.hint.unwrap().contains("MCP_PORT"));
}

#[tokio::test]
async fn a_data_folder_that_is_a_file_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let failure = failure(tools_and_jobs(), &[("FARCALL_DATA_DIR", path)]).await;
    assert!(
        failure
            .message
            .contains(&format!("the data folder `{path}` cannot be used")),
        "{failure}"
    );
}

#[tokio::test]
async fn a_data_folder_that_another_server_uses_is_refused() {
    let server = Setup::new(tools_and_jobs()).start().await;
    let failure = failure(
        tools_and_jobs(),
        &[("FARCALL_DATA_DIR", server.secret_path())],
    )
    .await;
    assert!(
        failure.message.contains("is in use by another farcall"),
        "{failure}"
    );
    assert!(failure.hint.unwrap().contains("FARCALL_DATA_DIR"));
}

#[tokio::test]
async fn a_server_without_jobs_needs_no_data_folder() {
    Setup::new(tools())
        .with("FARCALL_DATA_DIR", "/proc/nowhere")
        .start()
        .await;
}

#[test]
fn a_bind_beyond_loopback_without_authentication_is_refused_with_three_ways_out() {
    let refusal = refused(&[("MCP_HOST", "0.0.0.0")]);
    for way in [
        "MCP_BEARER_TOKEN",
        "MCP_HOST=127.0.0.1",
        "FARCALL_ALLOW_UNAUTHENTICATED=1",
    ] {
        assert!(refusal.contains(way), "{refusal}");
    }
}

#[test]
fn a_public_address_with_a_placeholder_is_refused() {
    let refusal = refused(&[("PUBLIC_BASE_URL", "https://mcp.<your-zone>")]);
    assert!(refusal.contains("still holds a placeholder"), "{refusal}");
}

#[test]
fn everything_wrong_with_the_environment_is_reported_at_once() {
    insta::assert_snapshot!(refused(&[
        ("MCP_HOST", "0.0.0.0"),
        ("MCP_PORT", "eighty"),
        ("MCP_BEARER_TOKEN", ""),
        ("PUBLIC_BASE_URL", "mcp.example.com"),
        ("FARCALL_ALLOWED_ORIGINS", "app.example.com"),
        ("FARCALL_LOG_FORMAT", "xml"),
    ]));
}

#[test]
fn a_wrong_command_line_ends_with_status_2_and_help_with_0() {
    for wrong in [
        &["blackbox", "fly"][..],
        &["blackbox", "--port", "x"],
        &["blackbox", "serve", "--no-such"],
    ] {
        assert_eq!(tools().run_with(wrong), farcall::Exit::Usage, "{wrong:?}");
    }
    for fine in [["blackbox", "--help"], ["blackbox", "--version"]] {
        assert_eq!(tools().run_with(fine), farcall::Exit::Fine, "{fine:?}");
    }
}

#[test]
fn the_verb_itself_ends_with_status_2_where_something_is_in_the_way() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for wrong in [
        &["blackbox", "--port", &port][..],
        &["blackbox", "serve", "--port", "0", "--host", "0.0.0.0"],
    ] {
        assert_eq!(tools().run_with(wrong), farcall::Exit::Usage, "{wrong:?}");
    }
}
