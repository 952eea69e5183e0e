//! Whether the targets are worth anything: each has to find a bug that is planted for it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, ensure};

use super::{chosen, fuzzer::Fuzzer};
use crate::root;

/// Applies every patch of `fuzz/planted` to a copy of the tree, and gives each target that is `named`, or all of
/// them, so many seconds to find its bug. Nothing that was learnt before is used.
///
/// # Errors
/// A patch that cannot be applied; the targets that have found nothing, after all have run.
pub(crate) fn planted(named: &[String], seconds: u32) -> anyhow::Result<()> {
    let targets = chosen(named)?;
    let folder = root().join("target/fuzz/planted");
    let tree = folder.join("tree");
    copy(&tree)?;
    for name in chosen(&[])? {
        plant(&name).with_context(|| format!("the bug of `{name}` cannot be planted"))?;
    }
    let fuzzer = Fuzzer::build(&tree)?;
    let mut table = BTreeMap::new();
    for name in &targets {
        let found = folder.join("found").join(name);
        let learnt = folder.join("corpus").join(name);
        for old in [&found, &learnt] {
            match fs::remove_dir_all(old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        fs::create_dir_all(&found)?;
        let samples = quiet(fuzzer.samples_alone(name, &found))?;
        let began = Instant::now();
        let search = quiet(fuzzer.search(name, &learnt, &found, seconds))?;
        let line = match (samples.panic, search.panic) {
            (Some(said), _) => Some(format!("by its samples: {said}")),
            (None, Some(said)) => Some(format!(
                "after {:.1} s: {said}",
                began.elapsed().as_secs_f64()
            )),
            (None, None) => None,
        };
        let shown = line.as_deref().unwrap_or("NOT FOUND");
        eprintln!("{name:<14} {shown}");
        table.insert(name, line);
    }
    let missed: Vec<_> = table.iter().filter(|(_, line)| line.is_none()).collect();
    let missed: Vec<_> = missed.iter().map(|(name, _)| name.as_str()).collect();
    ensure!(
        missed.is_empty(),
        "within {seconds} s no bug was found by `{}`",
        missed.join("`, `")
    );
    Ok(())
}

/// Makes `tree` what the work tree is, without what git ignores; files that are the same already keep
/// their time, so that little is compiled again.
fn copy(tree: &Path) -> anyhow::Result<()> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()?;
    ensure!(listed.status.success(), "git does not list the files");
    let listed = String::from_utf8(listed.stdout)?;
    for path in listed.split_terminator('\0') {
        let (from, to) = (root().join(path), tree.join(path));
        // One that was deleted and not yet committed, or a link.
        if !from.is_file() || from.is_symlink() {
            continue;
        }
        let bytes = fs::read(&from)?;
        if fs::read(&to).is_ok_and(|there| there == bytes) {
            continue;
        }
        fs::create_dir_all(to.parent().context("a file without a folder")?)?;
        fs::write(&to, bytes)?;
    }
    Ok(())
}

fn plant(name: &str) -> anyhow::Result<()> {
    let patch = PathBuf::from(format!("fuzz/planted/{name}.patch"));
    let status = Command::new("git")
        .args(["apply", "--directory=target/fuzz/planted/tree"])
        .arg(&patch)
        .current_dir(root())
        .status()?;
    ensure!(
        status.success(),
        "`{}` does not fit the code any more; make it again",
        patch.display()
    );
    Ok(())
}

/// How a run ended.
struct Run {
    /// The sentence of the panic, or what libFuzzer says, where something was found.
    panic: Option<String>,
}

fn quiet(mut command: Command) -> anyhow::Result<Run> {
    let output = command
        .stdout(Stdio::null())
        .output()
        .context("the fuzzer does not start")?;
    if output.status.success() {
        return Ok(Run { panic: None });
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let mut lines = said.lines();
    // The sentence stands in the line behind the place.
    let sentence = lines
        .by_ref()
        .find(|line| line.contains("panicked at"))
        .and_then(|_| lines.next())
        .or_else(|| said.lines().find(|line| line.contains("ERROR: libFuzzer")));
    let sentence: String = sentence
        .unwrap_or("it ended badly")
        .chars()
        .take(100)
        .collect();
    Ok(Run {
        panic: Some(sentence.escape_debug().to_string()),
    })
}
