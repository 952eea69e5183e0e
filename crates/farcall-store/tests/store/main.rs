//! The SQLite store from outside: the suite of every backend, what is special about files,
//! crashes, and a model that random commands are held against.

#![expect(clippy::unwrap_used, reason = "these are tests")]

#[cfg(debug_assertions)]
mod crash;
mod lives;
mod memory;
mod migrations;
mod model;
mod sqlite;
mod suite;
