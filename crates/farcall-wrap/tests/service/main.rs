//! HTTP services as their callers and their servers see them.

mod answers;
mod declare;
mod host;
mod openapi;
mod probe;
mod requests;
mod upstream;
