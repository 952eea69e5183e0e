//! Reads a `farcall.toml`, a section a file.
//!
//! The text is parsed into a tree that knows the place of every key and value. A [`Table`] hands out
//! what its [`Section`] lists, and notes what does not fit. Nothing stops at the first fault: a reader
//! returns `None` for what it could not make, and whoever asked goes on.

mod command;
mod danger;
mod entry;
mod mount;
mod options;
mod output;
mod parameter;
mod program;
mod request;
mod server;
mod service;
mod table;
mod template;
mod trust;
mod value;

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashSet},
    ops::Range,
    path::{Path, PathBuf},
};

use toml::{Spanned, de::DeTable};

use self::table::Table;
pub use self::{command::is_secret_name, server::setting_of};
use super::{
    Entry, Project, Service,
    finding::{FileFaults, Finding, place},
    grammar::{Key, Section, Shape},
    is_runner,
};
use crate::Source;

/// The whole file.
pub(super) static FILE: Section = Section {
    name: "farcall.toml",
    about: "The whole file.",
    groups: &[&[
        Key::optional(
            "server",
            Shape::Section(&server::SERVER),
            server::SERVER.about,
        ),
        Key::optional(
            "tool",
            Shape::Map(&Shape::Section(&entry::TOOL)),
            "Tools by their names: each answers within its call.",
        ),
        Key::optional(
            "job",
            Shape::Map(&Shape::Section(&entry::JOB)),
            "Jobs by their names: each is started, polled, and leaves files.",
        ),
        Key::optional(
            "service",
            Shape::Map(&Shape::Section(&service::SERVICE)),
            "HTTP services by names of your choice.",
        ),
        Key::optional(
            "mount",
            Shape::Map(&Shape::Section(&mount::MOUNT)),
            "Existing MCP servers by names of your choice.",
        ),
    ]],
};

/// The largest file that is read (1 MiB).
const LARGEST: u64 = 1 << 20;

/// How many faults are kept, and how many warnings: more than anybody reads at once.
const MOST: usize = 1_000;

/// What every section needs while it is read.
struct Reading<'a> {
    /// The text of the file.
    text: &'a str,
    /// The absolute folder of the file.
    folder: &'a Path,
    /// The environment and `.env`.
    source: &'a Source,
    faults: RefCell<Vec<Finding>>,
    warnings: RefCell<Vec<Finding>>,
    /// Every key that was asked for, with its section: what the grammar lists and nobody reads would
    /// be ignored in silence.
    #[cfg(test)]
    asked: RefCell<std::collections::BTreeSet<(&'static str, String)>>,
}

impl<'a> Reading<'a> {
    fn new(text: &'a str, folder: &'a Path, source: &'a Source) -> Self {
        Self {
            text,
            folder,
            source,
            faults: RefCell::default(),
            warnings: RefCell::default(),
            #[cfg(test)]
            asked: RefCell::default(),
        }
    }

    /// Something is wrong.
    fn fault(&self, at: &Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.note(&self.faults, at, false, message.into(), hint.into());
    }

    /// Something is wrong with a value that may hold a secret: its line is not shown.
    fn secret_fault(&self, at: &Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.note(&self.faults, at, true, message.into(), hint.into());
    }

    /// Something may not be meant.
    fn warn(&self, at: &Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.note(&self.warnings, at, false, message.into(), hint.into());
    }

    /// The same of a value that may hold a secret.
    fn secret_warn(&self, at: &Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.note(&self.warnings, at, true, message.into(), hint.into());
    }

    /// Whether no more faults are kept.
    fn has_enough(&self) -> bool {
        self.faults.borrow().len() >= MOST
    }

    fn note(
        &self,
        findings: &RefCell<Vec<Finding>>,
        at: &Range<usize>,
        is_secret: bool,
        message: String,
        hint: String,
    ) {
        let mut findings = findings.borrow_mut();
        if findings.len() < MOST {
            findings.push(Finding {
                place: Some(place(self.text, at, is_secret)),
                message,
                hint,
            });
        }
    }

    /// `path` from the folder of the file.
    fn resolve(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }
}

/// Reads the file at `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn read(path: &Path, source: &Source) -> Result<(Project, Vec<Finding>), FileFaults> {
    let refused = |finding| FileFaults {
        path: path.to_owned(),
        faults: vec![finding],
        warnings: Vec::new(),
    };
    let bytes = trust::read(path, LARGEST).map_err(refused)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder
        .unwrap_or(Path::new("."))
        .canonicalize()
        .map_err(|error| {
            refused(Finding::of_file(
                format!("the folder of the file cannot be found: {error}"),
                "give the path of a file that is there",
            ))
        })?;
    read_bytes(&bytes, &folder, source).map_err(|(faults, warnings)| FileFaults {
        path: path.to_owned(),
        faults,
        warnings,
    })
}

/// A project of one mount.
pub(super) fn of_command(
    command: &[String],
    sandbox: Option<&str>,
    folder: &Path,
    source: &Source,
) -> Result<Project, Vec<Finding>> {
    let program = command.first().map(String::as_str).unwrap_or_default();
    let usual = if is_runner(program) { "off" } else { "default" };
    let sandbox = sandbox.unwrap_or(usual);
    // Texts of JSON are texts of TOML, too.
    let words: Vec<_> = command
        .iter()
        .map(|word| serde_json::Value::from(word.as_str()).to_string())
        .collect();
    let words = words.join(", ");
    let text = format!("[mount.server]\ncommand = [{words}]\nsandbox = \"{sandbox}\"\n");
    match read_bytes(text.as_bytes(), folder, source) {
        Ok((mut project, _)) => {
            for mount in &mut project.mounts {
                mount.is_lenient = true;
            }
            Ok(project)
        }
        Err((faults, _)) => Err(faults),
    }
}

/// Faults and warnings, each in the order of the file.
pub(crate) type Findings = (Vec<Finding>, Vec<Finding>);

/// Reads what stands in a file of this folder.
pub(crate) fn read_bytes(
    bytes: &[u8],
    folder: &Path,
    source: &Source,
) -> Result<(Project, Vec<Finding>), Findings> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let at = valid.len();
            let finding = Finding {
                place: Some(place(&valid, &(at..at), false)),
                message: "the file is no text in UTF-8 from here on".to_owned(),
                hint: "save it as UTF-8".to_owned(),
            };
            return Err((vec![finding], Vec::new()));
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let reading = Reading::new(text, folder, source);
    let project = reading.project();
    let (mut faults, mut warnings) = (reading.faults.take(), reading.warnings.take());
    let order = |finding: &Finding| {
        let place = finding.place.as_ref();
        place.map(|place| (place.line, place.column))
    };
    faults.sort_by_key(order);
    warnings.sort_by_key(order);
    match project {
        Some(project) if faults.is_empty() => Ok((project, warnings)),
        _ => Err((faults, warnings)),
    }
}

impl Reading<'_> {
    fn project(&self) -> Option<Project> {
        let (tree, errors) = DeTable::parse_recoverable(self.text);
        // The parser says some of them twice.
        let mut told = HashSet::new();
        for error in &errors {
            let at = error.span().unwrap_or_default();
            if told.insert((error.message(), at.clone())) {
                self.syntax(error.message(), &at);
            }
        }
        // What the parser made of a wrong text would only lead to faults that are none.
        if !errors.is_empty() {
            return None;
        }
        let root = Table::open(
            self,
            &FILE,
            "the file".to_owned(),
            tree.span(),
            tree.get_ref(),
        );
        let (server, settings) = server::read(self, root.table("server").as_ref(), self.folder);
        let services = service::read(self, root.tables("service"));
        let entries = self.entries(&root, &services);
        let mounts: Vec<_> = root
            .tables("mount")
            .into_iter()
            .filter_map(|(name, table)| mount::read(self, &name, &table))
            .collect();
        Some(Project {
            folder: self.folder.to_owned(),
            server,
            settings,
            entries,
            services: services
                .into_iter()
                .filter_map(|(name, service)| Some((name.to_owned(), service?)))
                .collect(),
            mounts,
        })
    }

    /// Tools and jobs in the order in which the file first names them.
    fn entries<'t>(
        &self,
        root: &Table<'t>,
        services: &BTreeMap<&'t str, Option<Service>>,
    ) -> Vec<Entry> {
        let mut declared: Vec<_> = [false, true]
            .into_iter()
            .flat_map(|is_job| {
                let key = if is_job { "job" } else { "tool" };
                let tables = root.tables(key).into_iter();
                tables.map(move |(name, table)| (is_job, name, table))
            })
            .collect();
        declared.sort_by_key(|(_, name, _)| name.span().start);
        entry::names(self, &declared);
        let read = |(is_job, name, table): (bool, Spanned<&'t str>, Table<'t>)| {
            if is_job {
                let job = entry::job(self, &name, &table, services);
                job.map(|job| Entry::Job(Box::new(job)))
            } else {
                entry::tool(self, &name, &table, services).map(|tool| Entry::Tool(Box::new(tool)))
            }
        };
        declared.into_iter().filter_map(read).collect()
    }

    /// An error of syntax, in our words where a common mistake is behind it.
    fn syntax(&self, message: &str, at: &Range<usize>) {
        let hint = if message.contains("duplicate key") {
            "remove one of the two, or join them"
        } else if message.contains("inline table") {
            "nothing is added to what stands in `{ … }`; write all of it there, or as `[tables]` with a line for each key"
        } else {
            "write TOML: `key = value`, texts in quotes, tables as `[name]`; https://toml.io shows all of it"
        };
        self.fault(at, format!("this is no TOML: {message}"), hint);
    }
}

#[cfg(test)]
mod tests;
