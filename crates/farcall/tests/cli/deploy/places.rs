//! What an image has at the places that a `farcall.toml` names for its programs.

use std::{fs, os::unix};

use super::{Home, PROJECT};

#[test]
fn a_place_that_an_image_lacks_is_warned_of() {
    let home = Home::online();
    for folder in ["../shared", "target/models", ".models"] {
        fs::create_dir_all(home.folder().join(folder)).unwrap();
    }
    let shared = home.0.path().join("shared").canonicalize().unwrap();
    let shared = shared.to_str().unwrap();
    for (settings, missing) in [
        ("working_dir = \"../shared\"", shared),
        ("readable = [\"../shared\"]", shared),
        ("writable = [\"../shared\"]", shared),
        ("readable = [\"target/models\"]", "target/models"),
        ("readable = [\".models\", \"/usr\"]", ""),
        ("readable = [\"/bin\", \"/usr/bin\", \"/usr/sbin\"]", ""),
        ("readable = [\"/usr/local\", \"/etc/ssl/certs\"]", ""),
    ] {
        home.put("farcall.toml", &format!("{PROJECT}{settings}\n"));
        for words in ["docker --force", "compose --force"] {
            let ended = home.deploy(words);
            let warning = format!("warning: the file names `{missing}`, which the image does");
            assert!(
                ended.exit == 0
                    && ended.stderr.contains(&warning) != missing.is_empty()
                    && ended.stderr.contains("warning") != missing.is_empty(),
                "{settings}, {words}: {ended}"
            );
        }
    }
}

#[test]
fn what_programs_write_to_is_the_servers() {
    let home = Home::online();
    assert!(!home.print("docker").contains("chown"));
    for folder in ["state", "work", "my out"] {
        fs::create_dir(home.folder().join(folder)).unwrap();
    }
    home.put("log.txt", "");
    let settings = "working_dir = \"work\"\nwritable = [\"state\", \"my out\", \"log.txt\"]\n";
    home.put("farcall.toml", &format!("{PROJECT}{settings}"));
    let printed = home.print("docker");
    assert!(
        printed.contains(
            "\nRUN mkdir -p 'my out/' state/ work/ \\\n \
             && chown -R farcall:farcall log.txt 'my out/' state/ work/\nUSER farcall\n"
        ),
        "{printed}"
    );
    // The folder itself stays root's.
    home.put("farcall.toml", &format!("{PROJECT}working_dir = \".\"\n"));
    assert!(!home.print("docker").contains("chown"));
}

#[test]
fn a_place_that_stays_out_of_an_image_is_warned_of() {
    for (env, server, settings, missing) in [
        (
            "FARCALL_DATA_DIR=data",
            "",
            "readable = [\"data/models\"]",
            "data/models",
        ),
        (
            "",
            "data_dir = \"data\"",
            "working_dir = \"data/models\"",
            "data/models",
        ),
        // Where it leads to stays out as well.
        (
            "FARCALL_DATA_DIR=link",
            "",
            "readable = [\"data/models\"]",
            "data/models",
        ),
        (
            "FARCALL_DATA_DIR=data",
            "",
            "writable = [\"data/log.txt\"]",
            "data/log.txt",
        ),
        ("", "", "readable = [\".venv/lib\"]", ".venv/lib"),
        (
            "",
            "",
            "writable = [\"docker-compose.log.yml\"]",
            "docker-compose.log.yml",
        ),
        (
            "FARCALL_DATA_DIR=data",
            "",
            "[service.weather]\nbase_url = \"https://example.com\"\nopenapi = \"data/api.json\"",
            "data/api.json",
        ),
        ("", "", "readable = [\"data/models\"]", ""),
    ] {
        let home = Home::new(env);
        for folder in ["data/models", ".venv/lib"] {
            fs::create_dir_all(home.folder().join(folder)).unwrap();
        }
        unix::fs::symlink("data", home.folder().join("link")).unwrap();
        home.put("data/log.txt", "");
        home.put("data/api.json", "{}");
        home.put("docker-compose.log.yml", "");
        let project = PROJECT.replace("[server]", &format!("[server]\n{server}"));
        home.put("farcall.toml", &format!("{project}{settings}\n"));
        let ended = home.deploy("docker");
        let warning = format!("warning: the file names `{missing}`, which the image does");
        assert!(
            ended.exit == 0
                && ended.stderr.contains(&warning) != missing.is_empty()
                && ended.stderr.contains("warning") != missing.is_empty(),
            "{settings}: {ended}"
        );
        // What is not there can be given to nobody.
        let text = home.read("Dockerfile");
        assert!(!text.contains("chown"), "{settings}: {text}");
    }
}

#[test]
fn data_above_the_folder_leaves_nothing_of_it_out() {
    let home = Home::new("");
    fs::create_dir(home.folder().join("data")).unwrap();
    home.put("farcall.toml", &format!("{PROJECT}writable = [\"data\"]\n"));
    let above = home.0.path().display();
    for env in [
        format!("FARCALL_DATA_DIR={above}\n"),
        format!("FARCALL_ARTIFACTS_URL=file://{above}\n"),
    ] {
        home.put(".env", &env);
        let ended = home.deploy("docker --force");
        assert!(
            ended.exit == 0 && !ended.stderr.contains("the file names"),
            "{env}: {ended}"
        );
        let text = home.read("Dockerfile");
        assert!(
            text.contains("chown -R farcall:farcall data/\n"),
            "{env}: {text}"
        );
    }
}

#[test]
fn an_environment_of_python_stays_out_also_where_no_program_is_run_from_it() {
    let home = Home::online();
    for folder in ["venv/lib", "venv-3.12", "environment"] {
        fs::create_dir_all(home.folder().join(folder)).unwrap();
    }
    home.put("venv/pyvenv.cfg", "");
    home.put("venv-3.12/pyvenv.cfg", "");
    let settings = "readable = [\"venv/lib\", \"environment\"]\n";
    home.put("farcall.toml", &format!("{PROJECT}{settings}"));
    let ended = home.deploy("docker");
    assert!(
        ended.exit == 0
            && ended.stderr.matches("warning").count() == 2
            && ended.stderr.contains("the file names `venv/lib`")
            && ended
                .stderr
                .contains("warning: the image is without `venv`, `venv-3.12`, as an environment"),
        "{ended}"
    );
    let text = home.read(".dockerignore");
    assert!(
        text.contains("\nvenv\n") && !text.contains("environment\n"),
        "{text}"
    );
    assert!(!home.read("Dockerfile").contains("-m venv"));
}
