//! What `deploy` writes, as the programs read it that it is written for: systemd with a user manager, Caddy and nginx in
//! front of the example server, compose, and a strict reading of what cloudflared documents.

mod compose;
mod front;
mod image;
mod proxies;
mod tunnel;
mod units;

use std::{fs, path::Path};

use farcall_acceptance::{Ended, Process};

use crate::peer::{binary, repository};

/// The files that the example carries.
const EXAMPLE: &str = "examples/example-mcp-server";

/// Where Debian keeps what is here, also where an ordinary user's PATH does not look.
const PATH: &str = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";

/// Runs a program to its end, with nothing in its environment but these.
async fn run(
    program: impl AsRef<std::ffi::OsStr>,
    folder: &Path,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Ended {
    let mut command = std::process::Command::new(program);
    command
        .current_dir(folder)
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .envs(environment.iter().copied());
    Process::spawn(&mut command)
        .end(std::time::Duration::from_mins(10))
        .await
}

/// The same, which has to work; what it printed.
async fn content(
    program: impl AsRef<std::ffi::OsStr>,
    folder: &Path,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> String {
    let ended = run(program, folder, arguments, environment).await;
    assert_eq!(
        ended.code,
        Some(0),
        "{arguments:?}:\n{}{}",
        ended.stdout,
        ended.stderr
    );
    ended.stdout
}

/// `deploy` of the program `name`, in `folder`.
async fn deploy(name: &str, folder: &Path, words: &[&str]) -> String {
    let home = folder.parent().unwrap().to_str().unwrap().to_owned();
    content(
        binary(name),
        folder,
        &[&["deploy"][..], words].concat(),
        &[("HOME", home.as_str())],
    )
    .await
}

#[tokio::test]
async fn the_examples_files_are_what_its_program_writes() {
    // Somebody has the repository in their home.
    let folder = farcall_acceptance::scratch(env!("CARGO_TARGET_TMPDIR"));
    let home = folder.path().to_str().unwrap();
    let program = binary("example-mcp-server");
    let place = folder.path().join("farcall").join(EXAMPLE);
    fs::create_dir_all(&place).unwrap();
    fs::write(
        place.join(".env"),
        "PUBLIC_BASE_URL=https://example-mcp.example.com\n",
    )
    .unwrap();
    for words in [
        &["systemd"][..],
        &["cloudflared", "--zone", "example.com"],
        &["caddy"],
        &["nginx"],
    ] {
        let words = [&["deploy"][..], words].concat();
        for file in content(&program, &place, &words, &[("HOME", home)])
            .await
            .lines()
        {
            let shown = |path: &Path| fs::read_to_string(path.join(file)).unwrap();
            let written = shown(&place).replace(home, "/home/<user>").replace(
                program.to_str().unwrap(),
                "%h/farcall/target/release/example-mcp-server",
            );
            assert_eq!(written, shown(&repository().join(EXAMPLE)), "{file}");
        }
    }
}

#[tokio::test]
async fn in_a_workspace_what_stays_out_is_said_where_docker_looks_for_it() {
    let folder = farcall_acceptance::scratch(env!("CARGO_TARGET_TMPDIR"));
    let place = folder.path().join("examples/server");
    fs::create_dir_all(&place).unwrap();
    fs::write(folder.path().join("Cargo.lock"), "").unwrap();
    fs::write(place.join("Cargo.toml"), "[package]\nname = \"server\"\n").unwrap();
    let written = deploy("example-mcp-server", &place, &["docker"]).await;
    assert_eq!(
        written,
        "Dockerfile\n.dockerignore\nDockerfile.dockerignore\n"
    );
    let read = |file: &str| fs::read_to_string(place.join(file)).unwrap();
    for (file, of_package) in [(".dockerignore", false), ("Dockerfile.dockerignore", true)] {
        let says = read(file)
            .lines()
            .any(|line| line == "examples/server/target");
        assert_eq!(says, of_package, "{file}");
    }
}

#[tokio::test]
async fn a_dependency_that_no_image_has_is_warned_of() {
    let folder = farcall_acceptance::scratch(env!("CARGO_TARGET_TMPDIR"));
    let place = folder.path().join("notes");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("Cargo.lock"), "").unwrap();
    for (dependency, is_warned) in [("\"1\"", false), ("{ path = \"../farcall\" }", true)] {
        let manifest =
            format!("[package]\nname = \"notes\"\n[dependencies]\nfarcall = {dependency}\n");
        fs::write(place.join("Cargo.toml"), manifest).unwrap();
        for words in ["docker", "compose"] {
            let words = ["deploy", words, "--force"];
            let ended = run(binary("example-mcp-server"), &place, &words, &[]).await;
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
            let warning = "warning: the image is built without the dependency at `../farcall`, which is outside";
            assert_eq!(
                ended.stderr.contains(warning),
                is_warned,
                "{}",
                ended.stderr
            );
        }
        // It is built in its own folder.
        assert!(!place.join("Dockerfile.dockerignore").exists());
        let dockerfile = fs::read_to_string(place.join("Dockerfile")).unwrap();
        assert!(
            dockerfile.contains("#   docker build -t example-mcp .\n"),
            "{dockerfile}"
        );
    }
}
