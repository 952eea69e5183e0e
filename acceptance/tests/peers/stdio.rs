//! The same server, started by its client.

use farcall_acceptance::scratch;
use serde_json::json;

use crate::{
    example::TOOLS,
    peer::{PYTHONS, Peer, binary},
};

#[tokio::test]
async fn a_client_that_starts_the_server_itself_gets_tools_jobs_and_files() {
    for python in &PYTHONS {
        let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
        let data = folder.path().join("data");
        let mut seen = Peer::python(python, "acceptance/clients/stdio_client.py")
            .argument(binary("example-mcp-server"))
            .argument("--stdio")
            .environment(&[("FARCALL_DATA_DIR", data.to_str().unwrap())])
            .json(python.name)
            .await;
        assert!(seen["size"].take().as_u64().unwrap() > 0);
        let expected = json!({
            "protocol_version": python.speaks,
            "tools": TOOLS,
            "sum": 5.0,
            "state": "succeeded",
            "size": null,
        });
        assert_eq!(seen, expected, "{}", python.name);
    }
}
