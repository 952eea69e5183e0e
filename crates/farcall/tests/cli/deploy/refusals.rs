//! What cannot be deployed is refused with what to do about it.

use super::{Home, KINDS, typed_in};

fn refused(env: &str, words: &str) -> String {
    let home = Home::new(env);
    let ended = home.deploy(words);
    assert_eq!(
        (ended.exit, ended.stdout.as_str()),
        (2, ""),
        "{words}: {ended}"
    );
    assert!(!home.folder().join("deploy").exists(), "{words}");
    ended.stderr
}

#[test]
fn a_proxy_needs_a_public_name_of_its_own_with_tls() {
    for words in ["caddy", "nginx"] {
        for (url, reason) in [
            ("", "`PUBLIC_BASE_URL` is not set"),
            ("http://farm.example.com", "the proxy is there for TLS"),
            (
                "https://example.com/farm",
                "a path on a name that is shared",
            ),
        ] {
            let said = refused(&format!("PUBLIC_BASE_URL={url}\n"), words);
            assert!(
                said.contains(reason) && said.contains("hint: "),
                "{words}, {url}: {said}"
            );
        }
    }
}

#[test]
fn a_port_that_is_another_one_each_time_is_refused_for_every_kind() {
    for words in KINDS {
        let said = refused(
            "MCP_PORT=0\nPUBLIC_BASE_URL=https://farm.example.com\n",
            words,
        );
        assert!(said.contains("`MCP_PORT` is `0`"), "{words}: {said}");
    }
}

#[test]
fn what_a_server_would_refuse_is_refused() {
    for (env, reason) in [
        ("MCP_PORT=many", "`MCP_PORT` is `many`"),
        ("MCP_HOST=0.0.0.0", "without authentication"),
        ("FARCALL_ROLE=worker", "FARCALL_ROLE"),
        ("PUBLIC_BASE_URL=https://farm.<your-zone>", "placeholder"),
    ] {
        let said = refused(env, "systemd");
        assert!(said.contains(reason), "{env}: {said}");
    }
}

#[test]
fn a_folder_without_a_server_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let ended = typed_in(folder.path(), "systemd").ended();
    assert!(
        ended.exit == 2 && ended.stderr.contains("farcall init"),
        "{ended}"
    );
    std::fs::write(
        folder.path().join("Cargo.toml"),
        "[package]\nname = \"x\"\n",
    )
    .unwrap();
    let ended = typed_in(folder.path(), "docker").ended();
    assert!(
        ended.exit == 2 && ended.stderr.contains("cargo run --release -- deploy"),
        "{ended}"
    );
}

#[test]
fn an_image_is_of_the_folder_it_is_made_in() {
    let home = Home::online();
    std::fs::create_dir(home.folder().join("sub")).unwrap();
    home.put("sub/other.toml", super::PROJECT);
    for words in ["docker", "compose"] {
        let ended = home.deploy(&format!("{words} --config sub/other.toml"));
        assert!(
            ended.exit == 2 && ended.stderr.contains("in another folder"),
            "{ended}"
        );
    }
    // A service does not mind.
    let ended = home.deploy("systemd --config sub/other.toml");
    assert_eq!(ended.exit, 0, "{ended}");
    let unit = home.read("deploy/render-farm.service");
    assert!(
        unit.contains(" serve --config %h/render-farm/sub/other.toml\n"),
        "{unit}"
    );
}

#[test]
fn containers_do_not_share_a_folder() {
    let said = refused(
        "FARCALL_ARTIFACTS_URL=file:///srv/files\n",
        "compose --replicas 2",
    );
    assert!(
        said.contains("a place that containers do not share"),
        "{said}"
    );
    for words in [
        "compose --replicas 1",
        "compose --workers 2",
        "caddy --key a",
        "nginx --certificate a",
    ] {
        refused("PUBLIC_BASE_URL=https://farm.example.com\n", words);
    }
}

#[test]
fn a_path_that_no_proxy_can_say_is_refused() {
    let home = Home::online();
    for path in ["a\"b", "a$b", "a{b}", "a\\b", "a`b"] {
        for words in ["caddy", "nginx"] {
            let ended = home
                .typed(words)
                .arguments(&["--certificate", path, "--key", "key.pem"])
                .ended();
            assert!(
                ended.exit == 2 && ended.stderr.contains("cannot say"),
                "{path}: {ended}"
            );
        }
    }
}

#[test]
fn an_open_server_behind_a_proxy_is_warned_of() {
    let home = Home::new("PUBLIC_BASE_URL=https://farm.example.com\n");
    for words in ["caddy", "nginx"] {
        let ended = home.deploy(words);
        assert_eq!(ended.exit, 0, "{ended}");
        assert!(
            ended
                .stderr
                .contains("warning: nothing authenticates callers"),
            "{ended}"
        );
        assert!(
            ended.stderr.contains("FARCALL_TRUSTED_PROXIES=127.0.0.1"),
            "{ended}"
        );
    }
    let ended = Home::online().deploy("caddy");
    assert!(!ended.stderr.contains("warning"), "{ended}");
}
