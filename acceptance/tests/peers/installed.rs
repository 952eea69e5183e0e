//! farcall as it is installed: by pip, and by cargo, each into a place of its own.

use std::{env, path::Path};

use farcall_acceptance::{Launch, scratch};
use tempfile::TempDir;

use crate::peer::{Peer, repository};

/// What is typed in a folder with nothing in it, and answered by a server of the guide's kind.
const TOML: &str = r#"
[tool.add]
description = "Add two numbers."
command = ["python3", "add.py", "{a}", "{b}"]
params.a = { type = "number", description = "First number to add." }
params.b = { type = "number", description = "Second number to add." }

[job.render]
description = "Render frames."
command = ["python3", "render.py"]
stages = ["preparing assets", "rendering frames"]
"#;

/// Tells how far it is through the helper that came with the wheel.
const RENDER: &str = "import farcall\nfor stage in (1, 2):\n    farcall.stage(stage)\nfarcall.result({'ok': True})\n";

const ADD: &str =
    "import json, sys\nprint(json.dumps({'sum': float(sys.argv[1]) + float(sys.argv[2])}))\n";

fn place() -> TempDir {
    scratch(env!("CARGO_TARGET_TMPDIR"))
}

/// What cargo needs to compile once more only what it has not yet, and to put the programs into
/// `target`: put where this workspace has its own, they would be replaced while other tests start
/// them.
fn cargo(target: &Path) -> Vec<(&'static str, String)> {
    let test = env::current_exe().unwrap();
    let compiled = test.ancestors().nth(3).unwrap();
    let known = ["HOME", "CARGO_HOME", "RUSTUP_HOME", "CARGO_INCREMENTAL"];
    let known = known
        .into_iter()
        .filter_map(|name| env::var(name).ok().map(|value| (name, value)));
    let places = [
        ("CARGO_TARGET_DIR", target),
        ("CARGO_BUILD_BUILD_DIR", compiled),
    ];
    let places = places.map(|(name, place)| (name, place.to_str().unwrap().to_owned()));
    known.chain(places).collect()
}

fn borrowed<'a>(variables: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    let variables = variables.iter();
    variables
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

/// The guide's smoke test, of a server of the binary at `farcall` in `project`, and by it.
async fn smoke(farcall: &Path, project: &TempDir, path: &str) {
    for (name, text) in [
        ("farcall.toml", TOML),
        ("render.py", RENDER),
        ("add.py", ADD),
    ] {
        std::fs::write(project.path().join(name), text).unwrap();
    }
    let launch = Launch::of(farcall, project.path()).verb(&["serve"]);
    let server = launch.env("PATH", path).start().await;
    let said = Peer::at(farcall).arguments(&["smoke", &server.url()]);
    let said = said.content("farcall smoke").await;
    assert!(said.contains("add(2,3) -> {\"sum\":5.0}\n"), "{said}");
    assert!(said.contains("status -> succeeded 2/2"), "{said}");
    assert!(said.ends_with("OK ✅\n"), "{said}");
    server.stop().await;
}

/// A virtual environment that nobody has had before, with the wheel of this tree in it.
async fn environment() -> TempDir {
    let folder = place();
    let (wheels, new) = (folder.path().join("wheels"), folder.path().join("new"));
    Peer::maturin()
        .arguments(&["build", "--profile", "dev", "--out"])
        .argument(&wheels)
        .environment(&borrowed(&cargo(&folder.path().join("target"))))
        .within(&repository())
        .content("maturin build")
        .await;
    let python = Peer::at(Path::new("python3")).arguments(&["-m", "venv"]);
    python.argument(&new).content("python3 -m venv").await;
    let wheel = std::fs::read_dir(&wheels).unwrap().next().unwrap().unwrap();
    Peer::at(&new.join("bin/pip"))
        .arguments(&[
            "install",
            "--quiet",
            "--no-index",
            "--disable-pip-version-check",
        ])
        .argument(wheel.path())
        .content("pip install")
        .await;
    folder
}

#[tokio::test]
async fn pip_installs_the_binary_its_helper_its_manual_and_its_completions() {
    let folder = environment().await;
    let new = folder.path().join("new");
    let farcall = new.join("bin/farcall");
    let version = Peer::at(&farcall).arguments(&["--version"]);
    assert_eq!(
        version.content("--version").await,
        concat!("farcall ", env!("CARGO_PKG_VERSION"), "\n")
    );
    // The programs of the project find the helper, because they run with the Python that has it.
    let path = format!(
        "{}:{}",
        new.join("bin").display(),
        env::var("PATH").unwrap()
    );
    smoke(&farcall, &place(), &path).await;

    let manual = Peer::at(Path::new("man")).environment(&[
        ("MANPATH", new.join("share/man").to_str().unwrap()),
        ("MAN_KEEP_FORMATTING", ""),
        ("LC_ALL", "C.UTF-8"),
    ]);
    let page = manual
        .arguments(&["farcall-token-create"])
        .content("man")
        .await;
    assert!(
        page.contains("Create a caller, and print its token"),
        "{page}"
    );

    let typed = |words: &str| {
        let scripts = new.join("share/bash-completion/completions/farcall");
        let script = format!(
            "set -e; source /usr/share/bash-completion/bash_completion; source {}; \
             COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _farcall farcall \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[@]}}\"",
            scripts.display()
        );
        Peer::at(Path::new("bash"))
            .arguments(&["-c", &script])
            .content("bash")
    };
    assert_eq!(typed("farcall tok").await, "token\n");
    assert_eq!(typed("farcall token ro").await, "rotate\n");
    assert_eq!(typed("farcall token create --exp").await, "--expires\n");

    let fish = new.join("share/fish/vendor_completions.d/farcall.fish");
    let fish = format!("source {}; complete -C 'farcall token ro'", fish.display());
    let said = Peer::at(Path::new("fish")).arguments(&["-c", &fish]);
    let said = said.content("fish").await;
    assert!(said.starts_with("rotate\t"), "{said}");

    // What is found by its name in the folder, and can be read; its menu needs a terminal.
    let zsh = new.join("share/zsh/site-functions");
    let zsh = format!(
        "fpath=({} $fpath); autoload -Uz compinit; compinit -D -u; print $_comps[farcall]; \
         autoload +X _farcall; whence -w _farcall",
        zsh.display()
    );
    let said = Peer::at(Path::new("zsh")).arguments(&["-f", "-c", &zsh]);
    assert_eq!(said.content("zsh").await, "_farcall\n_farcall: function\n");
}

#[tokio::test]
async fn cargo_installs_the_binary() {
    let folder = place();
    Peer::at(Path::new("cargo"))
        .arguments(&[
            "install",
            "--quiet",
            "--locked",
            "--debug",
            "--path",
            "crates/farcall",
            "--root",
        ])
        .argument(folder.path())
        .environment(&borrowed(&cargo(&folder.path().join("target"))))
        .within(&repository())
        .content("cargo install")
        .await;
    let project = place();
    let helper = repository().join("python/farcall.py");
    std::fs::copy(helper, project.path().join("farcall.py")).unwrap();
    let farcall = folder.path().join("bin/farcall");
    smoke(&farcall, &project, &env::var("PATH").unwrap()).await;
}
