//! The suite: every check and every test, with the peers that they need.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, bail};

/// Tests that need programs of others.
const ACCEPTANCE: &str = "test --locked --package farcall-acceptance --features peers --test";

/// Runs everything that must pass before a change lands.
///
/// # Errors
/// The first step that fails.
pub(crate) fn test() -> anyhow::Result<()> {
    let started = Instant::now();
    step("peers", Command::new("peers/install").arg("target/peers"))?;
    checks()?;
    step("programs", &mut cargo("build --workspace --bins --locked"))?;
    if answers("nextest") {
        step("tests", &mut cargo("nextest run --workspace --locked"))?;
        step("doctests", &mut cargo("test --workspace --doc --locked"))?;
    } else {
        step("tests", &mut cargo("test --workspace --locked"))?;
    }
    with_peers()?;
    durability()?;
    step(
        "several machines' tests",
        // Each has a database, a balancer and some servers of its own; what they count is worth reading.
        cargo(ACCEPTANCE).args(["machines", "--", "--nocapture", "--test-threads=2"]),
    )?;
    eprintln!("all passed in {} s", started.elapsed().as_secs());
    Ok(())
}

/// What is judged without being run.
fn checks() -> anyhow::Result<()> {
    step("format", &mut cargo("fmt --all --check"))?;
    step(
        "lints",
        &mut cargo("clippy --workspace --all-targets --all-features --locked -- -D warnings"),
    )?;
    step(
        "documentation",
        cargo("doc --workspace --no-deps --locked").env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    crate::layers::check().context("the step `layers` failed")?;
    crate::generate::generate(true).context("the step `references` failed")?;
    crate::book::book().context("the step `book` failed")?;
    let judged = ["check", "bans", "licenses", "sources"];
    step(
        "dependencies",
        deny().args(["--log-level", "error"]).args(judged),
    )
}

/// What needs programs of others.
fn with_peers() -> anyhow::Result<()> {
    step(
        "commands of the documentation",
        cargo(ACCEPTANCE).arg("pages"),
    )?;
    // Not one process a test, because each would start a server of its own.
    step(
        "PostgreSQL's tests",
        cargo("test --locked --package farcall-store --package farcall --features").args([
            "farcall-store/postgres-tests,farcall/postgres-tests",
            "--",
            "postgres",
        ]),
    )?;
    step(
        "bubblewrap's tests",
        cargo("test --locked --package farcall-wrap --features bwrap-tests --test children")
            .args(["--", "bubblewrap"]),
    )?;
    step(
        "whole servers with bubblewrap, with names of their own, and with spans",
        cargo("test --locked --package farcall --test wrap --features")
            .args(["bwrap-tests,namespace-tests,otel", "--"])
            .args(["bubblewrap", "names", "otel"]),
    )?;
    step("peers' tests", cargo(ACCEPTANCE).arg("peers"))
}

/// What ends servers and their database, stops them and deceives them, again and again.
fn durability() -> anyhow::Result<()> {
    step("faults", cargo(ACCEPTANCE).arg("faults"))?;
    step(
        "storms",
        // Each counts the processes of a server of its own, and takes both cores.
        cargo("test --locked --package farcall --features storms --test storms").args([
            "--",
            "--nocapture",
            "--test-threads=1",
        ]),
    )?;
    step("full disks", cargo(ACCEPTANCE).arg("space"))?;
    step(
        "bugs planted over PostgreSQL",
        cargo(ACCEPTANCE).args(["kills", "over_postgres"]),
    )?;
    for engine in ["sqlite", "postgres"] {
        step(
            &format!("1,000 kills over {engine}"),
            cargo("run --locked --package farcall-acceptance --bin kills -- --kills 1000")
                .args(["--engine", engine]),
        )?;
    }
    Ok(())
}

/// Measures how long an honest client waits beside every attack, with a server as it is installed.
///
/// # Errors
/// Where it waits twice as long as without.
pub(crate) fn attacks() -> anyhow::Result<()> {
    step(
        "attacks",
        cargo("test --locked --profile attacks --package farcall --features storms --test storms")
            .args(["--", "edge::", "refusals::"])
            .args(["--nocapture", "--test-threads=1"]),
    )
}

/// Runs the benchmark.
///
/// # Errors
/// Where a floor is missed, or a peer cannot run.
pub(crate) fn bench(arguments: &[String]) -> anyhow::Result<()> {
    step(
        "bench",
        cargo("run --release --locked --package farcall-bench --").args(arguments),
    )
}

/// Cargo with these words behind it.
fn cargo(words: &str) -> Command {
    let mut command = Command::new("cargo");
    command.args(words.split_whitespace());
    command
}

/// The program that judges dependencies: cargo's own where it has it, else that of the peers.
fn deny() -> Command {
    if answers("deny") {
        cargo("deny")
    } else {
        Command::new("target/peers/cargo/bin/cargo-deny")
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
