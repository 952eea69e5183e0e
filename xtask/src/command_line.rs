//! What is written from the command line: its reference, manual pages, and completions.

use std::fmt::Write as _;

use anyhow::Context;
use clap::Command;
use clap_complete::{Shell, generate};
use clap_mangen::Man;

/// The reference of all command lines, for `docs`.
pub(crate) fn page(generated: &str) -> String {
    let mut text = format!("# Command line\n\n{generated}");
    for command in farcall_cli::command::command_lines() {
        // Wide enough that no line breaks, whatever terminal this runs on.
        let mut command = command.term_width(100);
        command.build();
        let title = command.get_name().to_owned();
        add_help(&mut command, &title, &mut text);
    }
    text.push_str(
        "\nThe exit status is 0 where all is well, 1 where what was checked or ran has failed, and 2 for wrong\n\
         usage or configuration. Data goes to standard output, talk to standard error.\n",
    );
    text
}

/// Adds the help of `command`, and those of the verbs below it.
fn add_help(command: &mut Command, title: &str, text: &mut String) {
    let help = command.render_long_help().to_string();
    let _ = write!(
        text,
        "\n## `{title}`\n\n```text\n{}\n```\n",
        help.trim_end()
    );
    for verb in command.get_subcommands_mut() {
        let title = verb.get_bin_name().unwrap_or_default().to_owned();
        add_help(verb, &title, text);
    }
}

/// What is installed beside the binary, by its place below `share`.
///
/// # Errors
/// A page that is no text.
pub(crate) fn share() -> anyhow::Result<Vec<(String, String)>> {
    let [mut command, _] = farcall_cli::command::command_lines();
    let mut files = Vec::new();
    for (shell, place) in [
        (Shell::Bash, "bash-completion/completions/farcall"),
        (Shell::Zsh, "zsh/site-functions/_farcall"),
        (Shell::Fish, "fish/vendor_completions.d/farcall.fish"),
    ] {
        let mut script = Vec::new();
        generate(shell, &mut command, "farcall", &mut script);
        files.push((place.to_owned(), text(script)?));
    }
    command.build();
    add_manual(&command, &mut files)?;
    Ok(files)
}

/// Adds the manual page of `command`, and those of the verbs below it.
fn add_manual(command: &Command, files: &mut Vec<(String, String)>) -> anyhow::Result<()> {
    let mut page = Vec::new();
    let man = Man::new(command.clone());
    man.render(&mut page)?;
    files.push((format!("man/man1/{}", man.get_filename()), text(page)?));
    for verb in command.get_subcommands() {
        add_manual(verb, files)?;
    }
    Ok(())
}

fn text(bytes: Vec<u8>) -> anyhow::Result<String> {
    String::from_utf8(bytes).context("what a generator has written is no text")
}
