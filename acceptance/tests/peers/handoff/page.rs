//! The page in Chromium: two widths, two themes, with and without JavaScript.

use std::{env, fs, path::PathBuf};

use farcall_acceptance::scratch;
use serde_json::{Value, json};

use crate::{
    example::{BARE, BEARER, Example, example},
    peer::{Peer, repository},
};

/// What was seen of the page of a server, one entry a view. Pictures of it are in the folder `name` of
/// `FARCALL_PICTURES`, where that is set; a relative one is relative to the repository.
async fn seen(name: &str, example: &Example) -> Vec<Value> {
    let scratch = scratch(env!("CARGO_TARGET_TMPDIR"));
    let chosen = env::var_os("FARCALL_PICTURES").map(PathBuf::from);
    let pictures = chosen.map_or_else(
        || scratch.path().to_owned(),
        |chosen| repository().join(chosen).join(name),
    );
    fs::create_dir_all(&pictures).unwrap();
    let looked = Peer::node("node")
        .argument(repository().join("acceptance/clients/page.mjs"))
        .argument(example.server.url())
        .argument(&pictures)
        .environment(&[("HOME", scratch.path().to_str().unwrap())]);
    let seen = looked.json("the page").await;
    let seen = seen.as_array().unwrap().clone();
    assert_eq!(seen.len(), 8);
    seen
}

/// Whether nothing complains about a view, and it keeps nobody out.
fn assert_fine(view: &Value) {
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

#[tokio::test]
async fn nothing_complains_and_nothing_keeps_anybody_out() {
    for access in [BARE, BEARER] {
        let example = example(&access).await;
        let seen = seen(access.name, &example).await;
        for view in &seen {
            assert_fine(view);
            assert_eq!(
                (&view["health"], &view["isRed"]),
                (&json!("It is ready."), &json!(false)),
                "{view}"
            );
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

#[tokio::test]
async fn a_server_that_is_not_ready_says_so_in_red() {
    let example = example(&BARE).await;
    let data = example.folder.path().join("data");
    fs::remove_dir_all(&data).unwrap();
    fs::write(&data, "in the way").unwrap();
    for view in seen("not-ready", &example).await {
        assert_fine(&view);
        let health = view["health"].as_str().unwrap();
        assert!(
            health.starts_with("It is not ready: the check "),
            "{health}"
        );
        assert_eq!(view["isRed"], true, "{view}");
    }
}
