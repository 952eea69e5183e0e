//! `check`: judges a `farcall.toml`, and shows what it offers.
//!
//! Standard output is what is offered, and the fingerprint of all of it, or one JSON object; faults and
//! warnings are talk, on standard error.

mod declared;
mod mounted;
mod report;

use std::path::{Path, PathBuf};

use farcall_config::{
    Source,
    file::{FileFaults, Finding, Project},
};
use serde_json::{Value, json};

use self::declared::Declared;
use crate::{
    Failure,
    terminal::{print, print_json, talk},
};

/// What `check` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Variables of the file are looked up in the environment and in `.env`; their values are never shown.
Mounted servers are started, to be asked what they offer.

Exit status: 0 the file is fine, 2 it is not")]
pub struct Flags {
    /// File to judge
    #[arg(default_value = "farcall.toml")]
    pub file: PathBuf,
    /// Print one JSON object in the place of lines
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn check(flags: Flags) -> Result<(), Failure> {
    let source = Source::from_environment(Path::new("."))
        .map_err(|error| Failure::usage(error.to_string()))?;
    let (faults, warnings, declared) = match Project::read(&flags.file, &source) {
        Ok((project, warnings)) => {
            let mut declared = Declared::of(&project);
            let faults = mounted::add(&mut declared, &project).await;
            let declared = faults.is_empty().then_some(declared);
            (faults, warnings, declared)
        }
        Err(FileFaults {
            faults, warnings, ..
        }) => (faults, warnings, None),
    };
    if flags.json {
        print_json(&json!({
            "file": flags.file.to_string_lossy(),
            "ok": faults.is_empty(),
            "faults": faults.iter().map(as_json).collect::<Vec<_>>(),
            "warnings": warnings.iter().map(as_json).collect::<Vec<_>>(),
            "tools": declared.as_ref().map(|declared| &declared.tools),
            "sha256": declared.as_ref().map(Declared::fingerprint),
        }));
    } else {
        let findings = faults.iter().map(|fault| ("error", fault));
        let findings = findings.chain(warnings.iter().map(|warning| ("warning", warning)));
        for (level, finding) in findings {
            talk(&report::written(&flags.file, level, finding));
        }
        if let Some(declared) = &declared {
            declared.lines().iter().all(|line| print(line));
        }
    }
    match faults.len() {
        0 => Ok(()),
        1 => Err(failed(&flags.file, "1 fault")),
        count => Err(failed(&flags.file, &format!("{count} faults"))),
    }
}

fn failed(file: &Path, faults: &str) -> Failure {
    Failure::usage(format!("`{}` has {faults}", file.display()))
}

fn as_json(finding: &Finding) -> Value {
    let place = finding.place.as_ref();
    json!({
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "message": finding.message,
        "hint": finding.hint,
    })
}
