//! `farcall.toml`: other people's code, declared as tools and jobs.
//!
//! A [`Project`] is a file that was read and found to be without faults. What it says is data
//! only; `farcall-wrap` makes tools and jobs of it.

mod command;
mod entry;
mod mount;
mod parameter;
mod service;

use std::{collections::BTreeMap, path::PathBuf};

pub use self::{
    command::{Command, Element, Environment, Isolation, Limits, Piece, Sandbox, Stdin},
    entry::{Body, Entry, JobEntry, Output, Preset, ProgressPattern, ToolEntry},
    mount::{Mount, MountedJob, MountedTool},
    parameter::{Format, Kind, Parameter, Presence},
    service::{Method, OpenApi, Request, Service, Upstream},
};

/// A `farcall.toml` without faults.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder that the file is in; relative paths in it begin here.
    pub folder: PathBuf,
    /// What the server is called.
    pub server: Server,
    /// Tools and jobs, in the order of the file.
    pub entries: Vec<Entry>,
    /// HTTP services by name.
    pub services: BTreeMap<String, Service>,
    /// Existing MCP servers, in the order of the file.
    pub mounts: Vec<Mount>,
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
