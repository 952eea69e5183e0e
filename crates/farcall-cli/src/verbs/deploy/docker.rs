//! An image of the server.

use super::{Build, Deployment, Planned, template::fill};
use crate::Failure;

const PACKAGE: &str = include_str!("templates/Dockerfile.package");
const PROJECT: &str = include_str!("templates/Dockerfile.project");
const IGNORE: &str = include_str!("templates/dockerignore");

/// Rust in the stage that compiles: the oldest that farcall builds with is new enough, and all after it.
const RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// What a `farcall.toml` with Python programs begins with.
const PYTHON: &str = "python:3.13-slim-bookworm";

/// What every other one begins with.
const DEBIAN: &str = "debian:bookworm-slim";

/// The files for `deployment`.
///
/// # Errors
/// Where the folder holds nothing that an image can be made of.
pub(super) fn files(deployment: &Deployment) -> Result<Vec<Planned>, Failure> {
    let (dockerfile, is_below) = match &deployment.build {
        Build::Package {
            package,
            binary,
            up,
            is_locked,
            ..
        } => {
            let locked = if *is_locked { " --locked" } else { "" };
            let values = [
                ("package", package.as_str()),
                ("binary", binary),
                ("locked", locked),
            ];
            (filled(PACKAGE, deployment, &values), !up.is_empty())
        }
        Build::Project {
            programs,
            has_requirements,
        } => {
            let is_python = programs.iter().any(|program| program.starts_with("python"));
            let base = if is_python { PYTHON } else { DEBIAN };
            let requirements = if is_python && *has_requirements {
                "COPY requirements.txt ./\nRUN pip install --no-cache-dir --requirement requirements.txt\n"
            } else {
                ""
            };
            let packages = packages(programs);
            let values = [
                ("base", base),
                ("requirements", requirements),
                ("packages", packages.as_str()),
                ("version", env!("CARGO_PKG_VERSION")),
            ];
            (filled(PROJECT, deployment, &values), false)
        }
        Build::Impossible { reason, hint } => {
            return Err(Failure::usage(reason.as_str()).hint(hint.as_str()));
        }
    };
    let ignored = filled(IGNORE, deployment, &[("data", &data(deployment))]);
    let mut files = vec![
        Planned::new("Dockerfile", dockerfile),
        Planned::new(".dockerignore", ignored.clone()),
    ];
    if is_below {
        // Where the build begins in another folder, only this name is looked for beside the Dockerfile.
        files.push(Planned::new("Dockerfile.dockerignore", ignored));
    }
    Ok(files)
}

fn filled(template: &str, deployment: &Deployment, more: &[(&str, &str)]) -> String {
    let slug = deployment.slug();
    let folder = shell_word(deployment.folder.rsplit('/').next().unwrap_or_default());
    let context = context(deployment);
    let port = deployment.config.http.port.to_string();
    let stop = deployment.stops_within().to_string();
    let title = deployment.title();
    let mut values = vec![
        ("title", title.as_str()),
        ("command", &deployment.command),
        ("slug", &slug),
        ("folder", &folder),
        ("context", &context),
        ("port", &port),
        ("stop", &stop),
        ("rust", RUST),
    ];
    values.extend_from_slice(more);
    fill(template, &values)
}

/// `text` as one word of a shell.
fn shell_word(text: &str) -> String {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "/._-+".contains(sign);
    if !text.is_empty() && text.chars().all(is_plain) && !text.starts_with('-') {
        return text.to_owned();
    }
    let dashes = if text.starts_with('-') { "-- " } else { "" };
    format!("{dashes}'{}'", text.replace('\'', "'\\''"))
}

/// What `docker build` is given behind the name: where its files begin.
fn context(deployment: &Deployment) -> String {
    match &deployment.build {
        Build::Package { up, .. } if !up.is_empty() => format!("-f Dockerfile {up}"),
        _ => ".".to_owned(),
    }
}

/// The line that installs what the programs of a `farcall.toml` need, as far as that can be told: some names of
/// programs are those of packages, and the rest is for whoever knows.
fn packages(programs: &[String]) -> String {
    let here = ["bash", "cat", "echo", "env", "sh"];
    let needed: Vec<_> = programs
        .iter()
        .filter(|program| !here.contains(&program.as_str()) && !program.starts_with("python"))
        .map(String::as_str)
        .collect();
    let named = if needed.is_empty() {
        "# It runs no program that the base lacks. Add packages here where one needs more.\n"
            .to_owned()
    } else {
        format!(
            "# It runs {}: add the packages that have them, and what they need.\n",
            needed.join(", ")
        )
    };
    format!(
        "{named}RUN apt-get update \\\n && apt-get install --yes --no-install-recommends ca-certificates \\\n && rm -rf /var/lib/apt/lists/*\n"
    )
}

/// The line for the data folder, where it is one below the folder and has a name of its own.
fn data(deployment: &Deployment) -> String {
    let folder = &deployment.config.storage.data_dir;
    let text = folder.to_string_lossy();
    if folder.is_absolute() || text == ".farcall" || text.contains("..") {
        return String::new();
    }
    format!(
        "**/{}\n",
        text.trim_start_matches("./").trim_end_matches('/')
    )
}
