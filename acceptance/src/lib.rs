//! What the tests of whole servers have in common: a process to start and to kill, a client
//! without any SDK, and a look at what lies in the data folder.

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "these are tests, and a panic is how they fail"
)]

pub mod bakery;
pub mod data;
pub mod disk;
pub mod fixture;
pub mod gate;
pub mod kills;
pub mod mcp;
pub mod onlooker;
pub mod oven;
pub mod process;
pub mod server;
pub mod wait;

pub use self::{
    data::DataFolder,
    gate::Gate,
    mcp::McpClient,
    process::{Ended, Process},
    server::{Launch, Server},
};

use sha2::{Digest, Sha256};

/// A folder that goes away, beside the build rather than in `/tmp`, which may be no disk at all.
pub fn scratch(target_tmp: &str) -> tempfile::TempDir {
    tempfile::TempDir::new_in(target_tmp).unwrap()
}

/// The checksum of `bytes`, hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    farcall_core::artifact::hexadecimal(&Sha256::digest(bytes))
}
