//! The guide that begins with an empty folder, typed by a machine.

use crate::page::{Session, parts};

const GUIDE: &str = include_str!("../../../../docs/guide/wrap-a-script.md");

/// How much somebody types in five minutes who types slowly: 40 words of five signs a minute.
const FIVE_MINUTES: usize = 1_000;

#[tokio::test]
async fn the_guide_is_what_happens_and_typed_within_five_minutes() {
    let mut session = Session::new();
    let parts = parts(GUIDE);
    assert!(parts.len() > 8, "{parts:?}");
    let followed = session.follow(&parts).await;
    followed.unwrap_or_else(|difference| panic!("{difference}"));
    assert!(session.typed < FIVE_MINUTES, "{}", session.typed);
}

#[tokio::test]
async fn a_page_that_is_not_true_is_found_out() {
    const FILE: &str = "```toml farcall.toml\n[server]\nname = \"x\"\n```\n";
    for (page, what) in [
        ("```console\n$ echo a\nb\n```\n", "does not print"),
        ("```console\n$ false\n```\n", "ended with"),
        ("```console\n$ echo fine\nerror: bad\n```\n", "ended with"),
        (
            "```console\n$ farcall check\n…\nhint: none\n```\n",
            "ended with",
        ),
        (
            "```console\n$ farcall check\n…\nerror: no\n```\n",
            "does not print",
        ),
        ("```console\n$ farcall serve\n```\n", "ended with"),
    ] {
        let followed = Session::new().follow(&parts(page)).await;
        let difference = followed.expect_err(page);
        assert!(difference.contains(what), "{page}: {difference}");
    }
    let page = format!(
        "{FILE}```console\n$ farcall serve\nx 0.0.0\n  mcp      http://127.0.0.1:8900/other\n…\n```\n"
    );
    let followed = Session::new().follow(&parts(&page)).await;
    assert!(followed.unwrap_err().contains("does not print"));
}
