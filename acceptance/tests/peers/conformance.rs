//! The official conformance suite.
//!
//! It is judged by what it writes down, not by its exit status: to the suite, a scenario
//! without a single check is a success.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use farcall_acceptance::{Launch, scratch};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    example::{BARE, example},
    peer::{Peer, binary, repository},
};

/// May warn: ending a stream on purpose, so that its client polls, is no duty.
const MAY_WARN: &str = "server-sse-polling";

/// Scenarios of an extension, which no revision requires.
const TASKS: &str = "tasks-";

/// The one of them that the suite itself skips.
const SKIPPED: &str = "tasks-status-notifications";

#[tokio::test]
async fn every_required_scenario_of_2026_07_28_passes() {
    check_requirements("2026-07-28", 37, 13).await;
}

#[tokio::test]
async fn every_required_scenario_of_2025_11_25_passes() {
    check_requirements("2025-11-25", 30, 3).await;
}

#[tokio::test]
async fn the_example_server_as_it_starts_by_default_checks_hosts_and_headers() {
    let example = example(&BARE).await;
    for (scenario, checks) in [
        ("dns-rebinding-protection", 2),
        ("http-header-validation", 14),
    ] {
        let found = scratch(env!("CARGO_TARGET_TMPDIR"));
        let arguments = ["--scenario", scenario, "--spec-version", "2026-07-28"];
        suite(&example.server.url(), &arguments, &found)
            .content(scenario)
            .await;
        let verdicts = verdicts(found.path());
        let verdict = &verdicts[scenario];
        assert!(verdict.is_clean(), "{scenario}: {verdict:?}");
        assert_eq!(verdict.successes, checks, "{scenario}: {verdict:?}");
    }
}

/// What passes the suite is farcall's public API, and nothing that knows the suite.
#[test]
fn no_fixture_of_the_suite_is_known_to_a_crate() {
    let fixtures: BTreeSet<_> = texts("examples/conformance-server/src")
        .iter()
        .flat_map(|(_, text)| words(text))
        .filter(|word| word.starts_with("test_") || NAMED_OTHERWISE.contains(word))
        .map(ToOwned::to_owned)
        .collect();
    assert!(fixtures.len() > 30, "{fixtures:?}");
    for (path, text) in texts("crates") {
        let known: Vec<_> = words(&text)
            .filter(|word| fixtures.contains(*word))
            .collect();
        assert!(known.is_empty(), "{}: {known:?}", path.display());
    }
}

/// Fixtures that are not called `test_…` and are no English words.
const NAMED_OTHERWISE: [&str; 5] = [
    "confirm_delete",
    "failing_job",
    "multi_input",
    "protocol_error_job",
    "slow_compute",
];

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_')
}

/// Every text below a folder of the repository.
fn texts(folder: &str) -> Vec<(PathBuf, String)> {
    let (mut texts, mut folders) = (Vec::new(), vec![repository().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                texts.push((path, text));
            }
        }
    }
    texts
}

/// Runs everything that the suite has for `revision` against the conformance server.
async fn check_requirements(revision: &str, required: usize, others: usize) {
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
    let launch = Launch::of(&binary("conformance-server"), folder.path());
    let server = launch.start().await;
    let found = scratch(env!("CARGO_TARGET_TMPDIR"));
    let ended = suite(&server.url(), &["--requirements", revision], &found)
        .run()
        .await;
    let verdicts = verdicts(found.path());

    let names = required_scenarios(revision).await;
    assert_eq!(names.len(), required, "{names:?}");
    for name in &names {
        let verdict = verdicts.get(name);
        let is_passed = verdict.is_some_and(|verdict| verdict.is_clean() && verdict.successes > 0);
        assert!(is_passed, "`{name}` of {revision}: {verdict:#?}");
    }
    let unscored: Vec<_> = verdicts
        .iter()
        .filter(|(name, _)| !names.contains(name))
        .collect();
    assert_eq!(unscored.len(), others, "{unscored:?}");
    for (name, verdict) in unscored {
        let is_passed =
            verdict.failures.is_empty() && (verdict.warnings.is_empty() || name == MAY_WARN);
        let is_run = verdict.successes > 0 || !name.starts_with(TASKS) || name == SKIPPED;
        assert!(is_passed && is_run, "`{name}` of {revision}: {verdict:#?}");
    }
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    server.stop().await;
}

fn suite(url: &str, what: &[&str], found: &TempDir) -> Peer {
    Peer::node("conformance")
        .arguments(&["server", "--url", url])
        .arguments(what)
        .argument("-o")
        .argument(found.path())
}

/// The server scenarios that the suite itself requires for `revision`.
async fn required_scenarios(revision: &str) -> Vec<String> {
    let listed = Peer::node("conformance")
        .arguments(&["list", "--requirements", revision])
        .content("the list of scenarios")
        .await;
    listed
        .lines()
        .skip_while(|line| !line.starts_with("Server scenarios"))
        .skip(1)
        .map_while(|line| line.strip_prefix("  - ").map(ToOwned::to_owned))
        .collect()
}

/// What the checks of one scenario said.
#[derive(Debug, Default)]
struct Verdict {
    successes: usize,
    failures: Vec<String>,
    warnings: Vec<String>,
}

impl Verdict {
    fn is_clean(&self) -> bool {
        self.failures.is_empty() && self.warnings.is_empty()
    }
}

/// What a check that did not succeed complains about.
fn sentence(check: &Value) -> String {
    let text = |key: &str| check[key].as_str().unwrap_or_default();
    let complaint = [text("errorMessage"), text("description")];
    let complaint = complaint.into_iter().find(|text| !text.is_empty());
    format!("{}: {}", text("id"), complaint.unwrap_or_default())
}

/// The verdicts by scenario: each has a folder `server-<scenario>-<time>` with its checks.
fn verdicts(found: &Path) -> BTreeMap<String, Verdict> {
    let mut verdicts = BTreeMap::<_, Verdict>::new();
    for folder in fs::read_dir(found).unwrap() {
        let folder = folder.unwrap();
        let name = folder.file_name().into_string().unwrap();
        let scenario = name.strip_prefix("server-").unwrap();
        let scenario = &scenario[..scenario.len() - "-2026-11-22T22-57-22-124Z".len()];
        let checks = fs::read(folder.path().join("checks.json")).unwrap();
        let checks: Vec<Value> = serde_json::from_slice(&checks).unwrap();
        let verdict = verdicts.entry(scenario.to_owned()).or_default();
        for check in checks {
            match check["status"].as_str().unwrap() {
                "SUCCESS" => verdict.successes += 1,
                "FAILURE" => verdict.failures.push(sentence(&check)),
                "WARNING" => verdict.warnings.push(sentence(&check)),
                _ => {}
            }
        }
    }
    verdicts
}
