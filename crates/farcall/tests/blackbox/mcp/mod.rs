//! The protocol.

mod arguments;
mod bodies;
mod completion;
mod eras;
mod late;
mod listen;
mod output;
mod plain;
mod progress;
mod prompts;
mod questions;
mod requests;
mod resources;
mod tools;
mod traces;
