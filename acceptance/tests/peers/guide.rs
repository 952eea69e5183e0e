//! The guide's own client, taken to a file that Pillow opens.

use serde_json::json;

use crate::{
    example::{EVERY_ACCESS, TOOLS, example},
    peer::{PYTHONS, Peer},
};

#[tokio::test]
async fn the_guides_client_gets_its_animation_with_either_sdk_and_any_credentials() {
    for access in &EVERY_ACCESS {
        let example = example(access).await;
        for python in &PYTHONS {
            let case = format!("{}, {}", python.name, access.name);
            let mut seen = Peer::python(python, "acceptance/clients/guide_client.py")
                .argument(example.server.url())
                .arguments(&["--frames", "7", "--width", "96", "--height", "64"])
                .environment(access.client)
                .json(&case)
                .await;
            let id = seen["job_id"].take();
            let url = seen["url"].take();
            let size = seen["size"].take();
            // Signed where callers have names; then it opens the file by itself.
            let (path, query) = match url.as_str().unwrap().split_once('?') {
                Some((path, query)) => (path, Some(query)),
                None => (url.as_str().unwrap(), None),
            };
            assert_eq!(
                path,
                format!("{}/files/{}", example.server.origin(), id.as_str().unwrap())
            );
            let is_named = access
                .server
                .iter()
                .any(|(name, _)| *name == "MCP_BEARER_TOKEN");
            assert_eq!(query.is_some(), is_named, "{case}: {url}");
            let anybody = reqwest::Client::builder().no_proxy().build().unwrap();
            let fetched = anybody.get(url.as_str().unwrap()).send().await.unwrap();
            assert_eq!(fetched.status(), 200, "{case}: {url}");
            assert!(size.as_u64().unwrap() > 0, "{case}");
            let expected = json!({
                "protocol_version": python.speaks,
                "tools": TOOLS,
                "sum": 5.0,
                "job_id": null,
                "total_stages": 3,
                "url": null,
                "format": "GIF",
                "frames": 7,
                "width": 96,
                "height": 64,
                "size": null,
                "size_ok": true,
                "sha256_ok": true,
            });
            assert_eq!(seen, expected, "{case}");
        }
        example.server.stop().await;
    }
}
