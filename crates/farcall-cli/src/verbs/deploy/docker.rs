//! An image of the server.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use super::{
    Build, Deployment, Planned,
    deployment::{operand, shell_word},
    ignored,
    project::is_python,
    template::fill,
};
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
    let dockerfile = match &deployment.build {
        Build::Package {
            package,
            binary,
            is_locked,
            ..
        } => {
            let locked = if *is_locked { " --locked" } else { "" };
            let values = [
                ("package", package.as_str()),
                ("binary", binary),
                ("locked", locked),
            ];
            filled(PACKAGE, deployment, &values)
        }
        Build::Project {
            file,
            python,
            programs,
            environments,
            searched,
            has_requirements,
            ..
        } => {
            let base = match python {
                Some(version) => format!("python:{version}-slim-bookworm"),
                None => DEBIAN.to_owned(),
            };
            let command = match file.as_str() {
                "farcall.toml" => serde_json::json!(["serve"]),
                file => serde_json::json!(["serve", "--config", operand(file)]),
            };
            let installed = format!(
                "{}{}",
                requirements(programs, environments, *has_requirements),
                paths(&deployment.slug(), searched)
            );
            let values = [
                ("base", base.as_str()),
                ("requirements", &installed),
                ("packages", &packages(programs, python.is_some())),
                ("arguments", &command.to_string()),
                ("version", env!("CARGO_PKG_VERSION")),
            ];
            filled(PROJECT, deployment, &values)
        }
        Build::Impossible { reason, hint } => {
            return Err(Failure::usage(reason.as_str()).hint(hint.as_str()));
        }
    };
    let ignored = |up: &str, down: &str| {
        let more = ignored::lines(deployment, up, down)?;
        Ok::<_, Failure>(filled(IGNORE, deployment, &[("more", &more)]))
    };
    let mut files = vec![
        Planned::new("Dockerfile", dockerfile),
        Planned::new(".dockerignore", ignored("", "")?),
    ];
    if let Build::Package { up, down, .. } = &deployment.build
        && !up.is_empty()
    {
        // Where the build begins in another folder, only this name is looked for beside the Dockerfile.
        files.push(Planned::new("Dockerfile.dockerignore", ignored(up, down)?));
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
const IN_BASE: [&str; 93] = [
    "awk",
    "base64",
    "basename",
    "bash",
    "cat",
    "chmod",
    "cksum",
    "cmp",
    "comm",
    "cp",
    "csplit",
    "cut",
    "dash",
    "date",
    "dd",
    "df",
    "diff",
    "dirname",
    "du",
    "echo",
    "egrep",
    "env",
    "expr",
    "false",
    "farcall",
    "fgrep",
    "find",
    "flock",
    "fold",
    "grep",
    "gzip",
    "head",
    "hostname",
    "id",
    "install",
    "ionice",
    "join",
    "link",
    "ln",
    "ls",
    "mawk",
    "md5sum",
    "mkdir",
    "mkfifo",
    "mktemp",
    "mv",
    "nice",
    "nl",
    "nohup",
    "nproc",
    "numfmt",
    "od",
    "paste",
    "perl",
    "printf",
    "pwd",
    "readlink",
    "realpath",
    "rm",
    "rmdir",
    "sed",
    "seq",
    "setsid",
    "sh",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "shuf",
    "sleep",
    "sort",
    "split",
    "stat",
    "stdbuf",
    "sum",
    "sync",
    "tac",
    "tail",
    "tar",
    "tee",
    "test",
    "timeout",
    "touch",
    "tr",
    "true",
    "truncate",
    "tsort",
    "uname",
    "uniq",
    "unlink",
    "wc",
    "xargs",
    "yes",
    "zcat",
];

/// The programs that the image has not.
fn lacking(programs: &[String]) -> Vec<&str> {
    let names = programs.iter().map(String::as_str);
    names
        .filter(|program| !IN_BASE.contains(program) && !is_python(program))
        .collect()
}

/// The lines that install what the programs of a `farcall.toml` need, as far as that can be told: some names of
/// programs are those of packages, and the rest is for whoever knows.
fn packages(programs: &[String], has_python: bool) -> String {
    let lacking = lacking(programs);
    let named = if lacking.is_empty() {
        "# Add packages here where its programs need more.\n".to_owned()
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
    let runs_python = programs.iter().any(|name| is_python(name));
    if are_there && (!environments.is_empty() || runs_python) {
        lines.push_str(
            "# Where it names files of this folder, with -r or -e, copy those here, too.\nCOPY requirements.txt ./\n",
        );
    }
    if are_there && runs_python {
        let _ = writeln!(lines, "RUN {INSTALL}");
    }
    for environment in environments {
        let path = shell_word(environment);
        let _ = write!(lines, "RUN python -m venv {path}");
        if are_there {
            let pip = shell_word(&format!("{environment}/bin/"));
            let _ = write!(lines, " \\\n && {pip}{INSTALL}");
        }
        lines.push('\n');
    }
    lines
}

/// The line by which a program is found by its name where it is found here.
fn paths(slug: &str, searched: &[String]) -> String {
    if searched.is_empty() {
        return String::new();
    }
    let home = Path::new("/srv").join(slug);
    let mut path = String::new();
    for folder in searched {
        for sign in home.join(folder).to_string_lossy().chars() {
            if matches!(sign, '"' | '$' | '\\') {
                path.push('\\');
            }
            path.push(sign);
        }
        path.push(':');
    }
    format!("# Where its programs are looked for first, as here.\nENV PATH=\"{path}$PATH\"\n")
}

/// What keeps a container of the image from working as the server does that runs here.
pub(super) fn warnings(deployment: &Deployment) -> Vec<String> {
    let mut warnings = outside(deployment);
    warnings.extend(deployment.secret_files.iter().map(|(name, path)| {
        format!(
            "`{name}` names the file `{path}`, which the image does not have: mount it into the container, and set the \
             variable to its path there"
        )
    }));
    if let Build::Project {
        programs,
        environments,
        absent,
        built,
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
        warnings.extend(absent.iter().map(|path| {
            format!(
                "the image has nothing at `{path}`: write the program as a name, or as the path of what is in the folder, \
                 from the folder, and write the Dockerfile again"
            )
        }));
        warnings.extend(built.iter().map(|path| {
            format!(
                "what cargo built, `{path}`, stays out of the image: build it in a stage of the Dockerfile, or copy it out \
                 of `target` and name it there"
            )
        }));
        if !has_requirements && let Some(environment) = environments.first() {
            let pip = shell_word(&format!("{environment}/bin/pip"));
            warnings.push(format!(
                "there is no `requirements.txt`, so nothing is installed into `{environment}` of the image: make it with \
                 `{pip} freeze > requirements.txt` (or `uv pip freeze`), and write the Dockerfile again"
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
    let is_in_volume = |path: &str| Path::new(path).starts_with("/data");
    if let Some(place) = files.filter(|place| !is_in_volume(place.url.path())) {
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
