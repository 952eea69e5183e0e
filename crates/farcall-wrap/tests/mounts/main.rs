//! Mounted MCP servers: what becomes of their answers, of their starts and of their jobs.
//!
//! The server is a real one (`server.py`); a job's lease is what a test says.

#![expect(clippy::unwrap_used, reason = "these are tests")]

mod answers;
mod harness;
mod host;
mod jobs;
mod pools;
