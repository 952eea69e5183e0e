//! What comes into an image and what stays out, and what containers are told.

use std::{fs, os::unix, process::Command};

use super::{Home, PROJECT};

/// The lines of `.dockerignore` as they are for this `.env` and these lines of `[server]`.
fn ignored(env: &str, server: &str) -> Vec<String> {
    let home = Home::new("");
    put(&home, env, server);
    let printed = home.print("docker");
    let (_, lines) = printed.split_once("==> .dockerignore <==\n").unwrap();
    lines.lines().map(str::to_owned).collect()
}

fn put(home: &Home, env: &str, server: &str) {
    let here = home.folder();
    home.put(".env", &env.replace("HERE", here.to_str().unwrap()));
    home.put(
        "farcall.toml",
        &PROJECT.replace("[server]", &format!("[server]\n{server}")),
    );
}

#[test]
fn what_a_server_wrote_here_stays_out_of_its_image() {
    for (env, server, line) in [
        ("FARCALL_DATA_DIR=data", "", "data"),
        ("FARCALL_DATA_DIR=./a//data/", "", "a/data"),
        ("FARCALL_DATA_DIR=sub/../data..x", "", "data..x"),
        ("FARCALL_DATA_DIR=HERE/data", "", "data"),
        ("FARCALL_DATA_DIR=[a]*", "", "\\[a\\]\\*"),
        ("", "data_dir = \"state\"", "state"),
        ("FARCALL_AUDIT=audit.jsonl", "", "audit.jsonl"),
        ("", "audit = \"logs/audit.jsonl\"", "logs/audit.jsonl"),
        ("FARCALL_ARTIFACTS_URL=file://HERE/films", "", "films"),
    ] {
        let lines = ignored(env, server);
        assert!(
            lines.iter().any(|known| known == line),
            "{env}{server}: {lines:?}"
        );
        // A path, and not a name anywhere: folders of the source may be called that.
        let anywhere = format!("**/{line}");
        assert!(lines.iter().all(|known| *known != anywhere), "{lines:?}");
    }
    let usual = ignored("", "");
    assert_eq!(
        usual,
        ignored("FARCALL_DATA_DIR=/srv/elsewhere", ""),
        "what is elsewhere needs no line"
    );
    assert!(
        usual.iter().any(|line| line == "target") && usual.iter().all(|line| line != "**/target"),
        "{usual:?}"
    );
}

#[test]
fn data_behind_a_link_stays_out_before_it_is_there() {
    let home = Home::new("FARCALL_DATA_DIR=link/new/../data\n");
    fs::create_dir(home.folder().join("real")).unwrap();
    unix::fs::symlink("real", home.folder().join("link")).unwrap();
    let printed = home.print("docker");
    assert!(
        printed.contains("\nlink/data\n") && printed.contains("\nreal/data\n"),
        "{printed}"
    );
}

#[test]
fn a_file_with_a_key_stays_out_of_the_image_and_is_said() {
    let home = Home::new(
        "GOOGLE_APPLICATION_CREDENTIALS=./keys/a.json\nAWS_SECRET_ACCESS_KEY=none\nGOOGLE_CLOUD_PROJECT=farcall.toml\n",
    );
    fs::create_dir(home.folder().join("keys")).unwrap();
    home.put("keys/a.json", "{}");
    for words in ["docker", "compose"] {
        let ended = home.deploy(words);
        assert!(
            ended.exit == 0
                && ended.stderr.matches("warning: ").count() == 1
                && ended.stderr.contains(
                    "warning: `GOOGLE_APPLICATION_CREDENTIALS` names the file `./keys/a.json`"
                ),
            "{words}: {ended}"
        );
    }
    let text = home.read(".dockerignore");
    assert!(text.contains("\nkeys/a.json\n"), "{text}");
    assert!(!text.contains("farcall.toml\n"), "{text}");

    // Also where it is the shell that names one.
    home.put("keys/b.json", "{}");
    let typed = home.typed("docker --force");
    let ended = typed.variable("AWS_KEY_FILE", "keys/b.json").ended();
    let text = home.read(".dockerignore");
    assert!(text.contains("\nkeys/b.json\n"), "{ended}\n{text}");
    // No container is told of it.
    assert!(!ended.stderr.contains("AWS_KEY_FILE"), "{ended}");
}

#[test]
fn data_in_the_folder_of_the_server_itself_makes_no_image() {
    for (env, server) in [
        ("FARCALL_DATA_DIR=.", ""),
        ("FARCALL_DATA_DIR=HERE", ""),
        ("FARCALL_DATA_DIR=sub/..", ""),
        ("", "data_dir = \".\""),
    ] {
        let home = Home::new("");
        put(&home, env, server);
        let ended = home.deploy("docker");
        assert!(
            ended.exit == 2
                && ended.stderr.contains("the data folder, `")
                && ended.stderr.contains("`, is the folder of the server")
                && ended.stderr.contains("hint: give it a folder of its own"),
            "{env}{server}: {ended}"
        );
    }
}

#[test]
fn what_makes_no_image_is_named() {
    let ended = {
        let home = Home::new("");
        put(&home, "FARCALL_ARTIFACTS_URL=file://HERE", "");
        home.deploy("docker")
    };
    assert!(
        ended.exit == 2
            && ended.stderr.contains("the folder of files, `/")
            && ended.stderr.contains("`, is the folder of the server"),
        "{ended}"
    );
}

#[test]
fn places_that_a_container_lacks_are_warned_of() {
    for (env, server, warned) in [
        (
            "FARCALL_AUDIT=audit.jsonl",
            "",
            "`FARCALL_AUDIT` is `audit.jsonl`",
        ),
        (
            "",
            "audit = \"audit.jsonl\"",
            "`FARCALL_AUDIT` is `audit.jsonl`",
        ),
        (
            "FARCALL_ARTIFACTS_URL=file:///srv/films",
            "",
            "`FARCALL_ARTIFACTS_URL` is `file:///srv/films`",
        ),
        ("FARCALL_AUDIT=stdout", "", ""),
        ("FARCALL_AUDIT=/data/audit.jsonl", "", ""),
        ("FARCALL_ARTIFACTS_URL=file:///data/films", "", ""),
        ("FARCALL_ARTIFACTS_URL=file:///data", "", ""),
        ("FARCALL_ARTIFACTS_URL=s3://films", "", ""),
    ] {
        for words in ["docker", "compose"] {
            let home = Home::new("");
            put(&home, env, server);
            let ended = home.deploy(words);
            assert_eq!(ended.exit, 0, "{ended}");
            if warned.is_empty() {
                assert!(!ended.stderr.contains("warning"), "{ended}");
            } else {
                let warning = format!("warning: {warned}");
                assert!(ended.stderr.contains(&warning), "{words}: {ended}");
            }
        }
    }
}

#[test]
fn several_servers_have_the_keys_that_one_would_have() {
    let home = Home::new(
        "GOOGLE_API_KEY=a\nSMTP_PASSWORD=b\nAZURE_OPENAI_KEY=c\nPOSTGRES_PASSWORD=d\nSTORE_PASSWORD=e\n\
         AWS_SECRET_ACCESS_KEY=f\nAWS_SESSION_TOKEN=g\nAWS_SKIP_SIGNATURE=true\nCOMPOSE_PROFILES=h\nCOMPOSE_BAKE=h\n\
         FARCALL_TOKEN=i\nFARCALL=--git\n",
    );
    let ended = home.deploy("compose --replicas 2");
    assert_eq!(ended.exit, 0, "{ended}");
    for name in [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SKIP_SIGNATURE",
    ] {
        let warning = format!("warning: `{name}` of `.env` does not reach the servers");
        assert!(ended.stderr.contains(&warning), "{ended}");
        assert!(
            ended
                .stderr
                .contains("set FARCALL_ARTIFACTS_URL to a bucket of yours"),
            "{ended}"
        );
    }
    let text = home.read("docker-compose.replicas.yml");
    for name in ["GOOGLE_API_KEY", "SMTP_PASSWORD", "AZURE_OPENAI_KEY"] {
        assert!(text.contains(&format!("\n  {name}:\n")), "{name}: {text}");
    }
    for name in [
        "POSTGRES_PASSWORD",
        "STORE_PASSWORD",
        "AWS_SESSION_TOKEN",
        "AWS_SKIP_SIGNATURE",
    ] {
        assert!(!text.contains(&format!("\n  {name}:\n")), "{name}: {text}");
    }
    // With a bucket of its own they have its keys, once.
    let ended = home
        .typed("compose --replicas 2 --force")
        .variable("FARCALL_ARTIFACTS_URL", "s3://bucket")
        .ended();
    assert_eq!(ended.exit, 0, "{ended}");
    let text = home.read("docker-compose.replicas.yml");
    for name in [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "GOOGLE_API_KEY",
    ] {
        let line = format!("\n  {name}:\n");
        assert_eq!(text.matches(&line).count(), 1, "{name}: {text}");
    }
    let text = home.print("compose");
    assert!(
        !text.contains("COMPOSE_")
            && !text.contains("FARCALL_TOKEN")
            && !text.contains("FARCALL:\n"),
        "{text}"
    );
}

#[test]
fn the_commands_that_make_passwords_spoil_no_line_and_make_them_once() {
    let home = Home::new("MCP_BEARER_TOKEN=a-token-for-tests-only");
    let printed = home.print("compose --replicas 2");
    let commands = printed.lines().filter_map(|line| line.strip_prefix("#   "));
    let commands: Vec<_> = commands.filter(|line| line.contains(">> .env")).collect();
    assert_eq!(commands.len(), 2, "{printed}");
    for _ in 0..2 {
        let ended = Command::new("sh")
            .args(["-euc", &commands.join("\n")])
            .current_dir(home.folder())
            .status()
            .unwrap();
        assert!(ended.success(), "{commands:?}");
    }
    let env = home.read(".env");
    let lines: Vec<_> = env.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[0], "MCP_BEARER_TOKEN=a-token-for-tests-only");
    for (line, name) in lines[1..].iter().zip(["POSTGRES", "STORE"]) {
        let value = line.strip_prefix(&format!("{name}_PASSWORD=")).unwrap();
        assert_eq!(value.len(), 64, "{line}");
    }
}

#[test]
fn each_project_has_a_network_of_its_own_and_believes_its_gateway() {
    let network = |name: &str, words: &str| {
        let home = Home::online();
        home.put("farcall.toml", &PROJECT.replace("Render Farm", name));
        let printed = home.print(words);
        let (_, rest) = printed.split_once("- subnet: ").unwrap();
        let (network, _) = rest.split_once(".0/24\n").unwrap();
        (network.to_owned(), printed)
    };
    let (alone, printed) = network("farm", "compose");
    assert!(
        printed.contains(&format!("      FARCALL_TRUSTED_PROXIES: {alone}.1/32\n")),
        "{printed}"
    );
    assert_eq!(
        printed.matches("FARCALL_TRUSTED_PROXIES").count(),
        1,
        "{printed}"
    );
    let (several, printed) = network("farm", "compose --replicas 2");
    for line in [
        format!("  FARCALL_TRUSTED_PROXIES: {several}.0/24\n"),
        format!("\t\ttrusted_proxies {several}.1/32\n"),
    ] {
        assert!(printed.contains(&line), "{line}: {printed}");
    }
    let (other, _) = network("mill", "compose");
    assert!(alone != several && alone != other && several != other);
}

#[test]
fn what_only_the_shell_says_is_in_the_file_of_compose() {
    let home = Home::new("FARCALL_LOG=info\nFARCALL_ALLOWED_HOSTS=farm.example.com\n");
    for words in ["compose --print", "compose --replicas 2 --print"] {
        let ended = home.typed(words).variable("FARCALL_LOG", "debug").ended();
        assert_eq!(ended.exit, 0, "{ended}");
        for line in ["FARCALL_LOG: debug", "FARCALL_ALLOWED_HOSTS:"] {
            let says = ended.stdout.lines().any(|found| found.trim() == line);
            assert!(says, "{words}, {line}: {ended}");
        }
        assert!(!ended.stdout.contains("  PATH"), "{ended}");
    }
}

#[test]
fn one_container_and_several_share_no_network_and_two_projects_no_volume() {
    let home = Home::online();
    let named = |name: &str, words: &str| {
        home.put("farcall.toml", &PROJECT.replace("Render Farm", name));
        let printed = home.print(words);
        let lines = printed.lines().map(str::trim);
        let names = lines.filter_map(|line| line.strip_prefix("name: "));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(named("farm", "compose"), ["farm_default", "farm_data"]);
    assert_eq!(named("mill", "compose"), ["mill_default", "mill_data"]);
    assert_eq!(
        named("farm", "compose --replicas 2"),
        ["farm_replicas", "farm_jobs", "farm_files"]
    );
}

#[test]
fn what_env_says_for_a_server_here_does_not_hide_a_container() {
    let home = Home::new("MCP_PORT=9000\nMCP_HOST=127.0.0.1\nFARCALL_DATA_DIR=.farcall\n");
    let printed = home.print("docker");
    assert!(
        printed.contains(
            "--env-file .env -e MCP_HOST=0.0.0.0 -e MCP_PORT=9000 -e FARCALL_DATA_DIR=/data \\\n"
        ),
        "{printed}"
    );
}

#[test]
fn a_proxy_elsewhere_that_containers_are_not_told_of_is_said() {
    let home = Home::new("FARCALL_TRUSTED_PROXIES=127.0.0.0/8,::1,192.0.2.7\n");
    for words in ["compose", "compose --replicas 2"] {
        let ended = home.deploy(words);
        assert!(
            ended.exit == 0
                && ended
                    .stderr
                    .contains("warning: `FARCALL_TRUSTED_PROXIES` names `192.0.2.7/32`, which containers are not told of"),
            "{words}: {ended}"
        );
    }
}
