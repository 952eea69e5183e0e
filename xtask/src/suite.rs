//! The suite: every check and every test, with the peers that they need.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, bail};

/// Runs everything that must pass before a change lands.
///
/// # Errors
/// The first step that fails.
pub(crate) fn test() -> anyhow::Result<()> {
    let started = Instant::now();
    step("peers", Command::new("peers/install").arg("target/peers"))?;
    step("format", cargo(["fmt", "--all", "--check"]))?;
    step(
        "lints",
        cargo([
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]),
    )?;
    step(
        "documentation",
        cargo(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    crate::layers::check().context("the step `layers` failed")?;
    crate::generate::generate(true).context("the step `references` failed")?;
    crate::book::book().context("the step `book` failed")?;
    step(
        "dependencies",
        deny().args([
            "--log-level",
            "error",
            "check",
            "bans",
            "licenses",
            "sources",
        ]),
    )?;
    step(
        "programs",
        cargo(["build", "--workspace", "--bins", "--locked"]),
    )?;
    if answers("nextest") {
        step(
            "tests",
            cargo(["nextest", "run", "--workspace", "--locked"]),
        )?;
        step(
            "doctests",
            cargo(["test", "--workspace", "--doc", "--locked"]),
        )?;
    } else {
        step("tests", cargo(["test", "--workspace", "--locked"]))?;
    }
    with_peers()?;
    durability()?;
    step(
        "several machines' tests",
        cargo([
            "test",
            "--package",
            "farcall-acceptance",
            "--features",
            "peers",
            "--test",
            "machines",
            "--locked",
            "--",
            // What they count is worth reading.
            "--nocapture",
            // Each has a database, a balancer and some servers of its own.
            "--test-threads=2",
        ]),
    )?;
    eprintln!("all passed in {} s", started.elapsed().as_secs());
    Ok(())
}

/// What needs programs of others.
fn with_peers() -> anyhow::Result<()> {
    step(
        "commands of the documentation",
        cargo([
            "test",
            "--package",
            "farcall-acceptance",
            "--features",
            "peers",
            "--test",
            "pages",
            "--locked",
        ]),
    )?;
    // Not one process a test, because each would start a server of its own.
    step(
        "PostgreSQL's tests",
        cargo([
            "test",
            "--package",
            "farcall-store",
            "--package",
            "farcall",
            "--features",
            "farcall-store/postgres-tests,farcall/postgres-tests",
            "--locked",
            "--",
            "postgres",
        ]),
    )?;
    step(
        "bubblewrap's tests",
        cargo([
            "test",
            "--package",
            "farcall-wrap",
            "--features",
            "bwrap-tests",
            "--test",
            "children",
            "--locked",
            "--",
            "bubblewrap",
        ]),
    )?;
    step(
        "whole servers with bubblewrap, with names of their own, and with spans",
        cargo([
            "test",
            "--package",
            "farcall",
            "--features",
            "bwrap-tests,namespace-tests,otel",
            "--test",
            "wrap",
            "--locked",
            "--",
            "bubblewrap",
            "names",
            "otel",
        ]),
    )?;
    step(
        "peers' tests",
        cargo([
            "test",
            "--package",
            "farcall-acceptance",
            "--features",
            "peers",
            "--test",
            "peers",
            "--locked",
        ]),
    )
}

/// What ends servers and their database, stops them and deceives them, again and again.
fn durability() -> anyhow::Result<()> {
    const ACCEPTANCE: [&str; 6] = [
        "test",
        "--locked",
        "--package",
        "farcall-acceptance",
        "--features",
        "peers",
    ];
    step("faults", cargo(ACCEPTANCE).args(["--test", "faults"]))?;
    let storms = cargo(["test", "--locked", "--package", "farcall"]);
    let storms = storms.args(["--features", "storms", "--test", "storms"]);
    // Each counts the processes of a server of its own, and takes both cores.
    step(
        "storms",
        storms.args(["--", "--nocapture", "--test-threads=1"]),
    )?;
    step("full disks", cargo(ACCEPTANCE).args(["--test", "space"]))?;
    let bugs = cargo(ACCEPTANCE).args(["--test", "kills", "over_postgres"]);
    step("bugs planted over PostgreSQL", bugs)?;
    for engine in ["sqlite", "postgres"] {
        let kills = cargo(["run", "--locked", "--package", "farcall-acceptance"]);
        let kills = kills.args(["--bin", "kills", "--", "--kills", "1000"]);
        step(
            &format!("1,000 kills over {engine}"),
            kills.args(["--engine", engine]),
        )?;
    }
    Ok(())
}

/// Measures how long an honest client waits beside every attack, with a server as it is installed.
///
/// # Errors
/// Where it waits twice as long as without.
pub(crate) fn attacks() -> anyhow::Result<()> {
    let storms = cargo(["test", "--locked", "--profile", "attacks"]);
    let storms = storms.args(["--package", "farcall", "--features", "storms"]);
    let storms = storms.args(["--test", "storms", "--", "edge::", "refusals::"]);
    step("attacks", storms.args(["--nocapture", "--test-threads=1"]))
}

/// Runs the benchmark.
///
/// # Errors
/// Where a floor is missed, or a peer cannot run.
pub(crate) fn bench(arguments: &[String]) -> anyhow::Result<()> {
    step(
        "bench",
        cargo([
            "run",
            "--release",
            "--locked",
            "--package",
            "farcall-bench",
            "--",
        ])
        .args(arguments),
    )
}

fn cargo<const N: usize>(arguments: [&str; N]) -> &'static mut Command {
    // A step lives as long as the program, so that its command can be written in one expression.
    Box::leak(Box::new(Command::new("cargo"))).args(arguments)
}

/// The program that judges dependencies: cargo's own where it has it, else that of the peers.
fn deny() -> &'static mut Command {
    if answers("deny") {
        cargo(["deny"])
    } else {
        Box::leak(Box::new(Command::new("target/peers/cargo/bin/cargo-deny")))
    }
}

fn step(name: &str, command: &mut Command) -> anyhow::Result<()> {
    let began = Instant::now();
    eprintln!("── {name}");
    let status = command
        .current_dir(crate::root())
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("the step `{name}` cannot be started"))?;
    if !status.success() {
        bail!("the step `{name}` failed");
    }
    eprintln!("── {name}: {} s", began.elapsed().as_secs());
    Ok(())
}

/// Whether cargo has this subcommand.
fn answers(subcommand: &str) -> bool {
    let asked = Command::new("cargo")
        .args([subcommand, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}
