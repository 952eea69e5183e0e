//! What went wrong elsewhere and concerns programs, each test by the name under which it is known.
//!
//! Three more have theirs elsewhere: processes that nobody reaped when clients went away (supergateway #108, #141,
//! #151, #160) in `tests/storms/disconnects.rs`, a sandbox that was the language's (CVE-2026-53710) in `place.rs`, and
//! arguments that went unescaped (CVE-2026-29791) by the hundred in `hostile.rs`.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    time::Instant,
};

use serde_json::json;

use crate::harness::Project;

/// A tool that prints the file that it is given, and one that is a real program with dangerous options.
const TOML: &str = r#"
[tool.show]
description = "Print a file."
command = ["cat", "--", "{file}"]
params.file = { type = "file", root = "videos", description = "A file." }

[tool.log]
description = "Say what changed."
command = ["git", "log", "{since}"]
params.since = { type = "string", description = "A revision." }

[tool.diff]
description = "Say what differs."
command = ["git", "diff", "--no-index", "--", "{one}", "/dev/null"]
params.one = { type = "string", description = "A path." }
"#;

fn project() -> Project {
    let project = Project::new(TOML);
    for folder in ["videos", "videos-evil"] {
        fs::create_dir(project.path(folder)).unwrap();
        fs::write(project.path(folder).join("a.txt"), folder).unwrap();
    }
    project
}

/// Argument injection in mcp-server-git: a value that is an option of the program writes, or runs, what it
/// likes.
#[tokio::test]
async fn cve_2025_68143_68144_and_2026_27735_a_value_is_no_option() {
    let project = project();
    let server = project.serve().await;
    let out = project.path("written");
    for option in [
        format!("--output={}", out.display()),
        format!("-O{}", out.display()),
        "--ext-diff".to_owned(),
        "--upload-pack=touch written".to_owned(),
        "-c core.pager=id".to_owned(),
    ] {
        let (error, _) = server.call("log", json!({"since": option})).await.failure();
        assert!(error.contains("begins with `-`"), "{error}");
        // Behind `--` it is a name, of a file that is not there.
        let (error, _) = server.call("diff", json!({"one": option})).await.failure();
        assert!(error.contains("Could not access"), "{error}");
    }
    assert!(!out.exists());
}

/// Path escape in mcp-server-git and in the filesystem server.
#[tokio::test]
async fn cve_2025_68145_and_53109_no_path_and_no_link_leads_out() {
    let project = project();
    symlink("../videos-evil/a.txt", project.path("videos/link")).unwrap();
    symlink("../videos-evil", project.path("videos/folder")).unwrap();
    let server = project.serve().await;
    for name in [
        "../videos-evil/a.txt",
        "link",
        "folder/a.txt",
        "/etc/passwd",
        "./../farcall.toml",
    ] {
        let (error, code) = server.call("show", json!({"file": name})).await.failure();
        assert_eq!(code, "user_error", "{name}: {error}");
    }
    assert_eq!(
        server.call("show", json!({"file": "a.txt"})).await.text,
        "videos"
    );
}

/// The filesystem server took `/root-evil` for a part of `/root`, because it begins so.
#[tokio::test]
async fn cve_2025_53110_a_folder_whose_name_goes_on_is_another_one() {
    let project = project();
    let server = project.serve().await;
    let evil = project.path("videos-evil/a.txt");
    for name in [
        "../videos-evil/a.txt",
        "-evil/a.txt",
        evil.to_str().unwrap(),
    ] {
        let (error, code) = server.call("show", json!({"file": name})).await.failure();
        assert_eq!(code, "user_error", "{name}: {error}");
    }
}

/// A link that is put into the place of the file between the look at it and its use: at each of many
/// moments from before the call to after it.
#[tokio::test]
async fn cve_2025_53109_a_link_that_is_swapped_in_shows_nothing_of_what_it_leads_to() {
    let elsewhere = tempfile::tempdir().unwrap();
    let secret = elsewhere.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let project = project();
    let server = project.serve().await;
    let file = project.path("videos/a.txt");
    let beside = project.path("videos/a.new");
    fs::write(&file, "videos").unwrap();
    let begun = Instant::now();
    server.call("show", json!({"file": "a.txt"})).await;
    // From before the call to after it, however long it takes here.
    let pause = begun.elapsed() * 2 / 150;
    let (mut seen, mut refused) = (0, 0);
    for round in 0..150 {
        fs::write(&beside, "videos").unwrap();
        fs::rename(&beside, &file).unwrap();
        let swap = async {
            tokio::time::sleep(pause * round).await;
            symlink(&secret, &beside).unwrap();
            fs::rename(&beside, &file).unwrap();
        };
        let call = server.call("show", json!({"file": "a.txt"}));
        let ((), answer) = tokio::join!(swap, call);
        if answer.is_error {
            assert!(!answer.text.contains("secret"), "{}", answer.text);
            refused += 1;
        } else {
            assert_eq!(answer.text, "videos");
            seen += 1;
        }
    }
    // Else it was always too early, or too late.
    assert!(seen > 5 && refused > 5, "{seen} seen, {refused} refused");
}

/// FastMCP wrote names and values into a line for a shell.
#[tokio::test]
async fn cve_2025_64340_no_shell_sees_a_name_or_a_value() {
    for name in ["a; touch x", "$(id)", "a b", "`id`", "a\\nb"] {
        let toml = format!("[tool.\"{name}\"]\ndescription = \"X.\"\ncommand = [\"echo\"]\n");
        let (status, said) = Project::new(&toml).refused().await;
        assert!(
            status == 2 && said.contains("farcall.toml:1:"),
            "{name}: {said}"
        );
    }
    let project = Project::new(
        "[tool.say]\ndescription = \"Say it.\"\ncommand = [\"echo\", \"{x}\"]\nparams.x = { type = \"string\", description = \"What.\" }\n",
    );
    let server = project.serve().await;
    for value in [
        "$(touch x)",
        "; touch x",
        "`touch x`",
        "a\ntouch x",
        "| tee x",
        "> x",
    ] {
        let answer = server.call("say", json!({"x": value})).await;
        assert_eq!(answer.text, format!("{value}\n"));
    }
    assert!(!project.path("x").exists());
}

/// Whoever writes the configuration of a stdio server runs commands, by design: so nobody else may
/// write it, and no call can.
#[tokio::test]
async fn cve_2026_30623_a_file_that_somebody_else_can_write_is_not_served() {
    let toml = "[tool.say]\ndescription = \"Say it.\"\ncommand = [\"echo\"]\n";
    let project = Project::new(toml);
    let file = project.path("farcall.toml");
    let may = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    may(&file, 0o646).unwrap();
    let (status, said) = project.refused().await;
    assert!(
        status == 2 && said.contains("can be written by every user"),
        "{said}"
    );
    may(&file, 0o644).unwrap();
    may(&project.path(""), 0o777).unwrap();
    let (status, said) = project.refused().await;
    assert!(
        status == 2 && said.contains("the folder of the file"),
        "{said}"
    );
    may(&project.path(""), 0o755).unwrap();
    let server = project.serve().await;
    let names: Vec<_> = server
        .tools()
        .await
        .iter()
        .map(|tool| tool["name"].clone())
        .collect();
    assert_eq!(names, ["say"], "nothing that would add a command");
}

/// The Inspector's proxy listened without asking who is there; between the server and its shims there is
/// nothing to connect to.
#[tokio::test]
async fn cve_2025_49596_a_shim_listens_nowhere() {
    let (project, _out) = crate::jobs::act();
    let server = project.serve().await;
    let id = server
        .start("act", json!({"actions": ["say={\"stage\":2}", "wait"]}))
        .await;
    server
        .status_when("act", &id, |status| status["stage"] == 2)
        .await;
    let shims = children(server.process());
    assert_eq!(shims.len(), 1);
    let unix = fs::read_to_string("/proc/net/unix").unwrap();
    let mut sockets = 0;
    for descriptor in fs::read_dir(format!("/proc/{}/fd", shims[0])).unwrap() {
        let target = fs::read_link(descriptor.unwrap().path()).unwrap();
        let Some(inode) = target.to_str().unwrap().strip_prefix("socket:[") else {
            continue;
        };
        let inode = inode.trim_end_matches(']');
        let line = unix
            .lines()
            .find(|line| line.split_whitespace().nth(6) == Some(inode));
        let fields: Vec<_> = line
            .expect("no socket of the network")
            .split_whitespace()
            .collect();
        assert_eq!(fields.len(), 7, "it has a name: {fields:?}");
        // `__SO_ACCEPTCON`.
        assert_eq!(u32::from_str_radix(fields[3], 16).unwrap() & 0x1_0000, 0);
        sockets += 1;
    }
    assert!(sockets > 0);
}

fn children(process: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let parent = format!("PPid:\t{process}");
    let is_child = |number: &u32| {
        let status = fs::read_to_string(format!("/proc/{number}/status")).unwrap_or_default();
        status.lines().any(|line| line == parent)
    };
    numbers.filter(is_child).collect()
}
