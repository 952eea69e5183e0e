//! Programs: `command`, and what they find and may use.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use toml::Spanned;

use super::{
    Reading, danger,
    parameter::Parameters,
    program,
    table::Table,
    template::{filled, is_name, pieces},
};
use crate::file::{
    Command, Element, Environment, Limits, Piece, Sandbox, Stdin,
    grammar::{
        Key, Section, Shape,
        shapes::{DURATION, POSITIVE, TEXTS},
    },
};

/// How long a program has between being told to stop and being killed (PROMISES P10).
const GRACE: Duration = Duration::from_secs(10);

/// Variables that every program gets, where they are set: without them programs find neither others
/// nor their language.
const INHERITED: [&str; 6] = ["HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "TZ"];

/// What every program can have besides its command line.
pub(super) const KEYS: &[Key] = &[
    Key::optional(
        "working_dir",
        Shape::Path,
        "Folder it runs in; without it one of its own, which is emptied for each run. A mounted server runs in that of the file, and as a job in the job's.",
    ),
    Key::optional(
        "readable",
        Shape::List(&Shape::Path),
        "Files and folders it may read besides what is not hidden in the folder of the file.",
    ),
    Key::optional(
        "writable",
        Shape::List(&Shape::Path),
        "Files and folders it may write to besides its working folder.",
    ),
    Key::optional(
        "env",
        Shape::Map(&Shape::Secret),
        "Variables it finds besides those it inherits; `${NAME}` is a variable of the environment or of `.env`.",
    ),
    Key::optional(
        "inherit_env",
        TEXTS,
        "Names of variables that it inherits besides HOME, LANG, LC_ALL, LC_CTYPE, PATH and TZ.",
    ),
    Key::optional("limits", Shape::Section(&LIMITS), LIMITS.about),
    Key::with(
        "sandbox",
        Shape::Choice(&[
            (
                "default",
                "by the kernel where it can, with a warning where it cannot",
            ),
            ("required", "by the kernel, or the server does not start"),
            (
                "bwrap",
                "by bubblewrap, without network, or the server does not start",
            ),
            ("off", "not at all"),
        ]),
        "default",
        "What keeps it in its place.",
    ),
    Key::with(
        "grace",
        Shape::Duration { no_time: true },
        "10s",
        "How long it has between being told to stop and being killed.",
    ),
];

/// Where what it reads is said.
pub(super) const STDIN: Key = Key::with(
    "stdin",
    Shape::Choice(&[
        ("none", "nothing"),
        ("json", "all arguments, as one JSON object"),
    ]),
    "none",
    "What it reads on its standard input.",
);

pub(super) static LIMITS: Section = Section {
    name: "limits",
    about: "What a program may use at most.",
    groups: &[&[
        Key::optional("memory", Shape::Size, "Address space."),
        Key::optional("cpu", DURATION, "Processor time."),
        Key::optional(
            "file_size",
            Shape::Size,
            "Size of any one file that it writes.",
        ),
        Key::optional("processes", POSITIVE, "Processes and threads of its user."),
        Key::optional("open_files", POSITIVE, "Open files."),
        Key::with("output", Shape::Size, "100MiB", "Output; more ends it."),
    ]],
};

/// Reads the command of a tool or a job, in which callers have a part.
pub(super) fn templated(
    reading: &Reading<'_>,
    table: &Table<'_>,
    parameters: &Parameters<'_>,
) -> Option<Command> {
    let stdin = match table.text("stdin") {
        Some(text) if *text.get_ref() == "json" => Stdin::Json,
        _ => Stdin::Null,
    };
    let read = |text: &Spanned<&str>| {
        let pieces = pieces(reading, text)?;
        parameters.judge_element(reading, &pieces, &text.span());
        Some(pieces)
    };
    command(reading, table, stdin, read)
}

/// Reads the command of an MCP server, in which braces are braces.
pub(super) fn fixed(reading: &Reading<'_>, table: &Table<'_>) -> Option<Command> {
    let read = |text: &Spanned<&str>| Some(vec![Piece::Text((*text.get_ref()).to_owned())]);
    command(reading, table, Stdin::Null, read)
}

fn command(
    reading: &Reading<'_>,
    table: &Table<'_>,
    stdin: Stdin,
    read: impl Fn(&Spanned<&str>) -> Option<Vec<Piece>>,
) -> Option<Command> {
    let working_dir = table
        .text("working_dir")
        .and_then(|path| folder(reading, "working_dir", &path));
    let readable = places(reading, table, "readable", |_| Ok(()));
    let writable = places(reading, table, "writable", |path| {
        if reading.folder.starts_with(path) {
            return Err("holds this file, so whoever may write to it runs programs");
        }
        Ok(())
    });
    let environment = environment(reading, table);
    let limits = table
        .table("limits")
        .map(|table| limits(&table))
        .unwrap_or_default();
    let sandbox = match table.text("sandbox").map(Spanned::into_inner) {
        Some("required") => Sandbox::Required,
        Some("bwrap") => Sandbox::Bwrap,
        Some("off") => Sandbox::Off,
        _ => Sandbox::Default,
    };
    let grace = table.duration("grace").unwrap_or(GRACE);

    let words = table.texts("command");
    let (name, arguments) = words.split_first()?;
    let program =
        fixed_program(reading, name, &read(name)?).and_then(|()| program::find(reading, name));
    let mut is_operand = false;
    let mut elements = Vec::new();
    for argument in arguments {
        if argument.get_ref().contains('\0') {
            reading.fault(
                &argument.span(),
                "an argument holds NUL",
                "remove it; no program can get it",
            );
        }
        let Some(pieces) = read(argument) else {
            continue;
        };
        let is_separator = pieces == [Piece::Text("--".to_owned())];
        elements.push((Element { pieces, is_operand }, argument.clone()));
        is_operand |= is_separator;
    }
    let are_whole = elements.len() == arguments.len();
    danger::judge(reading, name, &elements);
    if working_dir.is_none() {
        program::find_script(reading, name.get_ref(), &mut elements);
    }
    Some(Command {
        program: program.filter(|_| are_whole)?,
        written: (*name.get_ref()).to_owned(),
        arguments: elements.into_iter().map(|(element, _)| element).collect(),
        working_dir,
        readable,
        writable,
        stdin,
        environment,
        limits,
        sandbox,
        grace,
    })
}

/// A program that no caller has a part in.
fn fixed_program(reading: &Reading<'_>, name: &Spanned<&str>, pieces: &[Piece]) -> Option<()> {
    if pieces.iter().all(|piece| matches!(piece, Piece::Text(_))) {
        return Some(());
    }
    reading.fault(
        &name.span(),
        format!("`{}` lets callers choose the program", name.get_ref()),
        "name one program; what callers say comes after it",
    );
    None
}

/// An existing folder, as an absolute path.
pub(super) fn folder(reading: &Reading<'_>, key: &str, path: &Spanned<&str>) -> Option<PathBuf> {
    let folder = reading.resolve(path.get_ref());
    if folder.is_dir() {
        return Some(folder);
    }
    let reason = if folder.exists() {
        "is no folder"
    } else {
        "is not there"
    };
    reading.fault(
        &path.span(),
        format!("the folder `{}` of `{key}` {reason}", path.get_ref()),
        "make it, or correct the path, which begins at the folder of the file",
    );
    None
}

/// Files and folders that are there, by their real paths, so that no link made later leads elsewhere.
fn places(
    reading: &Reading<'_>,
    table: &Table<'_>,
    key: &str,
    judge: impl Fn(&Path) -> Result<(), &'static str>,
) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in table.texts(key) {
        let place = reading.resolve(path.get_ref()).canonicalize();
        let judged = match &place {
            Ok(place) => judge(place),
            Err(_) => Err("is not there"),
        };
        if let Err(reason) = judged {
            let message = format!("`{}` of `{key}` {reason}", path.get_ref().escape_debug());
            let hint = "name what is there, by a path that begins at the folder of the file";
            reading.fault(&path.span(), message, hint);
        }
        found.extend(place);
    }
    found
}

fn limits(table: &Table<'_>) -> Limits {
    Limits {
        memory: table.size("memory"),
        cpu: table.duration("cpu"),
        file_size: table.size("file_size"),
        processes: table.count("processes"),
        open_files: table.count("open_files"),
        output: table.size("output"),
    }
}

fn environment(reading: &Reading<'_>, table: &Table<'_>) -> Environment {
    let mut inherited: Vec<_> = INHERITED.iter().map(|name| (*name).to_owned()).collect();
    for name in table.texts("inherit_env") {
        variable_name(reading, &name);
        let (text, at) = (*name.get_ref(), name.span());
        if is_ours(text) {
            reading.warn(
                &at,
                format!(
                    "`{text}` is a secret or a setting of the server, and the program would get it"
                ),
                "remove it, unless the program is the server's keeper",
            );
        }
        if !inherited.iter().any(|known| known == text) {
            inherited.push(text.to_owned());
        }
    }
    let mut set = BTreeMap::new();
    for (name, value) in table.pairs("env") {
        variable_name(reading, &name);
        if is_ours(name.get_ref()) {
            reading.fault(
                &name.span(),
                format!("`{}` is a name of the server's own", name.get_ref()),
                "give the variable another name",
            );
        }
        if value.get_ref().contains('\0') {
            reading.secret_fault(
                &value.span(),
                "the value holds NUL",
                "remove it; no program can get it",
            );
        }
        let Some(filled) = filled(reading, &value) else {
            continue;
        };
        if filled.is_clear && is_secret_name(name.get_ref()) && !value.get_ref().is_empty() {
            clear(reading, name.get_ref(), &value.span(), APART);
        }
        set.insert((*name.get_ref()).to_owned(), filled.text);
    }
    Environment { inherited, set }
}

/// How a secret is kept out of the file.
pub(super) const APART: &str =
    "put it into `.env` or the environment under a name, and write ${NAME} in its place";

/// Warns of a secret that stands in the file itself.
pub(super) fn clear(reading: &Reading<'_>, name: &str, at: &Range<usize>, hint: &str) {
    reading.secret_warn(
        at,
        format!("`{name}` looks like a secret, and stands in the file for whoever reads it"),
        hint,
    );
}

/// Whether a variable or header of this name usually holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_uppercase().replace('-', "_");
    name.split('_').any(|word| {
        matches!(
            word,
            "APIKEY"
                | "AUTHORIZATION"
                | "COOKIE"
                | "CREDENTIALS"
                | "KEY"
                | "PASSWD"
                | "PASSWORD"
                | "SECRET"
                | "TOKEN"
        )
    })
}

/// Whether a variable belongs to the server.
fn is_ours(name: &str) -> bool {
    name.starts_with("FARCALL_") || name == crate::variables::MCP_BEARER_TOKEN.name
}

fn variable_name(reading: &Reading<'_>, name: &Spanned<&str>) {
    let text = *name.get_ref();
    if !is_name(text) {
        reading.fault(
            &name.span(),
            format!("`{}` is no name of a variable", text.escape_debug()),
            "use letters, digits and `_`, no digit first",
        );
    }
}
