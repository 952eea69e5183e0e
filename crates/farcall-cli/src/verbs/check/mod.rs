//! `check`: judges a `farcall.toml`, and shows what it offers.
//!
//! Standard output is what is offered, and the fingerprint of all of it, or one JSON object; faults and
//! warnings are talk, on standard error.

mod offered;
mod report;

use std::path::{Path, PathBuf};

use farcall_config::{
    Audit, ConfigError, Source, Storage,
    file::{Finding, Project},
};
use serde_json::{Value, json};

use self::offered::Offered;
use crate::{
    Failure,
    terminal::{print, print_json, talk},
    withheld::withheld,
};

/// What `check` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Variables of the file are looked up in the environment and in `.env`; their values are never shown.
Mounted servers are started, to be asked what they offer.

Exit status: 0 the file is fine, 2 it is not")]
pub struct Flags {
    /// File to validate
    #[arg(default_value = "farcall.toml")]
    pub file: PathBuf,
    /// Print one JSON object instead of lines
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn check(flags: Flags) -> Result<(), Failure> {
    let source = Source::from_environment(Path::new("."))
        .map_err(|error| Failure::usage(error.to_string()))?;
    let Verdict {
        faults,
        warnings,
        offered,
    } = Verdict::of(&flags.file, source).await;
    if flags.json {
        print_json(&json!({
            "file": flags.file.to_string_lossy(),
            "ok": faults.is_empty(),
            "faults": faults.iter().map(as_json).collect::<Vec<_>>(),
            "warnings": warnings.iter().map(as_json).collect::<Vec<_>>(),
            "tools": offered.as_ref().map(|offered| &offered.tools),
            "sha256": offered.as_ref().map(Offered::fingerprint),
        }));
    } else {
        let findings = faults.iter().map(|fault| ("error", fault));
        let findings = findings.chain(warnings.iter().map(|warning| ("warning", warning)));
        for (level, finding) in findings {
            talk(&report::written(&flags.file, level, finding));
        }
        if let Some(offered) = &offered {
            offered.lines().iter().all(|line| print(line));
        }
    }
    match faults.len() {
        0 => Ok(()),
        1 => Err(failed(&flags.file, "1 fault")),
        count => Err(failed(&flags.file, &format!("{count} faults"))),
    }
}

/// What is found about a file, and what it offers where nothing is wrong.
struct Verdict {
    faults: Vec<Finding>,
    warnings: Vec<Finding>,
    offered: Option<Offered>,
}

impl Verdict {
    async fn of(file: &Path, source: Source) -> Self {
        let (faults, mut warnings, offered) = match Project::read(file, &source) {
            Err(found) => (found.faults, found.warnings, None),
            Ok((project, warnings)) => match offered(file, &project, source).await {
                Err(faults) => (faults, warnings, None),
                Ok(offered) => (Vec::new(), warnings, Some(offered)),
            },
        };
        if let Some(offered) = &offered {
            warnings.extend_from_slice(&offered.warnings);
        }
        Self {
            faults,
            warnings,
            offered,
        }
    }
}

/// What the project in `file` offers, as [`serve`](crate::verbs::serve) would have it.
async fn offered(
    file: &Path,
    project: &Project,
    mut source: Source,
) -> Result<Offered, Vec<Finding>> {
    source.set_file(&project.settings);
    let storage = Storage::alone(&source).map_err(|ConfigError(faults)| {
        let faults = faults.into_iter();
        let finding = |fault: farcall_config::Fault| Finding {
            place: None,
            message: fault.message,
            hint: fault.hint,
        };
        faults.map(finding).collect::<Vec<_>>()
    })?;
    // Mounted servers are started, and do not reach more than they would then.
    let audit = Audit::read(&source);
    let withheld = withheld(Some(file), &storage, audit.as_ref());
    Offered::of(project, &withheld).await
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
