//! HTTP services as their callers and their servers see them.

mod advisories;
mod answers;
mod corpus;
mod declare;
mod host;
mod openapi;
mod probe;
mod requests;
mod upstream;
