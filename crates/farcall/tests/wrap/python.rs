//! The Python helper, on every Python that it is for.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;

use crate::{harness::Project, jobs::RENDER};

const VERSIONS: [&str; 5] = ["3.9", "3.10", "3.11", "3.12", "3.13"];

/// The Python of this version: in `FARCALL_PYTHONS`, folders of versions as pyenv and
/// `actions/setup-python` have them, or in `PATH`.
fn python(version: &str) -> PathBuf {
    let name = format!("python{version}");
    let home = std::env::var_os("HOME").unwrap_or_default();
    let folders = std::env::var_os("FARCALL_PYTHONS")
        .map_or(Path::new(&home).join(".pyenv/versions"), PathBuf::from);
    let versions = std::fs::read_dir(folders).into_iter().flatten().flatten();
    let of_versions = versions.map(|entry| entry.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap();
    let mut folders = of_versions.chain(std::env::split_paths(&path));
    let found = folders.find_map(|folder| Some(folder.join(&name)).filter(|path| path.is_file()));
    found.unwrap_or_else(|| {
        panic!("there is no `{name}`; install it, or name its folder in FARCALL_PYTHONS")
    })
}

#[test]
fn the_helper_works_on_every_python() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../python/tests/test_farcall.py");
    for version in VERSIONS {
        let run = Command::new(python(version)).arg(&tests).output().unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(
            run.status.success() && said.contains("Ran 6 tests"),
            "{version}: {said}"
        );
    }
}

#[tokio::test]
async fn a_program_of_every_python_is_a_job() {
    let toml: String = VERSIONS
        .iter()
        .map(|version| {
            let job = RENDER.replace("python3", python(version).to_str().unwrap());
            job.replace(
                "[job.render]",
                &format!("[job.render{}]", version.replace('.', "")),
            )
        })
        .collect();
    let server = Project::new(&toml).serve().await;
    for version in VERSIONS {
        let job = format!("render{}", version.replace('.', ""));
        let id = server.start(&job, json!({"scene": "lake"})).await;
        let result = server.result(&job, &id).await;
        assert_eq!(result["result"], json!({"frames": 4, "python": version}));
    }
}
