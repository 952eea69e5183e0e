//! The units, verified by systemd and started by a real user manager: the example's by the very commands of its header,
//! and those of folders whose names have to be escaped.
//!
//! Not run: cloudflared, in whose place a script stands that stays, and `loginctl enable-linger`, which asks logind.

use std::{fmt::Write as _, fs, os::unix::fs::PermissionsExt as _, path::Path};

use farcall_acceptance::scratch;
use farcall_testpg::free_port;

use super::{EXAMPLE, content, deploy, run};
use crate::peer::{binary, repository};

/// Folders as people have them, and some as nobody has.
const FOLDERS: [&str; 11] = [
    "plain",
    "with space",
    "50% of %h",
    "$HOME and ${X}",
    "it's \"quoted\"",
    "back\\slash\\n",
    "ends in\\",
    "ends in space ",
    "; # @ = :",
    "ünïcode 漢字 ☃",
    "-dash",
];

/// Stands in the place of cloudflared: it stays, and tells what it was called with.
const CLOUDFLARED: &str =
    "#!/bin/sh\nprintf '%s\\n' \"$*\" >\"$HOME/cloudflared-$4\"\nexec sleep 1000000\n";

fn put(path: &Path, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A home, with what is found in `/usr/local/bin`.
fn home() -> tempfile::TempDir {
    assert!(
        rustix::process::geteuid().is_root(),
        "a user manager of its own takes a mount namespace: run this as root"
    );
    let home = scratch(env!("CARGO_TARGET_TMPDIR"));
    put(
        &home.path().join("programs/cloudflared"),
        CLOUDFLARED,
        0o755,
    );
    home
}

/// Runs `script` where a user manager is.
async fn with_manager(home: &Path, script: &str) -> String {
    put(&home.join("script"), script, 0o644);
    let wrapper = repository().join("acceptance/clients/with_user_manager.sh");
    let words = ["programs", "script"].map(|name| home.join(name).to_str().unwrap().to_owned());
    content(
        wrapper,
        home,
        &[home.to_str().unwrap(), &words[0], &words[1]],
        &[],
    )
    .await
}

async fn verify(home: &Path, units: &[String]) {
    let variables = [
        ("HOME", home.to_str().unwrap()),
        ("XDG_RUNTIME_DIR", home.to_str().unwrap()),
    ];
    let units: Vec<_> = units.iter().map(String::as_str).collect();
    let ended = run(
        "systemd-analyze",
        home,
        &[&["--user", "verify"][..], &units[..]].concat(),
        &variables,
    )
    .await;
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{units:?}"
    );
}

/// The unit with a path for cloudflared, which is not in /usr/local/bin outside of the namespace.
fn with_stub(unit: &str, home: &Path) -> String {
    let stub = format!("ExecStart={}/programs/cloudflared ", home.display());
    assert!(unit.contains("\nExecStart=cloudflared "), "{unit}");
    unit.replace("ExecStart=cloudflared ", &stub)
}

#[tokio::test]
async fn the_examples_units_are_verified_and_run_by_their_own_header() {
    let home = home();
    // As somebody has it who has built the example in the repository.
    let checkout = home.path().join("farcall");
    let place = checkout.join(EXAMPLE);
    let port = free_port();
    let program = checkout.join("target/release/example-mcp-server");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::copy(binary("example-mcp-server"), &program).unwrap();
    put(
        &place.join(".env"),
        &format!("MCP_PORT={port}\nMCP_BEARER_TOKEN=a-token-for-tests-only\n"),
        0o600,
    );
    let mut header = String::new();
    for name in ["example-mcp.service", "cloudflared-example-mcp.service"] {
        let unit =
            fs::read_to_string(repository().join(EXAMPLE).join("deploy").join(name)).unwrap();
        put(&place.join("deploy").join(name), &unit, 0o644);
        let checked = home.path().join(name);
        let text = if name.starts_with("cloudflared") {
            with_stub(&unit, home.path())
        } else {
            unit.clone()
        };
        put(&checked, &text, 0o644);
        if header.is_empty() {
            header = unit;
        }
    }
    let units = ["example-mcp.service", "cloudflared-example-mcp.service"];
    verify(
        home.path(),
        &units.map(|name| home.path().join(name).to_str().unwrap().to_owned()),
    )
    .await;

    // The commands as they stand there, but for the one that asks logind and the port of this test.
    let commands = header.lines().skip_while(|line| !line.starts_with("#   "));
    let commands = commands.map_while(|line| line.strip_prefix("#   "));
    let (linger, commands): (Vec<_>, Vec<_>) =
        commands.partition(|command| command.starts_with("loginctl enable-linger"));
    assert_eq!((linger.len(), commands.len()), (1, 5), "{header}");
    let commands = commands.join("\n").replace(":8900", &format!(":{port}"));
    let alive = format!(
        "curl -sf --retry 100 --retry-delay 1 --retry-connrefused http://127.0.0.1:{port}/healthz"
    );
    let commands = commands.replace(
        "curl -s ",
        "curl -sf --retry 100 --retry-delay 1 --retry-connrefused ",
    );
    let script = format!(
        "cd farcall/{EXAMPLE}\n{commands}\n\
         main() {{ systemctl --user show --property MainPID --value example-mcp; }}\n\
         first=$(main)\ngrep -E '^(NoNewPrivs|Seccomp|Umask):' /proc/$first/status\n\
         kill -9 \"$first\"\nuntil second=$(main) && [ \"$second\" != 0 ] && [ \"$second\" != \"$first\" ]; do sleep 0.1; done\n\
         {alive}\n\
         systemctl --user restart example-mcp\n{alive}\n\
         cat ~/cloudflared-example-mcp\n\
         systemctl --user is-enabled example-mcp cloudflared-example-mcp\n\
         doctor() {{ ~/farcall/target/release/example-mcp-server doctor --only machine | grep -F '`example-mcp.service`'; }}\n\
         doctor\n\
         systemctl --user --quiet disable example-mcp\ndoctor\n\
         systemctl --user --quiet enable example-mcp\n\
         systemctl --user stop example-mcp\ndoctor\n\
         systemctl --user show --property Result,ExecMainStatus,NRestarts example-mcp\n\
         systemctl --user start example-mcp\n{alive}\n\
         sed -i 's,^ExecStart=.*,ExecStart=/bin/false,' ~/.config/systemd/user/example-mcp.service\n\
         doctor\n\
         systemctl --user daemon-reload\nsystemctl --user --quiet restart example-mcp || true\n\
         until systemctl --user show --property NRestarts example-mcp | grep -q '=[1-9]'; do sleep 0.1; done\n\
         doctor\n"
    );
    let said = with_manager(home.path(), &script).await;
    let ok = "{\"ok\": true}";
    assert_eq!(said.matches(ok).count(), 4, "{said}");
    for line in [
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
        "Umask:\t0077",
        "tunnel --no-autoupdate run example-mcp",
        "enabled\nenabled",
        "Result=success",
        "ExecMainStatus=0",
        // What `doctor` makes of what systemctl really says.
        "`example-mcp.service` runs, starts with the machine, and is started again whatever happens",
        "`example-mcp.service` runs, and is disabled",
        "`example-mcp.service` is inactive (dead)",
        "the file of `example-mcp.service` is another one since it was read",
        "`example-mcp.service` is activating (auto-restart)",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[tokio::test]
async fn folders_of_every_name_are_found() {
    let home = home();
    let mut script = String::from("mkdir -p ~/.config/systemd/user\n");
    let mut units = Vec::new();
    for (index, name) in FOLDERS.into_iter().enumerate() {
        let place = home.path().join(name);
        let port = free_port();
        let (unit, value) = (
            format!("n{index}"),
            format!("a \"b\" $HOME 100% \\ {index}"),
        );
        let project = format!(
            "[server]\nname = \"{unit}\"\n[tool.a]\ndescription = \"A.\"\ncommand = [\"sh\"]\n"
        );
        put(&place.join("other.toml"), &project, 0o644);
        put(&place.join(".env"), &format!("MCP_PORT={port}\n"), 0o600);
        // The program is there as well: its path is escaped by other rules than that of the folder.
        let program = place.join("far call");
        fs::hard_link(binary("farcall"), &program).unwrap();
        // A value that a shell alone has goes into the unit, and is the same when it comes out.
        let variables = [
            ("HOME", home.path().to_str().unwrap()),
            ("FARCALL_ALLOWED_HOSTS", value.as_str()),
        ];
        let written = content(
            &program,
            &place,
            &["deploy", "systemd", "--config", "other.toml"],
            &variables,
        )
        .await;
        for file in written.lines() {
            let text = fs::read_to_string(place.join(file)).unwrap();
            let text = if file.contains("cloudflared") {
                with_stub(&text, home.path())
            } else {
                text
            };
            let copy = home
                .path()
                .join("units")
                .join(file.rsplit('/').next().unwrap());
            put(&copy, &text, 0o644);
            units.push(copy.to_str().unwrap().to_owned());
        }
        let _ = write!(
            script,
            "cp units/{unit}.service ~/.config/systemd/user/\nsystemctl --user daemon-reload\n\
             systemctl --user start {unit}\n\
             curl -sf --retry 100 --retry-delay 1 --retry-connrefused http://127.0.0.1:{port}/healthz && echo\n\
             pid=$(systemctl --user show --property MainPID --value {unit})\n\
             readlink /proc/$pid/cwd /proc/$pid/exe\ntr '\\0' '\\n' </proc/$pid/cmdline | tail -1\n\
             tr '\\0' '\\n' </proc/$pid/environ | grep ^FARCALL_ALLOWED_HOSTS=\n\
             systemctl --user stop {unit}\n"
        );
    }
    verify(home.path(), &units).await;
    let said = with_manager(home.path(), &script).await;
    let mut expected = String::new();
    for (index, name) in FOLDERS.into_iter().enumerate() {
        let place = home.path().join(name);
        let place = place.to_str().unwrap();
        let _ = write!(
            expected,
            "{{\"ok\": true}}\n{place}\n{place}/far call\n{place}/other.toml\nFARCALL_ALLOWED_HOSTS=a \"b\" $HOME 100% \\ {index}\n"
        );
    }
    assert_eq!(said, expected);
}

#[tokio::test]
async fn a_unit_that_is_wrong_is_noticed() {
    let home = home();
    let place = home.path().join("farm");
    put(
        &place.join("farcall.toml"),
        "[tool.a]\ndescription = \"A.\"\ncommand = [\"sh\"]\n",
        0o644,
    );
    deploy("farcall", &place, &["systemd"]).await;
    let unit = fs::read_to_string(place.join("deploy/farm.service")).unwrap();
    let variables = [
        ("HOME", home.path().to_str().unwrap()),
        ("XDG_RUNTIME_DIR", home.path().to_str().unwrap()),
    ];
    for (right, wrong) in [
        ("Restart=always", "Restart=allways"),
        ("KillMode=", "KilMode="),
        ("ExecStart=/", "ExecStart=/nowhere/"),
    ] {
        assert!(unit.contains(right), "{unit}");
        let file = home.path().join("farm.service");
        put(&file, &unit.replace(right, wrong), 0o644);
        let ended = run(
            "systemd-analyze",
            home.path(),
            &["--user", "verify", file.to_str().unwrap()],
            &variables,
        )
        .await;
        assert!(
            ended.code != Some(0) || !ended.stderr.is_empty(),
            "{wrong} passes"
        );
    }
}

#[tokio::test]
async fn a_name_that_a_unit_of_the_machine_has_is_warned_of() {
    let units = fs::read_dir("/usr/lib/systemd/user").unwrap();
    let names = units.map(|unit| unit.unwrap().file_name().into_string().unwrap());
    let is_plain = |name: &String| {
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    let name = names
        .filter_map(|name| name.strip_suffix(".service").map(str::to_owned))
        .find(is_plain)
        .expect("systemd has units of its own");
    let home = scratch(env!("CARGO_TARGET_TMPDIR"));
    for (name, is_warned) in [(name.as_str(), true), ("nobody-has-this-name", false)] {
        let text = format!(
            "[server]\nname = \"{name}\"\n[tool.a]\ndescription = \"A.\"\ncommand = [\"sh\"]\n"
        );
        fs::write(home.path().join("farcall.toml"), text).unwrap();
        let ended = run(binary("farcall"), home.path(), &["deploy", "systemd"], &[]).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let warning = format!("which `{name}.service` would take the place of");
        assert_eq!(
            ended.stderr.contains(&warning),
            is_warned,
            "{}",
            ended.stderr
        );
    }
}
