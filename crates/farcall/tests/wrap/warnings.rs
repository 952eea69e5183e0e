//! What a server warns of when it starts.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
};

use rustix::process::Signal;

use crate::harness::{Project, Server, until};

const TOML: &str = "[job.hello]\ndescription = \"Greet.\"\ncommand = [\"echo\", \"hello\"]\n";
const SECRET: &str = "MCP_BEARER_TOKEN=0123456789abcdef0123456789abcdef\n";

/// All that a server says until it is told to stop.
async fn talk(server: Server) -> String {
    server.signal(Signal::TERM);
    let said = until("its farewell", async || {
        let talk = server.talk();
        talk.contains("stopping; ").then_some(talk)
    });
    let said = said.await;
    // The next one may have its folder.
    drop(server);
    said
}

fn put(project: &Project, env: &str, mode: u32) {
    fs::write(project.path(".env"), env).unwrap();
    chmod(project, ".env", mode);
}

fn chmod(project: &Project, name: &str, mode: u32) {
    fs::set_permissions(project.path(name), Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn what_others_of_the_machine_may_read_is_told_at_the_start() {
    let project = Project::new(TOML);
    fs::create_dir(project.path(".farcall")).unwrap();
    chmod(&project, ".farcall", 0o755);
    put(&project, SECRET, 0o640);
    let said = talk(project.serve().await).await;
    for warning in [
        "the data folder `.farcall` has mode 0755",
        "chmod 700 '.farcall'",
        "`.env` has mode 0640",
        "chmod 600 .env",
    ] {
        assert!(said.contains(warning), "{warning}: {said}");
    }
    assert!(!said.contains("0123456789abcdef"), "{said}");

    chmod(&project, ".farcall", 0o700);
    put(&project, "AWS_SECRET_ACCESS_KEY=0123456789abcdef\n", 0o644);
    let said = talk(project.serve().await).await;
    assert!(said.contains("chmod 600 .env"), "{said}");
    for (env, mode) in [
        (SECRET, 0o600),
        ("# MCP_BEARER_TOKEN=\n", 0o644),
        ("PUBLIC_BASE_URL=http://127.0.0.1:8900\n", 0o644),
    ] {
        put(&project, env, mode);
        let said = talk(project.serve().await).await;
        assert!(!said.contains("chmod"), "{said}");
    }
}

#[tokio::test]
async fn a_server_that_asks_nobody_and_has_a_public_url_says_so() {
    const CHECKS_NOBODY: &str =
        "this process checks nobody; whatever forwards the public URL to it must";
    let project = Project::new(TOML).with("PUBLIC_BASE_URL", "https://farm.example.com");
    let said = talk(project.serve().await).await;
    assert!(said.contains(CHECKS_NOBODY), "{said}");
    let project = project.with("MCP_BEARER_TOKEN", "0123456789abcdef0123456789abcdef");
    let said = talk(project.serve().await).await;
    assert!(!said.contains(CHECKS_NOBODY), "{said}");
}
