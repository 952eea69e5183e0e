//! Commands that would give callers more than their authors may have meant.
//!
//! No shell sees an argument; but a program may itself be one, or run what stands in its arguments.

use std::path::Path;

use toml::Spanned;

use super::Reading;
use crate::file::{Element, Piece};

const SHELLS: [&str; 12] = [
    "ash",
    "bash",
    "cmd",
    "csh",
    "dash",
    "fish",
    "ksh",
    "powershell",
    "pwsh",
    "sh",
    "tcsh",
    "zsh",
];

/// Interpreters, with the options after which code stands.
const INTERPRETERS: &[(&str, &[&str])] = &[
    ("bun", &["-e", "--eval", "-p", "--print"]),
    ("deno", &["eval"]),
    ("julia", &["-e", "--eval", "-E", "--print"]),
    ("lua", &["-e"]),
    ("node", &["-e", "--eval", "-p", "--print"]),
    ("perl", &["-e", "-E"]),
    ("php", &["-r"]),
    ("python", &["-c"]),
    ("Rscript", &["-e"]),
    ("ruby", &["-e"]),
];

/// Programs that run what stands in their arguments.
const RUNNERS: [&str; 12] = [
    "chroot", "docker", "doas", "env", "kubectl", "nohup", "parallel", "setsid", "ssh", "sudo",
    "watch", "xargs",
];

/// Programs with options, or forms of an operand, that run others or write anywhere.
const WITH_OPTIONS: [&str; 14] = [
    "awk", "curl", "git", "hg", "make", "man", "rsync", "scp", "sed", "svn", "tar", "vim", "wget",
    "zip",
];

/// Judges a command by its program and its arguments.
pub(super) fn judge(
    reading: &Reading<'_>,
    program: &Spanned<&str>,
    elements: &[(Element, Spanned<&str>)],
) {
    let name = file_name(program.get_ref());
    let script = script(name, elements);
    if let Some((script, at)) = script {
        if script.has_parameter() {
            let text = "a caller could write any command into the text of a shell script";
            reading.fault(&at.span(), text, SHELL_HINT);
        } else {
            let message = "a text is run by a shell, in which every sign has a meaning";
            let hint =
                "name the program itself, an element an argument; or put the text into a file";
            reading.warn(&at.span(), message, hint);
        }
    }
    let is_script = |at: &Spanned<&str>| script.is_some_and(|script| script.1.span() == at.span());
    let parameters = || {
        let named = elements
            .iter()
            .filter(|(element, _)| element.has_parameter());
        named.filter(|(_, at)| !is_script(at))
    };
    if script.is_some() || SHELLS.contains(&name) {
        if let Some((_, at)) = parameters().next() {
            let message = "what callers say reaches the script of a shell";
            reading.warn(
                &at.span(),
                message,
                "quote it there, as \"$1\", wherever it is used",
            );
        }
        return;
    }
    let mut is_told = false;
    for (_, at) in code(name, elements).filter(|element| element.0.has_parameter()) {
        is_told = true;
        let message = format!("a caller could write any code into what `{name}` runs");
        let hint = "hand it over as an argument of its own, which the code reads, for example from sys.argv";
        reading.fault(&at.span(), message, hint);
    }
    if is_told {
        return;
    }
    for (element, at) in parameters() {
        if let Some((message, hint)) = suspicion(name, element, elements) {
            reading.warn(&at.span(), message, hint);
        }
    }
}

const SHELL_HINT: &str = "name the program itself, an element an argument; or keep the script, and hand \
                          over what callers say as arguments of their own: \
                          [\"sh\", \"-c\", \"… \\\"$1\\\"\", \"sh\", \"{name}\"]";

/// Why what a caller says in this element may do more than it should.
fn suspicion(
    name: &str,
    element: &Element,
    elements: &[(Element, Spanned<&str>)],
) -> Option<(String, &'static str)> {
    let is_exec = |(element, _): &(Element, Spanned<&str>)| {
        matches!(
            element.literal(),
            Some("-exec" | "-execdir" | "-ok" | "-okdir" | "-delete")
        )
    };
    if RUNNERS.contains(&name) {
        return Some((
            format!("`{name}` runs what stands in its arguments, and callers say a part of them"),
            "name the program itself; or let callers choose from an `enum`",
        ));
    }
    if name == "find" && elements.iter().any(is_exec) {
        return Some((
            "`find` runs or deletes what it finds, and callers say what that is".to_owned(),
            "name the program itself; or let callers choose from an `enum`",
        ));
    }
    if WITH_OPTIONS.contains(&name) && !element.is_operand {
        return Some((
            format!(
                "`{name}` has options and operands that run programs, and nothing tells it that this is none"
            ),
            "put \"--\" before it; and let a `pattern` say what callers may write",
        ));
    }
    None
}

/// The text that a shell is to run, where there is a shell with `-c`, whatever stands before it.
fn script<'e, 't>(
    program: &str,
    elements: &'e [(Element, Spanned<&'t str>)],
) -> Option<&'e (Element, Spanned<&'t str>)> {
    let shell = if SHELLS.contains(&program) {
        0
    } else {
        let is_shell = |(element, _): &(Element, Spanned<&str>)| {
            element
                .literal()
                .is_some_and(|text| SHELLS.contains(&file_name(text)))
        };
        elements.iter().position(is_shell)? + 1
    };
    let mut rest = elements[shell..].iter();
    let mut is_value = false;
    // The options of the shell itself, which end at its script file.
    rest.by_ref()
        .find_map(|(element, _)| {
            let text = element.literal().unwrap_or_default();
            let is_option = text.starts_with(['-', '+']) || matches!(text, "/c" | "/C");
            if !is_option && !is_value {
                return Some(false);
            }
            is_value = matches!(text, "-o" | "+o" | "-O" | "+O" | "--rcfile" | "--init-file");
            let is_short = is_option && !text.starts_with("--");
            (is_short && text.contains(['c', 'C'])).then_some(true)
        })
        .filter(|is_script| *is_script)?;
    // What stands between is an option again: `sh -c -e "…"`.
    rest.find(|(element, _)| element.literal().is_none_or(|text| !text.starts_with('-')))
}

/// The elements in which an interpreter finds code.
fn code<'e, 't>(
    program: &str,
    elements: &'e [(Element, Spanned<&'t str>)],
) -> impl Iterator<Item = &'e (Element, Spanned<&'t str>)> {
    let bare = program.trim_end_matches(|sign: char| sign.is_ascii_digit() || sign == '.');
    let options = INTERPRETERS.iter().find(|(name, _)| *name == bare);
    let options = options.map_or(&[][..], |(_, options)| options);
    elements.windows(2).filter_map(move |pair| {
        let option = pair[0].0.literal()?;
        options.contains(&option).then_some(&pair[1])
    })
}

fn file_name(program: &str) -> &str {
    let name = Path::new(program)
        .file_name()
        .and_then(|name| name.to_str());
    name.unwrap_or(program)
}

impl Element {
    fn has_parameter(&self) -> bool {
        self.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Parameter(_)))
    }

    /// Its text, where callers have no part in it.
    fn literal(&self) -> Option<&str> {
        match &self.pieces[..] {
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }
}
