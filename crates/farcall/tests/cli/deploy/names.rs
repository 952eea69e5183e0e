//! Names of servers and folders as people have them.

use std::fs;

use super::typed_in;

/// The lines of a unit that hold what is written about a folder of this name.
fn lines(folder: &str) -> Vec<String> {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join(folder);
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("farcall.toml"), super::PROJECT).unwrap();
    let ended = typed_in(&place, "systemd --config ./farcall.toml --print")
        .variable("HOME", home.path().to_str().unwrap())
        .ended();
    assert_eq!(ended.exit, 0, "{ended}");
    let program = env!("CARGO_BIN_EXE_farcall");
    let shown = ended
        .stdout
        .lines()
        .filter(|line| line.starts_with("WorkingDirectory=") || line.contains(" serve --config "));
    shown.map(|line| line.replace(program, "farcall")).collect()
}

#[test]
fn folders_are_escaped_as_systemd_reads_them() {
    for (folder, directory, start) in [
        (
            "a b",
            "%h/a b",
            r#"ExecStart=farcall serve --config "%h/a b/farcall.toml""#,
        ),
        (
            "50%h",
            "%h/50%%h",
            "ExecStart=farcall serve --config %h/50%%h/farcall.toml",
        ),
        (
            "$HOME ${X}",
            "%h/$HOME ${X}",
            r#"ExecStart=:farcall serve --config "%h/$HOME ${X}/farcall.toml""#,
        ),
        (
            r#"it's "it""#,
            r#"%h/it's "it""#,
            r#"ExecStart=farcall serve --config "%h/it's \"it\"/farcall.toml""#,
        ),
        (
            "a\\nb",
            "%h/a\\nb",
            r#"ExecStart=farcall serve --config "%h/a\\nb/farcall.toml""#,
        ),
        (
            "end\\",
            "%h/end\\/",
            r#"ExecStart=farcall serve --config "%h/end\\/farcall.toml""#,
        ),
        (
            "end ",
            "%h/end /",
            r#"ExecStart=farcall serve --config "%h/end /farcall.toml""#,
        ),
        (
            "; #",
            "%h/; #",
            r#"ExecStart=farcall serve --config "%h/; #/farcall.toml""#,
        ),
        (
            "漢字",
            "%h/漢字",
            r#"ExecStart=farcall serve --config "%h/漢字/farcall.toml""#,
        ),
    ] {
        assert_eq!(
            lines(folder),
            [format!("WorkingDirectory={directory}"), start.to_owned()],
            "{folder}"
        );
    }
}

#[test]
fn a_program_whose_name_systemd_refuses_is_started_by_a_shell() {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("it's");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("farcall.toml"), super::PROJECT).unwrap();
    let program = place.join("farcall");
    if fs::hard_link(env!("CARGO_BIN_EXE_farcall"), &program).is_err() {
        fs::copy(env!("CARGO_BIN_EXE_farcall"), &program).unwrap();
    }
    let ended = std::process::Command::new(&program)
        .args(["deploy", "systemd", "--print"])
        .current_dir(&place)
        .env_clear()
        .env("HOME", home.path())
        .output()
        .unwrap();
    let unit = String::from_utf8(ended.stdout).unwrap();
    let start = r#"ExecStart=:/bin/sh -c 'exec "$0" "$@"' "%h/it's/farcall" serve"#;
    assert!(unit.lines().any(|line| line == start), "{unit}");
}

#[test]
fn a_folder_that_no_unit_can_name_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("two\nlines");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("farcall.toml"), super::PROJECT).unwrap();
    let ended = typed_in(&place, "systemd").ended();
    assert!(
        ended.exit == 2 && ended.stderr.contains("control characters"),
        "{ended}"
    );
    assert!(ended.stderr.lines().all(|line| line != "lines"), "{ended}");
}

#[test]
fn names_of_servers_become_names_of_units_images_and_hosts() {
    for (name, slug) in [
        ("Render Farm", "render-farm"),
        ("example-mcp", "example-mcp"),
        ("  50% of $HOME/.. ", "50-of-home"),
        ("漢字", "farcall"),
        ("yes", "yes"),
        ("42", "42"),
    ] {
        let home = super::Home::online();
        let name = name.replace('"', "\\\"");
        home.put(
            "farcall.toml",
            &super::PROJECT.replace("Render Farm", &name),
        );
        let ended = home.deploy("systemd");
        assert_eq!(ended.exit, 0, "{name}: {ended}");
        assert!(
            ended
                .stdout
                .starts_with(&format!("deploy/{slug}.service\n")),
            "{ended}"
        );
        let container = home.print("compose");
        let quoted = format!("\n  \"{slug}\":\n");
        let plain = format!("\n  {slug}:\n");
        let is_word = matches!(slug, "yes" | "42" | "50-of-home");
        assert!(
            container.contains(if is_word { &quoted } else { &plain }),
            "{container}"
        );
    }
}

#[test]
fn a_description_is_taken_for_what_it_says() {
    let home = super::Home::online();
    home.put(
        "farcall.toml",
        &super::PROJECT.replace("Render Farm", "100% %h"),
    );
    let printed = home.print("systemd");
    assert!(
        printed.contains("\nDescription=100%% %%h, an MCP server\n"),
        "{printed}"
    );
}

#[test]
fn a_name_is_no_order_to_who_reads_the_file() {
    let home = super::Home::online();
    for name in ["syntax=evil/frontend", "escape=`", "ends in\\\\"] {
        home.put("farcall.toml", &super::PROJECT.replace("Render Farm", name));
        let printed = home.print("docker");
        let first = printed.lines().find(|line| line.starts_with('#')).unwrap();
        assert!(first.starts_with("# Image of "), "{first}");
        // A backslash at the end of a line would take the next one in.
        let printed = home.print("systemd");
        let mut lines = printed
            .lines()
            .filter(|line| line.starts_with("Description="));
        assert!(lines.all(|line| !line.ends_with('\\')), "{printed}");
    }
}
