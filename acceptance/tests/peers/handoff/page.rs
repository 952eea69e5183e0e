//! The page in Chromium: two widths, two themes, with and without JavaScript.

use farcall_acceptance::scratch;
use serde_json::{Value, json};

use crate::{
    example::{BARE, BEARER, example},
    peer::Peer,
};

/// What was seen of the page of a server, one entry a view; pictures of it are in the folder of `FARCALL_PICTURES`,
/// where that is set.
async fn seen(origin: &str) -> Vec<Value> {
    let scratch = scratch(env!("CARGO_TARGET_TMPDIR"));
    let pictures = std::env::var("FARCALL_PICTURES");
    let pictures = pictures.unwrap_or_else(|_| scratch.path().to_str().unwrap().to_owned());
    let looked = Peer::node("node")
        .argument(crate::peer::repository().join("acceptance/clients/page.mjs"))
        .arguments(&[&format!("{origin}/mcp"), &pictures])
        .environment(&[("HOME", scratch.path().to_str().unwrap())]);
    let seen = looked.json("the page").await;
    seen.as_array().unwrap().clone()
}

#[tokio::test]
async fn nothing_complains_and_nothing_keeps_anybody_out() {
    for access in [BARE, BEARER] {
        let example = example(&access).await;
        let seen = seen(example.server.origin()).await;
        assert_eq!(seen.len(), 8);
        for view in &seen {
            assert_eq!(view["status"], 200, "{view}");
            for nothing in ["said", "violations", "elsewhere"] {
                assert_eq!(view[nothing], json!([]), "{nothing}: {view}");
            }
            assert_eq!(view["isTooWide"], false, "{view}");
            if view["script"] == true {
                assert_eq!(
                    (&view["button"], &view["isCopied"]),
                    (&json!("Copied"), &json!(true)),
                    "{view}"
                );
            } else {
                assert_eq!(view["buttons"], 0, "{view}");
                assert_eq!(view["before"], json!([true, false]), "{view}");
                assert_eq!(view["after"][1], true, "{view}");
            }
        }
        let grounds = |theme: &str| {
            let views = seen.iter().filter(|view| view["theme"] == theme);
            views.map(|view| view["ground"].clone()).collect::<Vec<_>>()
        };
        assert!(
            grounds("light")
                .iter()
                .all(|ground| !grounds("dark").contains(ground)),
            "{seen:?}"
        );
        example.server.stop().await;
    }
}
