//! Programs as tools and jobs.
//!
//! A call goes from [`Parameters`](crate::parameter) to the [`template`], which makes arguments of
//! values; then the program runs as a [`Child`](crate::child::Child) until it ends or nobody wants
//! it any more, and [`output`](crate::output) makes an answer of what it printed.

pub(crate) mod artifacts;
pub(crate) mod environment;
mod folder;
mod follow;
mod job;
mod pipe;
mod run;
pub mod template;
mod tool;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use farcall_config::file::{Command, Kind, Output, Parameter};
use tokio::time::Instant;

use self::template::Template;
pub(crate) use self::{folder::RunFolder, job::hurry, run::until_it_ended};
pub use self::{folder::remove_left_overs, job::job, tool::tool};
use crate::{child::ChildSpec, output::Printed, parameter::Parameters};

/// A program with what callers may say to it and what becomes of what it prints.
struct Wrapped {
    command: Command,
    parameters: Parameters,
    template: Template,
    printed: Printed,
    /// What it may read besides its own folder: the project's folder, those of its files, and what the
    /// declaration names.
    readable: Vec<PathBuf>,
    /// What is the server's own.
    withheld: Vec<PathBuf>,
}

/// A project as its programs find it.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The folder of its `farcall.toml`.
    pub folder: &'a Path,
    /// Files and folders of the server's own, wherever they are: no program reaches them.
    pub withheld: &'a [PathBuf],
}

impl Wrapped {
    /// The program of a project.
    ///
    /// # Errors
    /// A sentence about what in the declaration could not work.
    fn new(
        command: &Command,
        parameters: &[Parameter],
        output: &Output,
        surroundings: Surroundings<'_>,
    ) -> Result<Self, String> {
        let roots = parameters
            .iter()
            .filter_map(|parameter| root(&parameter.kind));
        let named = command.readable.iter().map(PathBuf::as_path);
        let readable = [surroundings.folder].into_iter().chain(roots).chain(named);
        let readable = readable.map(Path::to_owned).collect();
        let parameters = Parameters::new(parameters);
        Ok(Self {
            template: Template::new(&command.arguments, &parameters)?,
            printed: Printed::new(output)
                .map_err(|fault| format!("the output schema is invalid {fault}"))?,
            command: command.clone(),
            parameters,
            readable,
            withheld: surroundings.withheld.to_vec(),
        })
    }

    /// What the shim is told: the program runs in `folder`, unless its declaration names another one.
    fn spec(
        &self,
        arguments: Vec<OsString>,
        environment: BTreeMap<OsString, OsString>,
        folder: &Path,
        until: Option<Instant>,
    ) -> ChildSpec {
        let working_dir = self.command.working_dir.as_deref();
        let mut writable = vec![folder.to_owned()];
        writable.extend(self.command.writable.iter().cloned());
        ChildSpec {
            program: self.command.program.clone(),
            arguments,
            environment,
            working_dir: working_dir.unwrap_or(folder).to_owned(),
            readable: self.readable.clone(),
            writable,
            withheld: self.withheld.clone(),
            has_stdin: self.command.stdin == farcall_config::file::Stdin::Json,
            limits: self.command.limits.clone(),
            sandbox: self.command.sandbox,
            grace: self.command.grace,
            until,
        }
    }
}

/// The folder of the files that a parameter takes.
fn root(kind: &Kind) -> Option<&Path> {
    match kind {
        Kind::File { root } => Some(root),
        Kind::Array { items, .. } => root(items),
        _ => None,
    }
}
