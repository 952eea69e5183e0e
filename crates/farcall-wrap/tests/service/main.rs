//! HTTP services as their callers and their servers see them.

#![expect(clippy::unwrap_used, reason = "these are tests")]

mod answers;
mod declare;
mod host;
mod openapi;
mod probe;
mod requests;
mod upstream;
