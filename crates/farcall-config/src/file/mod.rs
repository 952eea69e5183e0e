//! `farcall.toml`: other people's code, declared as tools and jobs.
//!
//! A [`Project`] is a file that was read and found to be without faults. What it says is data
//! only; `farcall-wrap` makes tools and jobs of it.

mod command;
mod entry;
mod finding;
pub mod grammar;
mod hidden;
mod mount;
mod nearest;
mod parameter;
mod read;
mod schema;
mod service;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

pub(crate) use self::read::read_bytes;
pub use self::{
    command::{Command, Element, Environment, Isolation, Limits, Piece, Sandbox, Stdin},
    entry::{Body, Entry, JobEntry, Output, Preset, ProgressPattern, ToolEntry},
    finding::{FileFaults, Finding, Place},
    hidden::{hidden_within, is_hidden},
    mount::{Mount, MountedJob, MountedTool, is_runner},
    parameter::{Format, Kind, Parameter, Presence},
    read::{is_secret_name, setting_of},
    schema::schema,
    service::{Method, OpenApi, Request, Service, Upstream, is_own_header},
};
use crate::{Source, variables::Variable};

/// The whole file: where everything that it can say begins.
pub fn grammar() -> &'static grammar::Section {
    &read::FILE
}

/// A `farcall.toml` without faults.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder that the file is in; relative paths in it begin here.
    pub folder: PathBuf,
    /// What the server is called.
    pub server: Server,
    /// What it says in the place of variables; [`Source::set_file`](crate::Source::set_file) takes it.
    pub settings: Settings,
    /// Tools and jobs, in the order of the file.
    pub entries: Vec<Entry>,
    /// HTTP services by name.
    pub services: BTreeMap<String, Service>,
    /// Existing MCP servers, in the order of the file.
    pub mounts: Vec<Mount>,
}

/// What a file says in the place of variables.
#[derive(Clone, Debug, Default)]
pub struct Settings(pub(crate) Vec<(Variable, SecretString)>);

impl Project {
    /// Reads the file at `path`; programs, scripts, folders and variables that it names must be there.
    /// Beside it stands what its author may not have meant.
    ///
    /// # Errors
    /// Everything that is wrong with it, in one report. A file that others than the user who runs this,
    /// and root, can write is refused: whoever writes it runs programs.
    pub fn read(path: &Path, source: &Source) -> Result<(Self, Vec<Finding>), FileFaults> {
        read::read(path, source)
    }

    /// A project in `folder` that is nothing but the MCP server that `command` starts, as a file with one
    /// mount would be, only [lenient](Mount::is_lenient). `sandbox` is a word that the key of this name
    /// takes; without one, what [fetches](is_runner) its program is not kept in its place.
    ///
    /// # Errors
    /// What is wrong with the command.
    pub fn of_command(
        command: &[String],
        sandbox: Option<&str>,
        folder: &Path,
        source: &Source,
    ) -> Result<Self, Vec<Finding>> {
        read::of_command(command, sandbox, folder, source)
    }
}

/// What the server tells about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name; the folder's where the file says nothing.
    pub name: String,
    /// Its version, for clients.
    pub version: String,
    /// A name for people.
    pub title: Option<String>,
    /// What an agent should know before it calls anything.
    pub instructions: Option<String>,
}
