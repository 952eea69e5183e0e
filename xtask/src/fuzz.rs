//! libFuzzer over the targets of `fuzz`.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::root;
use anyhow::{Context, ensure};

/// Gives each target that is `named`, or all of them, so many seconds.
///
/// What libFuzzer learns on the way stays in `target/fuzz/corpus`; it begins there and with the samples
/// of `fuzz/corpus`.
///
/// # Errors
/// The first target for which something did not hold; the input is in `target/fuzz/found`.
pub(crate) fn fuzz(named: &[String], seconds: u32) -> anyhow::Result<()> {
    let has_fuzzer = Command::new("cargo")
        .args(["+nightly", "fuzz", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?
        .success();
    ensure!(
        has_fuzzer,
        "`cargo +nightly fuzz` does not answer; run `rustup toolchain install nightly` and `cargo install cargo-fuzz`"
    );
    let targets = targets()?;
    for name in named {
        ensure!(
            targets.contains(name),
            "there is no target `{name}`; there are `{}`",
            targets.join("`, `")
        );
    }
    let chosen = if named.is_empty() { &targets } else { named };
    for name in chosen {
        run(name, seconds).with_context(|| format!("the target `{name}` failed"))?;
    }
    Ok(())
}

/// The names of all targets: each has a folder of samples.
fn targets() -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(root().join("fuzz/corpus"))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<anyhow::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn run(name: &str, seconds: u32) -> anyhow::Result<()> {
    eprintln!("== {name}");
    let (kept, found) = (root().join("target/fuzz"), root().join("target/fuzz/found"));
    let learnt = kept.join("corpus").join(name);
    for folder in [&learnt, &found] {
        fs::create_dir_all(folder)?;
    }
    let status = Command::new("cargo")
        .args(["+nightly", "fuzz", "run", "targets"])
        .arg(&learnt)
        .arg(root().join("fuzz/corpus").join(name))
        .arg("--fuzz-dir")
        .arg(root().join("fuzz/libfuzzer"))
        .arg("--target-dir")
        .arg(kept.join("target"))
        .arg("--")
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/{name}-", found.display()))
        .args(["-timeout=5", "-rss_limit_mb=1024", "-max_len=65536"])
        .env("FUZZ_TARGET", name)
        .current_dir(root())
        .status()?;
    ensure!(
        status.success(),
        "{status}; the input is in `{}`",
        found.display()
    );
    Ok(())
}
