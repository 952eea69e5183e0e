//! One line for each call.

mod file;
mod refused;
mod said;

use std::{
    fs,
    path::{Path, PathBuf},
};

use farcall::Value;
use tempfile::TempDir;

use crate::{
    harness::{Server, Setup, pace, soon},
    offers::{Callers, tools_and_jobs},
};

/// A server with an audit log.
struct Audited {
    server: Server,
    log: PathBuf,
    _folder: TempDir,
}

impl Audited {
    async fn new(change: impl FnOnce(Setup) -> Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("audit.jsonl");
        let app = tools_and_jobs().token_verifier(Callers);
        let setup = Setup::new(app).with("FARCALL_AUDIT", log.to_str().unwrap());
        Self {
            server: change(setup).start().await,
            log,
            _folder: folder,
        }
    }

    /// The lines of one caller, once there are so many.
    async fn lines_of(&self, caller: &str, count: usize) -> Vec<Value> {
        soon(async {
            let mut enough = count;
            loop {
                let mut lines = self.lines(enough).await;
                enough = lines.len();
                lines.retain(|line| line["caller"] == caller);
                if lines.len() >= count {
                    return lines;
                }
                pace().await;
            }
        })
        .await
    }

    /// The first lines, once there are so many.
    async fn lines(&self, count: usize) -> Vec<Value> {
        lines(&self.log, count).await
    }
}

async fn lines(log: &Path, count: usize) -> Vec<Value> {
    soon(async {
        loop {
            let text = fs::read_to_string(log).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            if lines.len() >= count && text.ends_with('\n') {
                let parsed = lines.iter().map(|line| serde_json::from_str(line).unwrap());
                return parsed.collect();
            }
            pace().await;
        }
    })
    .await
}
