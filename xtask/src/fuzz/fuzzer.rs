//! The program that holds all targets, and runs of it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};

use crate::root;

/// A built fuzzer.
pub(super) struct Fuzzer {
    program: PathBuf,
}

impl Fuzzer {
    /// Builds the one of the sources in the folder `tree`, with the libraries of `Cargo.lock`.
    ///
    /// # Errors
    /// What is missing for that, or that it does not compile.
    pub(super) fn build(tree: &Path) -> anyhow::Result<Self> {
        let has_fuzzer = Command::new("cargo")
            .args(["+nightly", "fuzz", "--version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?
            .success();
        ensure!(
            has_fuzzer,
            "`cargo +nightly fuzz` does not answer; run `rustup toolchain install nightly --profile minimal` and \
             `cargo install cargo-fuzz`"
        );
        let host = host()?;
        let project = tree.join("fuzz/libfuzzer");
        // What is fuzzed is what is shipped; the fuzzer's own libraries are added to it.
        fs::copy(root().join("Cargo.lock"), project.join("Cargo.lock"))?;
        let built = root().join("target/fuzz/target");
        let status = Command::new("cargo")
            .args(["+nightly", "fuzz", "build", "targets"])
            // There is no `unsafe` code here for a sanitizer to look at, and without one twice as much is tried.
            .args(["--sanitizer", "none", "--target", &host])
            .arg("--fuzz-dir")
            .arg(&project)
            .arg("--target-dir")
            .arg(&built)
            .current_dir(tree)
            .status()?;
        ensure!(status.success(), "the targets do not compile: {status}");
        Ok(Self {
            program: built.join(host).join("release/targets"),
        })
    }

    /// A run that looks for what the target called `name` does not bear, for so many seconds. It begins with the
    /// samples and with what is in `learnt`, where it puts more; what it finds goes into `found`.
    pub(super) fn search(&self, name: &str, learnt: &Path, found: &Path, seconds: u32) -> Command {
        // Where they cannot be made, libFuzzer says so.
        for folder in [learnt, found] {
            let _ = fs::create_dir_all(folder);
        }
        let mut command = self.samples(name, found);
        command.arg(format!("-max_total_time={seconds}"));
        let words = root().join("fuzz/dictionaries").join(name);
        if words.exists() {
            command.arg(format!("-dict={}", words.display()));
        }
        // The first folder is the one that it writes to.
        command.arg(learnt).arg(samples(name));
        command
    }

    /// A run of the samples alone.
    pub(super) fn samples_alone(&self, name: &str, found: &Path) -> Command {
        let mut command = self.samples(name, found);
        command.arg("-runs=0").arg(samples(name));
        command
    }

    fn samples(&self, name: &str, found: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("FUZZ_TARGET", name)
            .arg(format!("-artifact_prefix={}/{name}-", found.display()))
            .args(["-timeout=5", "-rss_limit_mb=1024", "-max_len=16384"])
            // What is nearly right tells most, and is not that any more after many changes at once.
            .arg("-mutate_depth=2");
        command
    }
}

fn samples(name: &str) -> PathBuf {
    root().join("fuzz/corpus").join(name)
}

/// The machine that the compiler is for, as it calls it.
fn host() -> anyhow::Result<String> {
    let told = Command::new("rustc").args(["+nightly", "-vV"]).output()?;
    let told = String::from_utf8(told.stdout)?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}
