//! The composition root: the one place that knows every concrete type.
//!
//! [`App`] is what a program offers. [`App::run`] reads the command line and runs one of the
//! [`verbs`]; a program of a user and the `farcall` binary run the same code.

mod app;
mod attach;
mod bar;
pub mod client;
pub mod command;
mod exit;
mod logging;
mod mounts;
mod offer;
mod project;
mod routes;
mod running;
mod spans;
mod subject;
mod table;
mod terminal;
pub mod verbs;
mod withheld;
mod words;

pub use self::{
    app::App,
    exit::{Exit, Failure},
    running::{Ready, Running},
};
