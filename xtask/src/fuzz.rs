//! libFuzzer over the targets of `fuzz`.

mod fuzzer;
mod planted;

use std::fs;

use anyhow::{Context, ensure};

use self::fuzzer::Fuzzer;
pub(crate) use self::planted::planted;
use crate::root;

/// Gives each target that is `named`, or all of them, so many seconds.
///
/// What libFuzzer learns on the way stays in `target/fuzz/corpus`; it begins there and with the samples
/// of `fuzz/corpus`.
///
/// # Errors
/// The first target for which something did not hold; the input is in `target/fuzz/found`.
pub(crate) fn fuzz(named: &[String], seconds: u32) -> anyhow::Result<()> {
    let targets = chosen(named)?;
    let fuzzer = Fuzzer::build(&root())?;
    let kept = root().join("target/fuzz");
    for name in &targets {
        eprintln!("== {name}");
        let learnt = kept.join("corpus").join(name);
        let found = kept.join("found");
        let status = fuzzer
            .search(name, &learnt, &found, seconds)
            .status()
            .context("the fuzzer does not start")?;
        ensure!(
            status.success(),
            "the target `{name}` failed: {status}; the input is in `{}`, and is a sample for `fuzz/corpus/{name}` \
             once the code is repaired",
            found.display()
        );
    }
    Ok(())
}

/// The targets that are `named`, all where none is. Each has a folder of samples.
fn chosen(named: &[String]) -> anyhow::Result<Vec<String>> {
    let mut targets = fs::read_dir(root().join("fuzz/corpus"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    targets.sort();
    for name in named {
        ensure!(
            targets.contains(name),
            "there is no target `{name}`; there are `{}`",
            targets.join("`, `")
        );
    }
    Ok(if named.is_empty() {
        targets
    } else {
        named.to_vec()
    })
}
