//! The commands of the documentation, typed by a machine.
//!
//! Every block of shell commands in the README, in `docs` and in the READMEs of the examples says whether it is
//! run here; readers see nothing of it. What follows the language in a fence counts, and comments:
//!
//! | in the page | what happens |
//! | --- | --- |
//! | ` ```console run ` | a line that begins with `$ ` is typed, and the lines below it are what it prints, on standard output and standard error. Without any, only its end is looked at. What shows `error: ` has to fail, everything else must not. `farcall serve` stays, until the text says Ctrl-C or the page ends |
//! | ` ```sh run ` | all of it is typed, and each command must end well |
//! | ` ```sh serves ` | the same for a server, which stays as long |
//! | ` ```text printed ` | what the block before it prints |
//! | ` ```toml farcall.toml ` | a name in the second place is a file, which is written with what the block holds |
//! | `<!-- before: COMMAND -->` | what this reader does beforehand, such as fetching an example; `$REPOSITORY` and `$PEERS` are where that and the peers are |
//! | `<!-- not run: REASON -->` | stands before a block that nobody runs here; all of them are in `snapshots`, with every line |
//!
//! A page is followed in one shell, which begins in an empty folder. Of what is shown, `…` stands for any text, and
//! as a line of its own for any lines. Ids, ages, moments and the width of columns need not be the same, and each page
//! has ports of its own in the place of 8900 and of those that [`session::PORTS`] has. `cargo run` and `cargo build` take what is built already.
//!
//! The Rust of the pages is [compiled](rust) with this test.

#![expect(
    clippy::unwrap_used,
    reason = "clippy's own exception ends at `#[test]` functions"
)]

mod reading;
mod rust;
mod seen;
mod session;
mod shell;
mod tags;

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use tokio::task::{JoinSet, LocalSet};

use self::{
    reading::{Part, parts},
    session::Session,
};

/// The guide that is followed with a stop watch.
const FIVE_MINUTES_GUIDE: &str = "docs/guide/wrap-a-script.md";

/// What an LLM follows that puts its user's code online.
const PLAYBOOK: &str = "docs/for-llm-agents.md";

/// How much somebody types in five minutes who types slowly: 40 words of five signs a minute.
const FIVE_MINUTES: usize = 1_000;

#[tokio::test]
async fn every_page_shows_what_happens() {
    // They wait for programs most of the time, so one thread is enough.
    LocalSet::new().run_until(every_page()).await;
}

async fn every_page() {
    let mut readers = JoinSet::new();
    let mut sessions = 0;
    for (path, page) in pages() {
        let parts = parts(&page);
        if path == FIVE_MINUTES_GUIDE || parts.iter().all(Part::is_for_nobody) {
            continue;
        }
        sessions += 1;
        let mut session = Session::new();
        readers.spawn_local(async move {
            let followed = session.follow(&parts).await;
            followed.map_err(|difference| format!("── {path}: {difference}"))
        });
    }
    assert!(
        sessions > 8,
        "only {sessions} pages have commands that are run"
    );
    let followed = readers.join_all().await;
    let differences: Vec<_> = followed.into_iter().filter_map(Result::err).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

#[tokio::test]
async fn the_guide_is_what_happens_and_typed_within_five_minutes() {
    let page = pages().remove(FIVE_MINUTES_GUIDE).unwrap();
    let parts = parts(&page);
    assert!(parts.len() > 8, "{parts:?}");
    let mut session = Session::new();
    let followed = session.follow(&parts).await;
    followed.unwrap_or_else(|difference| panic!("{difference}"));
    assert!(session.typed < FIVE_MINUTES, "{}", session.typed);
}

/// Its commands are typed with those of the other pages; here is looked at that nothing was left out of them.
#[test]
fn the_playbook_for_agents_is_run_whole_and_ends_in_a_green_smoke() {
    let page = &pages()[PLAYBOOK];
    let blocks = tags::blocks(page);
    assert!(
        blocks.iter().all(|block| block.tag == tags::Tag::Run),
        "{blocks:?}"
    );
    let is_green = |part: &Part| match part {
        Part::Typed { command, shown } => {
            command.starts_with("farcall smoke") && shown.last().is_some_and(|line| line == "OK ✅")
        }
        _ => false,
    };
    let parts = parts(page);
    assert!(parts.iter().filter(|part| is_green(part)).count() > 1);
    // An agent has nothing but the page.
    let is_hidden = |part: &Part| matches!(part, Part::Prepared { .. });
    assert!(!parts.iter().any(is_hidden));
}

#[test]
fn every_command_says_whether_it_is_run() {
    let mut untagged = Vec::new();
    let mut not_run = String::new();
    for (path, page) in pages() {
        let blocks = tags::blocks(&page);
        for block in blocks {
            match block.tag {
                tags::Tag::Run => {}
                tags::Tag::NotRun(reason) => {
                    let lines = block.lines.join("\n    ");
                    let _ = writeln!(not_run, "{path}: {reason}\n    {lines}");
                }
                tags::Tag::Missing => {
                    let lines = block.lines.join("\n    ");
                    untagged.push(format!("{path}:{}:\n    {lines}", block.line));
                }
            }
        }
    }
    assert!(
        untagged.is_empty(),
        "say `run` behind the language of these blocks, or write `<!-- not run: REASON -->` before them:\n{}",
        untagged.join("\n")
    );
    insta::assert_snapshot!("commands_that_are_not_run", not_run);
}

#[tokio::test]
async fn a_page_that_is_not_true_is_found_out() {
    const FILE: &str = "```toml farcall.toml\n[server]\nname = \"x\"\n```\n";
    for (page, what) in [
        ("```console run\n$ echo a\nb\n```\n", "does not print"),
        ("```console run\n$ false\n```\n", "ended with"),
        ("```sh run\nfalse\ntrue\n```\n", "ended with"),
        ("```sh run\necho (\n```\n", "ended with"),
        (
            "```sh run\necho a\n```\n\n```text printed\nb\n```\n",
            "does not print",
        ),
        (
            "```console run\n$ echo fine\nerror: bad\n```\n",
            "ended with",
        ),
        (
            "```console run\n$ farcall check\n…\nhint: none\n```\n",
            "ended with",
        ),
        (
            "```console run\n$ farcall check\n…\nerror: no\n```\n",
            "does not print",
        ),
        ("```console run\n$ farcall serve\n```\n", "ended with"),
        ("```sh serves\ntrue\n```\n", "ended with"),
        (
            "```sh serves\nexample-mcp-server\n```\n\n```sh serves\nexample-mcp-server\n```\n",
            "still runs",
        ),
    ] {
        let followed = Session::new().follow(&parts(page)).await;
        let difference = followed.expect_err(page);
        assert!(difference.contains(what), "{page}: {difference}");
    }
    let page = format!(
        "{FILE}```console run\n$ farcall serve\nx 0.0.0\n  mcp      http://127.0.0.1:8900/other\n…\n```\n"
    );
    let followed = Session::new().follow(&parts(&page)).await;
    assert!(followed.unwrap_err().contains("does not print"));
}

/// The pages that readers follow, by their paths in the repository.
fn pages() -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    let root = repository();
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    pages.insert("README.md".to_owned(), read(&root.join("README.md")));
    let mut folders = vec![root.join("docs")];
    folders.extend(subfolders(&root.join("examples")));
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && folder.starts_with(root.join("docs")) {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                let name = path.strip_prefix(&root).unwrap();
                pages.insert(name.to_string_lossy().into_owned(), read(&path));
            }
        }
    }
    pages
}

fn subfolders(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_dir()).collect()
}

fn repository() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}
