//! An image of the server.

use std::{fmt::Write as _, path::PathBuf};

use super::{Build, Deployment, Planned, deployment::shell_word, ignored, template::fill};
use crate::Failure;

const PACKAGE: &str = include_str!("templates/Dockerfile.package");
const PROJECT: &str = include_str!("templates/Dockerfile.project");
const IGNORE: &str = include_str!("templates/dockerignore");

/// Rust in the stage that compiles: the oldest that farcall builds with is new enough, and all after it.
const RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// What a `farcall.toml` without Python begins with.
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
            file,
            python,
            programs,
            environments,
            has_requirements,
        } => {
            let base = match python {
                Some(version) => format!("python:{version}-slim-bookworm"),
                None => DEBIAN.to_owned(),
            };
            let command = match file.as_str() {
                "farcall.toml" => serde_json::json!(["serve"]),
                file => serde_json::json!(["serve", "--config", file]),
            };
            let values = [
                ("base", base.as_str()),
                (
                    "requirements",
                    &requirements(programs, environments, *has_requirements),
                ),
                ("packages", &packages(programs, python.is_some())),
                ("arguments", &command.to_string()),
                ("version", env!("CARGO_PKG_VERSION")),
            ];
            (filled(PROJECT, deployment, &values), false)
        }
        Build::Impossible { reason, hint } => {
            return Err(Failure::usage(reason.as_str()).hint(hint.as_str()));
        }
    };
    let ignored = filled(
        IGNORE,
        deployment,
        &[("more", &ignored::lines(deployment)?)],
    );
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
    let written = deployment.written("docker");
    let mut values = vec![
        ("title", title.as_str()),
        ("command", &deployment.command),
        ("written", &written),
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

/// What `docker build` is given behind the name: where its files begin.
fn context(deployment: &Deployment) -> String {
    match &deployment.build {
        Build::Package { up, .. } if !up.is_empty() => format!("-f Dockerfile {up}"),
        _ => ".".to_owned(),
    }
}

/// What Debian's smallest image has, and farcall's own.
const IN_BASE: [&str; 53] = [
    "awk",
    "base64",
    "basename",
    "bash",
    "cat",
    "chmod",
    "cp",
    "cut",
    "date",
    "dd",
    "df",
    "dirname",
    "du",
    "echo",
    "env",
    "expr",
    "false",
    "farcall",
    "find",
    "grep",
    "gzip",
    "head",
    "hostname",
    "id",
    "ln",
    "ls",
    "md5sum",
    "mkdir",
    "mktemp",
    "mv",
    "nproc",
    "perl",
    "printf",
    "pwd",
    "rm",
    "sed",
    "seq",
    "sh",
    "sha256sum",
    "sleep",
    "sort",
    "stat",
    "tail",
    "tar",
    "tee",
    "test",
    "touch",
    "tr",
    "true",
    "uname",
    "uniq",
    "wc",
    "xargs",
];

/// The programs that the image has not.
fn lacking(programs: &[String]) -> Vec<&str> {
    let names = programs.iter().map(String::as_str);
    names
        .filter(|program| !IN_BASE.contains(program) && !program.starts_with("python"))
        .collect()
}

/// The lines that install what the programs of a `farcall.toml` need, as far as that can be told: some names of
/// programs are those of packages, and the rest is for whoever knows.
fn packages(programs: &[String], has_python: bool) -> String {
    let lacking = lacking(programs);
    let named = if lacking.is_empty() {
        "# It runs no program that the base lacks. Add packages here where one needs more.\n"
            .to_owned()
    } else {
        format!(
            "# It runs {}: add the packages that have them, and what they need.\n",
            lacking.join(", ")
        )
    };
    let linked = if has_python {
        "# The path that it has in Debian, for scripts that begin with it.\nRUN ln -sf /usr/local/bin/python3 /usr/bin/python3\n"
    } else {
        ""
    };
    format!(
        "{named}RUN apt-get update \\\n && apt-get install --yes --no-install-recommends ca-certificates \\\n && rm -rf /var/lib/apt/lists/*\n{linked}"
    )
}

/// The lines that make the environments of Python anew, at the paths that the `farcall.toml` says, and install what
/// its programs import.
fn requirements(programs: &[String], environments: &[String], are_there: bool) -> String {
    const INSTALL: &str = "pip install --no-cache-dir --requirement requirements.txt";
    let mut lines = String::new();
    if are_there && (!environments.is_empty() || is_python(programs)) {
        lines.push_str("COPY requirements.txt ./\n");
    }
    if are_there && is_python(programs) {
        let _ = writeln!(lines, "RUN {INSTALL}");
    }
    for environment in environments {
        let environment = match environment.strip_prefix('-') {
            Some(_) => format!("./{environment}"),
            None => environment.clone(),
        };
        let path = shell_word(&environment);
        let _ = write!(lines, "RUN python -m venv {path}");
        if are_there {
            let pip = shell_word(&format!("{environment}/bin/"));
            let _ = write!(lines, " \\\n && {pip}{INSTALL}");
        }
        lines.push('\n');
    }
    lines
}

fn is_python(programs: &[String]) -> bool {
    programs.iter().any(|program| program.starts_with("python"))
}

/// What keeps a container of the image from working as the server does that runs here.
pub(super) fn warnings(deployment: &Deployment) -> Vec<String> {
    let mut warnings = outside(deployment);
    if let Build::Project {
        programs,
        environments,
        has_requirements,
        ..
    } = &deployment.build
    {
        let lacking = lacking(programs);
        if !lacking.is_empty() {
            warnings.push(format!(
                "the image lacks `{}`: add what has them to the `apt-get install` of the Dockerfile",
                lacking.join("`, `")
            ));
        }
        if !has_requirements && let Some(environment) = environments.first() {
            warnings.push(format!(
                "there is no `requirements.txt`, so nothing is installed into `{environment}` of the image: make it with \
                 `{environment}/bin/pip freeze > requirements.txt`, and write the Dockerfile again"
            ));
        }
    }
    warnings
}

/// Paths that a server can write to here, and in the container cannot.
fn outside(deployment: &Deployment) -> Vec<String> {
    let config = &deployment.config;
    let mut warnings = Vec::new();
    let files = config.storage.artifacts.as_ref();
    let files = files.filter(|place| place.url.scheme() == "file");
    if let Some(place) = files.filter(|place| !place.url.path().starts_with("/data/")) {
        warnings.push(format!(
            "`FARCALL_ARTIFACTS_URL` is `{}`, a folder that the container does not have: leave it out, and files are in \
             the volume; or name one below /data, or a bucket",
            place.url
        ));
    }
    let audit = config.audit.as_ref().and_then(|audit| audit.file.as_ref());
    // A relative one begins at the folder that it works in: that of the programs, or the volume.
    let is_kept = |file: &PathBuf| {
        file.starts_with("/data")
            || file.is_relative() && matches!(deployment.build, Build::Package { .. })
    };
    if let Some(file) = audit.filter(|file| !is_kept(file)) {
        warnings.push(format!(
            "`FARCALL_AUDIT` is `{}`, where the container cannot write: say stdout, or a path such as /data/audit.jsonl",
            file.display()
        ));
    }
    warnings
}
