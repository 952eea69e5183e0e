//! The stores from outside: the suite of every backend, what is special about files and about a
//! server, crashes, and a model that random commands are held against.

#![expect(clippy::unwrap_used, reason = "these are tests")]

mod copy;
#[cfg(debug_assertions)]
mod crash;
mod lives;
mod memory;
mod migrations;
mod model;
#[cfg(feature = "postgres-tests")]
mod pg;
mod polls;
#[cfg(feature = "postgres-tests")]
mod postgres;
mod sqlite;
mod suite;
