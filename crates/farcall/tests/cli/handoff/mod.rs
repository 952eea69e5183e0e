//! `handoff` prints one block of configuration for a client, and never a secret.

mod blocks;
mod elsewhere;
mod foreign;
mod refusals;

use std::fs;

use tempfile::TempDir;

use crate::harness::{Ended, Typed, farcall};

/// A `farcall.toml` with a tool and a job, of programs that every machine has.
const PROJECT: &str = r#"
[server]
name = "Render Farm"
version = "1.2.3"

[tool.welcome]
description = "Greet somebody."
command = ["sh", "-c", "echo hello"]

[job.render]
description = "Render a scene."
command = ["sh", "-c", "true"]
"#;

/// The secrets of the project.
const SECRET: &str = "a-token-for-tests-only";

/// A folder with a project in it.
struct Folder(TempDir);

impl Folder {
    fn new(env: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.put("farcall.toml", PROJECT);
        folder.put(".env", env);
        folder
    }

    /// With a public name, and a token.
    fn online() -> Self {
        Self::new(&format!(
            "PUBLIC_BASE_URL=https://render-farm.example.com\nMCP_BEARER_TOKEN={SECRET}\n"
        ))
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn typed(&self, words: &str) -> Typed {
        farcall(["handoff"])
            .arguments(&words.split_whitespace().collect::<Vec<_>>())
            .variable("PATH", "/usr/bin:/bin")
            .within(self.0.path())
    }

    /// `farcall handoff` with these words, which has to work.
    fn handoff(&self, words: &str) -> Ended {
        let ended = self.typed(words).ended();
        assert_eq!(ended.exit, 0, "{words}: {ended}");
        ended
    }
}
