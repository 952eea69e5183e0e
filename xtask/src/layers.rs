//! Which crate may depend on which; nothing points up.

use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

/// Our crates, lowest first, each with the ones it may use.
const LAYERS: &[(&str, &[&str])] = &[
    ("farcall-core", &[]),
    ("farcall-macros", &[]),
    ("farcall-metrics", &[]),
    ("farcall-config", &["farcall-core"]),
    ("farcall-store", &["farcall-core"]),
    ("farcall-artifacts", &["farcall-core"]),
    (
        "farcall-wrap",
        &["farcall-core", "farcall-config", "farcall-metrics"],
    ),
    (
        "farcall-jobs",
        &[
            "farcall-core",
            "farcall-metrics",
            "farcall-store",
            "farcall-artifacts",
        ],
    ),
    (
        "farcall-server",
        &[
            "farcall-core",
            "farcall-metrics",
            "farcall-store",
            "farcall-artifacts",
            "farcall-jobs",
        ],
    ),
    (
        "farcall-cli",
        &[
            "farcall-core",
            "farcall-config",
            "farcall-metrics",
            "farcall-store",
            "farcall-artifacts",
            "farcall-jobs",
            "farcall-server",
            "farcall-wrap",
        ],
    ),
    (
        "farcall",
        &[
            "farcall-core",
            "farcall-config",
            "farcall-macros",
            "farcall-jobs",
            "farcall-server",
            "farcall-cli",
        ],
    ),
];

/// Libraries that only some of our crates may name.
const RESERVED: &[(&str, &[&str])] = &[
    ("axum", &["farcall-server", "farcall-cli", "farcall"]),
    ("rmcp", &["farcall-server", "farcall-cli"]),
    ("sqlx", &["farcall-store"]),
    // Files of jobs, and files that callers of a wrapped program name: both stay within a folder.
    ("cap-std", &["farcall-artifacts", "farcall-wrap"]),
    ("object_store", &["farcall-artifacts"]),
    // Who asks somebody else over HTTP: services, the client verbs, and what vouches for callers.
    (
        "reqwest",
        &["farcall-wrap", "farcall-server", "farcall-cli"],
    ),
    ("aws-lc-rs", &["farcall-server"]),
    ("clap", &["farcall-cli"]),
    ("close_fds", &["farcall-wrap"]),
    ("landlock", &["farcall-wrap"]),
    ("signal-hook", &["farcall-wrap"]),
];

/// # Errors
/// Every dependency that points up, or names a library that is not its to name.
pub(crate) fn check() -> anyhow::Result<()> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps"])
        .current_dir(crate::root())
        .output()
        .context("cargo metadata does not run")?;
    let metadata: Value =
        serde_json::from_slice(&output.stdout).context("cargo metadata is no JSON")?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    let mut faults = Vec::new();
    let mut seen = 0;
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == name) else {
            continue;
        };
        seen += 1;
        for dependency in used(package) {
            let is_ours = dependency == "farcall" || dependency.starts_with("farcall-");
            if is_ours && !allowed.contains(&dependency) {
                faults.push(format!(
                    "`{name}` must not use `{dependency}`, which is not below it"
                ));
            }
            let reserved = RESERVED.iter().find(|(library, _)| *library == dependency);
            if reserved.is_some_and(|(_, owners)| !owners.contains(&name)) {
                faults.push(format!("`{name}` must not name `{dependency}`"));
            }
        }
    }
    if seen != LAYERS.len() {
        bail!(
            "{seen} of {} crates were found; correct the list in xtask/src/layers.rs",
            LAYERS.len()
        );
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    Ok(())
}

/// What a package depends on outside its tests.
fn used(package: &Value) -> impl Iterator<Item = &str> {
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    dependencies
        .filter(|dependency| dependency["kind"].is_null())
        .filter_map(|dependency| dependency["name"].as_str())
}
