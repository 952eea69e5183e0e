//! What an image has to bring for the programs of a `farcall.toml`.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::{Home, PROJECT};

fn executable(home: &Home, name: &str, text: &str) {
    let path = home.folder().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A `farcall.toml` with one tool that runs this.
fn runs(home: &Home, command: &[&str]) {
    let text = format!("[tool.a]\ndescription = \"A.\"\ncommand = {command:?}\n");
    home.put("farcall.toml", &text);
}

#[test]
fn an_environment_of_python_is_made_anew_where_the_file_looks_for_it() {
    let home = Home::online();
    executable(&home, ".venv/bin/python", "#!/bin/sh\n");
    home.put(".venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.12.4\n");
    home.put("x.py", "");
    home.put(
        "farcall.toml",
        "[tool.a]\ndescription = \"A.\"\ncommand = [\".venv/bin/python\", \"x.py\"]\n\
         readable = [\".venv/pyvenv.cfg\"]\n",
    );
    let ended = home.deploy("docker");
    assert_eq!(ended.exit, 0, "{ended}");
    assert!(
        ended.stderr.contains("there is no `requirements.txt`")
            && ended.stderr.matches("warning").count() == 1,
        "{ended}"
    );
    home.put("requirements.txt", "pillow==11\n");
    let printed = home.print("docker");
    for line in [
        "FROM python:3.12-slim-bookworm\n",
        "COPY requirements.txt ./\nRUN python -m venv .venv \\\n && .venv/bin/pip install --no-cache-dir --requirement \
         requirements.txt\n",
    ] {
        assert!(printed.contains(line), "{line}: {printed}");
    }
    // Of another name, it does not come over what was made.
    fs::rename(home.folder().join(".venv"), home.folder().join("my env")).unwrap();
    home.put(
        "farcall.toml",
        "[tool.a]\ndescription = \"A.\"\ncommand = [\"./my env/bin/python\", \"x.py\"]\n",
    );
    let printed = home.print("docker");
    assert!(
        printed.contains("RUN python -m venv 'my env' \\\n && 'my env/bin/'pip install")
            && printed.contains("\nmy?env\n"),
        "{printed}"
    );
}

#[test]
fn the_first_line_of_a_script_says_what_the_image_needs() {
    let home = Home::online();
    executable(&home, "a.py", "#!/usr/bin/env -S python3 -u\n");
    executable(&home, "b.sh", "#!/bin/sh\n");
    executable(&home, "c", "#!/usr/bin/julia --quiet\n");
    home.put(
        "farcall.toml",
        "[tool.a]\ndescription = \"A.\"\ncommand = [\"./a.py\"]\n\
         [tool.b]\ndescription = \"B.\"\ncommand = [\"./b.sh\"]\n",
    );
    let ended = home.deploy("docker");
    assert!(
        ended.exit == 0 && !ended.stderr.contains("warning"),
        "{ended}"
    );
    let text = home.read("Dockerfile");
    assert!(text.contains("FROM python:3.13-slim-bookworm\n"), "{text}");
    assert!(
        text.contains("RUN ln -sf /usr/local/bin/python3 /usr/bin/python3\n"),
        "{text}"
    );
    home.put(
        "farcall.toml",
        "[tool.c]\ndescription = \"C.\"\ncommand = [\"./c\"]\n",
    );
    for words in ["docker --force", "compose", "compose --replicas 2"] {
        let ended = home.deploy(words);
        assert_eq!(ended.exit, 0, "{ended}");
        assert!(
            ended.stderr.contains("warning: the image lacks `julia`"),
            "{words}: {ended}"
        );
    }
}

#[test]
fn an_image_serves_the_file_that_it_was_written_for() {
    let home = Home::online();
    home.put("other.toml", PROJECT);
    let printed = home.print("docker");
    assert!(printed.contains("\nCMD [\"serve\"]\n"), "{printed}");
    for file in ["other.toml", "./other.toml"] {
        let printed = home.print(&format!("docker --config {file}"));
        assert!(
            printed.contains("\nCMD [\"serve\",\"--config\",\"other.toml\"]\n"),
            "{printed}"
        );
    }
}

#[test]
fn a_program_of_an_activated_environment_is_found_in_the_image() {
    let home = Home::online();
    executable(&home, ".venv/bin/python", "#!/bin/sh\n");
    home.put(".venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.12.4\n");
    home.put("requirements.txt", "pillow==11\n");
    home.put("x.py", "");
    runs(&home, &["python", "x.py"]);
    let path = format!("{}/.venv/bin:/usr/bin:/bin", home.folder().display());
    let ended = home.typed("docker").variable("PATH", &path).ended();
    assert!(
        ended.exit == 0 && !ended.stderr.contains("warning"),
        "{ended}"
    );
    let text = home.read("Dockerfile");
    assert!(
        text.contains(
            " && .venv/bin/pip install --no-cache-dir --requirement requirements.txt\n\
             # Where its programs are looked for first, as here.\n\
             ENV PATH=\"/srv/render-farm/.venv/bin:$PATH\"\n"
        ),
        "{text}"
    );
    // By its path it is found as it is.
    runs(&home, &[".venv/bin/python", "x.py"]);
    let ended = home.typed("docker --print").variable("PATH", &path).ended();
    assert!(
        ended.exit == 0 && !ended.stdout.contains("ENV PATH"),
        "{ended}"
    );
}

#[test]
fn an_active_environment_elsewhere_is_made_anew_from_its_requirements() {
    let home = Home::online();
    executable(&home, "../venvs/x/bin/python", "#!/bin/sh\n");
    home.put("../venvs/x/pyvenv.cfg", "version = 3.11.2\n");
    home.put("x.py", "");
    runs(&home, &["python", "x.py"]);
    let environment = format!("{}/venvs/x", home.0.path().display());
    let path = format!("{environment}/bin:/usr/bin:/bin");
    let ended = home.typed("docker").variable("PATH", &path).ended();
    let warning = format!(
        "warning: there is no `requirements.txt`, so the image has no package of `{environment}`: make it with \
         `{environment}/bin/pip freeze > requirements.txt`"
    );
    assert!(
        ended.exit == 0 && ended.stderr.contains(&warning),
        "{ended}"
    );
    home.put("requirements.txt", "pillow==11\n");
    let typed = home.typed("docker --force").variable("PATH", &path);
    let ended = typed.ended();
    assert!(
        ended.exit == 0 && !ended.stderr.contains("warning"),
        "{ended}"
    );
    let text = home.read("Dockerfile");
    assert!(
        text.contains("FROM python:3.11-slim-bookworm\n")
            && text.contains("\nRUN pip install --no-cache-dir --requirement requirements.txt\n")
            && !text.contains("ENV PATH"),
        "{text}"
    );
}

#[test]
fn modules_of_node_are_said_to_stay_out() {
    let home = Home::online();
    executable(&home, "../bin/node", "#!/bin/sh\n");
    executable(&home, "node_modules/.bin/tool", "#!/usr/bin/env node\n");
    home.put("x.js", "");
    let path = format!("{}/bin:/usr/bin:/bin", home.0.path().display());
    let said = |command: &[&str]| {
        runs(&home, command);
        let typed = home.typed("docker --force").variable("PATH", &path);
        let ended = typed.ended();
        assert!(
            ended.exit == 0
                && ended.stderr.contains("warning: the image lacks `node`")
                && !ended.stderr.contains("has nothing at"),
            "{ended}"
        );
        ended.stderr
    };
    let warning = "warning: `node_modules` stays out of the image: add `COPY package*.json ./`";
    assert!(!said(&["node", "x.js"]).contains(warning));
    // A program that lies there is enough.
    assert!(said(&["./node_modules/.bin/tool"]).contains(warning));
    home.put("package.json", "{}");
    assert!(said(&["node", "x.js"]).contains(warning));
}

#[test]
fn a_path_at_which_an_image_has_nothing_is_warned_of() {
    let home = Home::online();
    for name in [".venv/bin/python", "../opt/bin/sh", "../tools/run"] {
        executable(&home, name, "#!/bin/sh\n");
    }
    home.put(".venv/pyvenv.cfg", "version = 3.12.4\n");
    let folder = home.folder();
    let inside = folder.join(".venv/bin/python");
    let outside = home.0.path().join("opt/bin/sh");
    for path in [
        inside.to_str().unwrap(),
        outside.to_str().unwrap(),
        "../tools/run",
    ] {
        runs(&home, &[path]);
        let ended = home.deploy("docker --force");
        let warning = format!("warning: the image has nothing at `{path}`: ");
        assert!(
            ended.exit == 0 && ended.stderr.contains(&warning),
            "{path}: {ended}"
        );
        // It is said once that an environment is not there.
        assert_eq!(
            ended.stderr.contains("the image is without `.venv`"),
            Some(path) != inside.to_str(),
            "{path}: {ended}"
        );
    }
    fs::remove_dir_all(folder.join(".venv")).unwrap();
    for (line, warned) in [
        ("/bin/sh", ""),
        ("/usr/bin/env python3.11", ""),
        ("/usr/bin/python3", ""),
        ("/usr/local/bin/python3.11", ""),
        ("/opt/venv/bin/python", "nothing at `/opt/venv/bin/python`"),
        ("/usr/bin/python3.11", "nothing at `/usr/bin/python3.11`"),
        ("/usr/bin/julia", "lacks `julia`"),
    ] {
        executable(&home, "script", &format!("#!{line}\n"));
        runs(&home, &["./script"]);
        let ended = home.deploy("docker --force");
        assert_eq!(ended.exit, 0, "{ended}");
        if warned.is_empty() {
            assert!(!ended.stderr.contains("warning"), "{line}: {ended}");
        } else {
            assert!(ended.stderr.contains(warned), "{line}: {ended}");
        }
        assert_eq!(
            home.read("Dockerfile").contains("FROM python:3.11"),
            warned.is_empty() && line.ends_with("3.11"),
            "{line}"
        );
    }
}

#[test]
fn what_debian_has_is_not_missed() {
    let home = Home::online();
    for name in ["cmp", "flock", "realpath", "sha512sum", "timeout", "zcat"] {
        runs(&home, &[name]);
        let ended = home.deploy("docker --force");
        assert!(
            ended.exit == 0 && !ended.stderr.contains("warning"),
            "{name}: {ended}"
        );
    }
}

#[test]
fn what_cargo_built_is_said_to_be_no_package() {
    let home = Home::online();
    executable(&home, "target/release/tool", "");
    runs(&home, &["target/release/tool"]);
    let ended = home.deploy("docker");
    assert!(
        ended.exit == 0
            && ended
                .stderr
                .contains("warning: what cargo built, `target/release/tool`, stays out")
            && !ended.stderr.contains("apt-get"),
        "{ended}"
    );
}

#[test]
fn a_command_that_makes_requirements_can_be_pasted() {
    let home = Home::online();
    executable(&home, "my env/bin/python", "#!/bin/sh\n");
    home.put("my env/pyvenv.cfg", "");
    runs(&home, &["./my env/bin/python", "-V"]);
    let ended = home.deploy("docker");
    assert!(
        ended
            .stderr
            .contains("`'my env/bin/pip' freeze > requirements.txt` (or `uv pip freeze`)"),
        "{ended}"
    );
}

#[test]
fn a_name_that_begins_with_a_dash_is_no_option() {
    let home = Home::online();
    home.put("-x.toml", PROJECT);
    let printed = home.print("docker --config=-x.toml");
    for line in [
        "Written by `farcall deploy docker --config ./-x.toml`",
        "\nCMD [\"serve\",\"--config\",\"./-x.toml\"]\n",
    ] {
        assert!(printed.contains(line), "{line}: {printed}");
    }
    executable(&home, "-env/bin/python", "#!/bin/sh\n");
    home.put("-env/pyvenv.cfg", "");
    home.put("requirements.txt", "");
    runs(&home, &["./-env/bin/python", "-V"]);
    let printed = home.print("docker");
    assert!(
        printed.contains("RUN python -m venv ./-env \\\n && ./-env/bin/pip install"),
        "{printed}"
    );
    let printed = home.print("caddy --certificate=-c.pem --key=-k.pem");
    assert!(
        printed.contains("Written by `farcall deploy caddy --certificate ./-c.pem --key ./-k.pem`"),
        "{printed}"
    );
}
