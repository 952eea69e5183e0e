//! What the files look like, and when they are written.

use std::{fmt::Write as _, fs, os::unix::fs::PermissionsExt as _, process::Command};

use super::{Home, KINDS};

/// Compares what a kind prints with what was reviewed.
fn shows(name: &str, words: &str) {
    let home = Home::online();
    let printed = home
        .print(words)
        .replace(env!("CARGO_BIN_EXE_farcall"), "/usr/local/bin/farcall")
        .replace(home.0.path().to_str().unwrap(), "/home/ann");
    insta::with_settings!({omit_expression => true}, {
        insta::assert_snapshot!(name, printed);
    });
}

#[test]
fn user_services() {
    shows("systemd", "systemd");
}

#[test]
fn an_image() {
    shows("docker", "docker");
}

#[test]
fn a_container() {
    shows("compose", "compose");
}

#[test]
fn several_containers() {
    shows("replicas", "compose --replicas 3 --workers 1");
}

#[test]
fn a_tunnel() {
    shows(
        "cloudflared",
        "cloudflared --zone example.com --tunnel 6ff42ae2-765d-4adf-8112-31c55c1551ef",
    );
}

#[test]
fn a_proxy_that_fetches_its_certificate() {
    shows("caddy", "caddy");
}

#[test]
fn a_proxy_with_a_certificate_of_its_own() {
    shows(
        "nginx",
        "nginx --certificate /etc/ssl/farm.pem --key /etc/ssl/farm.key",
    );
}

#[test]
fn every_file_is_written_and_named_and_the_next_commands_are_shown() {
    let home = Home::online();
    for (words, files, command) in [
        (
            "systemd",
            "deploy/render-farm.service\ndeploy/cloudflared-render-farm.service\n",
            "  systemctl --user daemon-reload\n  systemctl --user enable --now render-farm cloudflared-render-farm\n  \
             loginctl enable-linger \"$USER\"",
        ),
        (
            "docker",
            "Dockerfile\n.dockerignore\n",
            "  docker build -t render-farm --build-arg FARCALL=\"--git URL farcall\" .\n",
        ),
        (
            "compose",
            "docker-compose.yml\n",
            "  docker compose up --build ",
        ),
        (
            "compose --replicas 2",
            "docker-compose.replicas.yml\ndeploy/Caddyfile.replicas\n",
            "  docker compose -f docker-compose.replicas.yml up",
        ),
        (
            "cloudflared --zone example.com",
            "deploy/cloudflared.config.example.yml\n",
            "  cloudflared tunnel login\n  cloudflared tunnel create render-farm\n",
        ),
        (
            "caddy",
            "deploy/Caddyfile\n",
            "  sudo systemctl reload caddy\n",
        ),
        (
            "nginx",
            "deploy/nginx.conf\n",
            "  sudo nginx -t && sudo systemctl reload nginx\n",
        ),
    ] {
        let ended = home.deploy(words);
        assert_eq!(
            (ended.exit, ended.stdout.as_str()),
            (0, files),
            "{words}: {ended}"
        );
        assert!(ended.stderr.contains(command), "{words}: {ended}");
        for file in files.lines() {
            let mode = fs::metadata(home.folder().join(file))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o644, "{file}");
            let text = home.read(file);
            assert!(
                text.contains(&format!(
                    "Written by `farcall deploy {}",
                    words.split(' ').next().unwrap()
                )),
                "{file}"
            );
            assert!(
                text.lines().all(|line| !line.ends_with(' ')),
                "{file}: {text}"
            );
        }
    }
}

#[test]
fn what_is_printed_is_what_is_written() {
    for words in KINDS {
        let home = Home::online();
        let printed = home.print(words);
        let left: Vec<_> = fs::read_dir(home.folder()).unwrap().collect();
        assert_eq!(left.len(), 2, "{words} --print has written {left:?}");
        let written = home.deploy(words);
        let mut files = written.stdout.lines();
        let mut all = String::new();
        if files.clone().count() == 1 {
            all = home.read(files.next().unwrap());
        } else {
            for file in files {
                let _ = write!(all, "==> {file} <==\n{}", home.read(file));
            }
        }
        assert_eq!(printed, all, "{words}");
    }
}

#[test]
fn files_that_are_in_the_way_are_named_together_and_nothing_is_written() {
    let home = Home::online();
    home.put("Dockerfile", "mine\n");
    let ended = home.deploy("docker");
    assert_eq!(ended.exit, 2, "{ended}");
    assert!(
        ended.stderr.contains("`Dockerfile` is there already"),
        "{ended}"
    );
    assert!(!home.folder().join(".dockerignore").exists());
    std::os::unix::fs::symlink("nowhere", home.folder().join(".dockerignore")).unwrap();
    let ended = home.deploy("docker");
    assert!(
        ended
            .stderr
            .contains("`Dockerfile`, `.dockerignore` are there already"),
        "{ended}"
    );
    assert!(ended.stderr.contains("--force"), "{ended}");
    assert_eq!(home.read("Dockerfile"), "mine\n");
    assert_eq!(home.deploy("docker --force").exit, 0);
    assert!(
        home.read("Dockerfile")
            .contains("FROM debian:bookworm-slim")
    );
    assert!(home.read(".dockerignore").contains("**/.env"));
    assert!(
        !home.folder().join("nowhere").exists(),
        "a link was followed"
    );
}

#[test]
fn what_is_there_with_the_same_text_is_not_in_the_way() {
    let home = Home::online();
    assert_eq!(home.deploy("docker").exit, 0);
    fs::remove_file(home.folder().join(".dockerignore")).unwrap();
    let ended = home.deploy("docker");
    assert_eq!(ended.exit, 0, "{ended}");
    assert!(home.folder().join(".dockerignore").exists());
}

#[test]
fn they_can_be_written_elsewhere() {
    let home = Home::online();
    let ended = home.deploy("caddy --out sub/folder");
    assert_eq!(ended.exit, 0, "{ended}");
    assert!(
        home.read("sub/folder/deploy/Caddyfile")
            .contains("reverse_proxy")
    );
    assert_eq!(ended.stdout, "sub/folder/deploy/Caddyfile\n", "{ended}");
    assert!(ended.stderr.contains("it is in `sub/folder`"), "{ended}");
    assert!(!home.folder().join("deploy").exists());
    home.put("sub/folder/deploy/Caddyfile", "mine\n");
    let ended = home.deploy("caddy --out sub/folder");
    assert!(
        ended.exit == 2
            && ended
                .stderr
                .contains("`sub/folder/deploy/Caddyfile` is there already"),
        "{ended}"
    );
}

#[test]
fn what_is_no_folder_is_named_with_what_to_do() {
    let home = Home::online();
    home.put("file", "");
    std::os::unix::fs::symlink("nowhere", home.folder().join("deploy")).unwrap();
    for (words, reason) in [
        ("docker --out file", "`file` cannot be made a folder"),
        ("caddy", "`deploy` cannot be made a folder"),
    ] {
        let ended = home.deploy(words);
        assert!(
            ended.exit == 1
                && ended.stderr.contains("cannot be written")
                && ended.stderr.contains(reason)
                && ended.stderr.contains("hint: "),
            "{ended}"
        );
    }
}

#[test]
fn a_folder_in_the_place_of_a_file_is_not_replaced_and_nothing_else_is() {
    let home = Home::online();
    home.put("Dockerfile", "mine\n");
    fs::create_dir(home.folder().join(".dockerignore")).unwrap();
    for words in ["docker", "docker --force"] {
        let ended = home.deploy(words);
        assert!(
            ended.exit == 1
                && ended.stderr.contains("`.dockerignore` is a folder")
                && ended.stderr.contains("hint: move what is in its place"),
            "{words}: {ended}"
        );
    }
    assert_eq!(home.read("Dockerfile"), "mine\n");
}

#[test]
fn what_is_left_over_under_another_name_is_named() {
    let home = Home::online();
    let ended = Command::new("sh")
        .arg("-c")
        .arg("touch .Dockerfile.$$ && exec \"$0\" deploy docker")
        .arg(env!("CARGO_BIN_EXE_farcall"))
        .current_dir(home.folder())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(
        said.contains("`Dockerfile` cannot be written: `.Dockerfile.")
            && said.contains("hint: remove that one"),
        "{said}"
    );
}

#[test]
fn a_file_says_the_command_that_writes_it() {
    let home = Home::online();
    home.put("other.toml", super::PROJECT);
    for words in [
        "systemd --config other.toml",
        "docker --config other.toml",
        "compose",
        "compose --replicas 2 --workers 1",
        "cloudflared --zone example.com --tunnel 6ff42ae2-765d-4adf-8112-31c55c1551ef --advanced-certificate",
        "caddy --certificate a.pem --key b.pem",
        "nginx --certificate a.pem --key b.pem --config other.toml",
    ] {
        let ended = home.deploy(&format!("{words} --force"));
        assert_eq!(ended.exit, 0, "{words}: {ended}");
        for file in ended.stdout.lines().filter(|file| !file.starts_with('.')) {
            let said = format!("Written by `farcall deploy {words}`");
            assert!(
                home.read(file).contains(&said),
                "{file}: {}",
                home.read(file)
            );
        }
    }
}

#[test]
fn a_proxy_that_fetches_a_certificate_is_asked_at_port_80() {
    let home = Home::new(
        "PUBLIC_BASE_URL=https://farm.example.com:8443\nMCP_BEARER_TOKEN=a-token-for-tests-only\n",
    );
    for words in ["caddy", "nginx"] {
        let printed = home.print(words);
        assert!(printed.contains("open ports 80 and 8443."), "{printed}");
        let printed = home.print(&format!("{words} --certificate a.pem --key b.pem"));
        assert!(printed.contains("open port 8443."), "{printed}");
        assert!(!printed.contains("certbot"), "{printed}");
    }
    // nginx has the port, now and whenever it is renewed.
    let printed = home.print("nginx");
    assert!(
        printed.contains(
            "--standalone -d farm.example.com --pre-hook 'systemctl stop nginx' --post-hook 'systemctl start nginx'\n"
        ),
        "{printed}"
    );
}

/// As the files say it: that a proxy closes what is idle by then, and asks again where it met a closed connection, is not
/// seen here.
#[test]
fn a_proxy_gives_up_an_idle_connection_before_the_server_does() {
    let server = farcall_server::accept::Limits::default().head.as_secs();
    for (words, setting) in [
        ("caddy", "keepalive "),
        ("compose --replicas 2", "keepalive "),
        ("nginx", "keepalive_timeout "),
        ("cloudflared --zone example.com", "keepAliveTimeout: "),
    ] {
        let printed = Home::online().print(words);
        let mut lines = printed.lines().map(str::trim_start);
        let said = lines.find_map(|line| line.strip_prefix(setting)).unwrap();
        let seconds = said.trim_end_matches(';').strip_suffix('s').unwrap();
        let seconds: u64 = seconds.parse().unwrap();
        assert!(seconds < server, "{words}: {said}");
    }
}

#[test]
fn a_proxy_is_trusted_by_the_address_that_it_comes_from() {
    for (host, address) in [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("::1", "::1"),
    ] {
        let env = format!(
            "PUBLIC_BASE_URL=https://farm.example.com\nMCP_BEARER_TOKEN=a-token-for-tests-only\nMCP_HOST={host}\n"
        );
        let said = format!("FARCALL_TRUSTED_PROXIES={address} ");
        for words in ["caddy", "nginx", "cloudflared --zone example.com"] {
            let home = Home::new(&env);
            let ended = home.deploy(words);
            assert!(ended.stderr.contains(&said), "{host}, {words}: {ended}");
            assert!(
                home.read(ended.stdout.trim_end()).contains(&said),
                "{host}, {words}"
            );
            let ended = Home::new(&format!("{env}{said}\n")).deploy(words);
            assert!(
                ended.exit == 0 && !ended.stderr.contains("one address"),
                "{host}, {words}: {ended}"
            );
        }
    }
}

#[test]
fn a_python_project_gets_its_interpreter_and_its_packages() {
    let home = Home::online();
    home.put(
        "farcall.toml",
        "[tool.a]\ndescription = \"A.\"\ncommand = [\"python3\", \"-c\", \"\"]\n",
    );
    let printed = home.print("docker");
    assert!(
        printed.contains("FROM python:3.13-slim-bookworm\n"),
        "{printed}"
    );
    assert!(!printed.contains("requirements.txt"), "{printed}");
    home.put("requirements.txt", "pillow==11\n");
    let printed = home.print("docker");
    assert!(
        printed.contains("RUN pip install --no-cache-dir --requirement requirements.txt\n"),
        "{printed}"
    );
}
