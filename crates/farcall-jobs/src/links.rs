//! Where callers fetch files.

use std::sync::Arc;

use farcall_core::id::JobId;

/// Makes the URLs of files from the server's public address.
#[derive(Clone, Debug)]
pub struct Links(Arc<str>);

impl Links {
    /// URLs below `public_base_url`, which has no path and no slash at its end.
    pub fn new(public_base_url: impl Into<Arc<str>>) -> Self {
        Self(public_base_url.into())
    }

    /// The URL of a job's primary file.
    pub fn primary(&self, job: JobId) -> String {
        format!("{}/files/{job}", self.0)
    }

    /// The URL of one of a job's files; its name needs no escaping.
    pub fn file(&self, job: JobId, name: &str) -> String {
        format!("{}/files/{job}/{name}", self.0)
    }
}
