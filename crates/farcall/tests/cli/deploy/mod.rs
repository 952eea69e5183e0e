//! `deploy` writes whole files from the configuration there is, replaces nothing unasked, and puts no secret into any
//! of them.

mod addresses;
mod containers;
mod files;
mod healthcheck;
mod names;
mod places;
mod projects;
mod refusals;
mod secrets;
mod tunnel;

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::harness::{Ended, Typed, farcall};

/// A `farcall.toml` with one program that every machine has.
const PROJECT: &str = r#"
[server]
name = "Render Farm"

[tool.welcome]
description = "Greet somebody."
command = ["sh", "-c", "echo hello"]
"#;

/// A home with a project in a folder `render-farm`.
struct Home(TempDir);

impl Home {
    fn new(env: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.folder()).unwrap();
        home.put("farcall.toml", PROJECT);
        home.put(".env", env);
        home
    }

    /// With a public name, and somebody who checks callers.
    fn online() -> Self {
        Self::new(
            "PUBLIC_BASE_URL=https://render-farm.example.com\nMCP_BEARER_TOKEN=a-token-for-tests-only\n\
             FARCALL_TRUSTED_PROXIES=127.0.0.1\n",
        )
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("render-farm")
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.folder().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        let path = self.folder().join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// `farcall deploy` with these words, as somebody types it in the folder.
    fn deploy(&self, words: &str) -> Ended {
        self.typed(words).ended()
    }

    fn typed(&self, words: &str) -> Typed {
        typed_in(&self.folder(), words).variable("HOME", self.0.path().to_str().unwrap())
    }

    /// The same, which has to work; what is printed.
    fn print(&self, words: &str) -> String {
        let ended = self.deploy(&format!("{words} --print"));
        assert_eq!(ended.exit, 0, "{ended}");
        ended.stdout
    }
}

fn typed_in(folder: &Path, words: &str) -> Typed {
    farcall(["deploy"])
        .arguments(&words.split_whitespace().collect::<Vec<_>>())
        .variable("PATH", "/usr/bin:/bin")
        .within(folder)
}

/// Every kind, with what it needs to be told.
const KINDS: [&str; 7] = [
    "systemd",
    "docker",
    "compose",
    "compose --replicas 2",
    "cloudflared --zone example.com",
    "caddy",
    "nginx",
];
