//! References that are written from the code, so that they cannot drift from it.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context, bail};
use farcall_config::variables;
use farcall_core::{job::state::JobState, problem::ErrorCode};

use crate::{deployed, farcall_toml};

/// # Errors
/// With `check`, every file that would change.
pub(crate) fn generate(check: bool) -> anyhow::Result<()> {
    let references = [
        ("variables.md", variables()),
        ("command-line.md", command_line()),
        ("errors.md", errors()),
        ("farcall-toml.md", farcall_toml::page(GENERATED)),
        ("openapi.json", openapi()),
    ];
    let references = references.map(|(name, text)| (format!("docs/reference/{name}"), text));
    let mut stale = Vec::new();
    for (name, text) in references.into_iter().chain(deployed::files()?) {
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
            "what is written from the code is stale: {}; run `cargo xtask generate`",
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
        let _ = writeln!(
            text,
            "| `{}` | `{}` | {} |",
            variable.name, variable.default, variable.purpose
        );
    }
    text
}

fn command_line() -> String {
    let mut text = format!("# Command line\n\n{GENERATED}");
    for (title, help) in farcall_cli::command::helps() {
        let _ = write!(
            text,
            "\n## `{title}`\n\n```text\n{}\n```\n",
            help.trim_end()
        );
    }
    text.push_str(
        "\nThe exit status is 0 where all is well, 1 where what was checked or ran has failed, and 2 for wrong\n\
         usage or configuration. Data goes to standard output, talk to standard error.\n",
    );
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

fn openapi() -> String {
    format!("{:#}\n", farcall_server::openapi::document())
}
