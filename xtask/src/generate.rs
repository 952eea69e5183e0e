//! References that are written from the code, so that they cannot drift from it.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context, bail};
use farcall_config::variables;
use farcall_core::{job::state::JobState, problem::ErrorCode};
use farcall_metrics::families;

use crate::{clients, command_line, deployed, farcall_toml, http_routes, job_tools};

/// # Errors
/// With `check`, every file that would change.
pub(crate) fn generate(check: bool) -> anyhow::Result<()> {
    let mut files = vec![
        ("docs/reference/variables.md".to_owned(), variables()),
        (
            "docs/reference/command-line.md".to_owned(),
            command_line::page(GENERATED),
        ),
        ("docs/reference/errors.md".to_owned(), errors()),
        (
            "docs/reference/farcall-toml.md".to_owned(),
            farcall_toml::page(GENERATED),
        ),
        (
            "docs/reference/http.md".to_owned(),
            http_routes::page(GENERATED, &farcall_server::openapi::document()),
        ),
        ("docs/reference/metrics.md".to_owned(), metrics()),
        ("docs/reference/openapi.json".to_owned(), openapi()),
        (
            "docs/reference/clients.md".to_owned(),
            clients::page(GENERATED),
        ),
        (
            "docs/reference/tools.md".to_owned(),
            job_tools::page(GENERATED),
        ),
    ];
    for (place, text) in command_line::share()? {
        files.push((format!("wheel/data/share/{place}"), text));
    }
    files.extend(deployed::files()?);
    let mut stale = Vec::new();
    for (name, text) in files {
        let path = crate::root().join(&name);
        if fs::read_to_string(&path).is_ok_and(|written| written == text) {
            continue;
        }
        if check {
            stale.push(name);
        } else {
            write(&path, &text)?;
        }
    }
    if !stale.is_empty() {
        bail!(
            "these are stale: {}; run `cargo xtask generate`",
            stale.join(", ")
        );
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::create_dir_all(path.parent().context("a reference has a folder")?)?;
    fs::write(path, text).with_context(|| format!("`{}` cannot be written", path.display()))
}

const GENERATED: &str = "<!-- Written by `cargo xtask generate`; edit the code instead. -->\n";

fn variables() -> String {
    let mut text = format!(
        "# Environment variables\n\n{GENERATED}\nA flag wins over the environment, the environment over `.env` in the working\ndirectory, `.env` over [`farcall.toml`](farcall-toml.md).\n\n\
         | variable | default | purpose |\n| --- | --- | --- |\n"
    );
    for variable in variables::ALL {
        let code = if variable.defaults_in_words() {
            ""
        } else {
            "`"
        };
        let _ = writeln!(
            text,
            "| `{}` | {code}{}{code} | {} |",
            variable.name, variable.default, variable.purpose
        );
    }
    text
}

fn errors() -> String {
    let mut text = format!(
        "# States and error codes\n\n{GENERATED}\nA job is in one of these states; the last two are final:\n\n"
    );
    for state in JobState::ALL {
        let _ = writeln!(text, "- `{state}`");
    }
    text.push_str("\nA failed job, and a failed call where it is not the caller's own mistake, carries an `error_code`:\n\n| code | meaning |\n| --- | --- |\n");
    for code in ErrorCode::ALL {
        let _ = writeln!(text, "| `{code}` | {} |", code.meaning());
    }
    text
}

fn metrics() -> String {
    let mut text = format!(
        "# Metrics\n\n{GENERATED}\nWhat `/metrics` tells, in the text format of Prometheus; how to read it is in [observe](../guide/observe.md).\n\n\
         | metric | type | labels | what |\n| --- | --- | --- | --- |\n"
    );
    for family in families::ALL {
        let labels: Vec<_> = family
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            family.name,
            family.kind.as_str(),
            labels.join(", "),
            family.help
        );
    }
    text.push_str("\nOf a histogram there are `…_bucket` with the label `le`, `…_sum` in seconds, and `…_count`. No label says who calls, with what, or for which job.\n\n| label | values |\n| --- | --- |\n");
    for (label, values) in families::LABELS {
        let _ = writeln!(text, "| `{label}` | {values} |");
    }
    text
}

fn openapi() -> String {
    format!("{:#}\n", farcall_server::openapi::document())
}
