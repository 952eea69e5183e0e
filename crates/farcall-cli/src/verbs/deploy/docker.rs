//! An image of the server.

use std::{fmt::Write as _, path::Path};

use super::{
    Build, Deployment, Needs, Planned,
    deployment::{operand, shell_word},
    ignored,
    project::is_python,
    template::fill,
};
use crate::Failure;

const PACKAGE: &str = include_str!("templates/Dockerfile.package");
const PROJECT: &str = include_str!("templates/Dockerfile.project");

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
        Build::Project { file, needs } => {
            let base = match &needs.python {
                Some(version) => format!("python:{version}-slim-bookworm"),
                None => DEBIAN.to_owned(),
            };
            let command = match file.as_str() {
                "farcall.toml" => serde_json::json!(["serve"]),
                file => serde_json::json!(["serve", "--config", operand(file)]),
            };
            let installed = format!(
                "{}{}",
                requirements(needs),
                paths(&deployment.slug(), &needs.searched)
            );
            let values = [
                ("base", base.as_str()),
                ("requirements", &installed),
                ("packages", &packages(needs)),
                ("writable", &writable(&needs.writable)),
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
        Ok::<_, Failure>(filled(ignored::TEMPLATE, deployment, &[("more", &more)]))
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
pub(super) fn lacking(programs: &[String]) -> Vec<&str> {
    let names = programs.iter().map(String::as_str);
    names
        .filter(|program| !IN_BASE.contains(program) && !is_python(program))
        .collect()
}

/// The lines that install what the programs of a `farcall.toml` need, as far as that can be told: some names of
/// programs are those of packages, and the rest is for whoever knows.
fn packages(needs: &Needs) -> String {
    let lacking = lacking(&needs.programs);
    let named = if lacking.is_empty() {
        "# Add packages here where its programs need more.\n".to_owned()
    } else {
        format!(
            "# It runs {}: add the packages that have them, and what they need.\n",
            lacking.join(", ")
        )
    };
    let linked = if needs.python.is_some() {
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
fn requirements(needs: &Needs) -> String {
    const INSTALL: &str = "pip install --no-cache-dir --requirement requirements.txt";
    let mut lines = String::new();
    let are_there = needs.has_requirements;
    let runs_python = needs.programs.iter().any(|name| is_python(name));
    if are_there && needs.python.is_some() {
        lines.push_str(
            "# Where it names files of this folder, with -r or -e, copy those here, too.\nCOPY requirements.txt ./\n",
        );
    }
    if are_there && runs_python {
        let _ = writeln!(lines, "RUN {INSTALL}");
    }
    for environment in &needs.environments {
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

/// The line by which the server may write where its programs do.
fn writable(paths: &[String]) -> String {
    if paths.is_empty() {
        return String::new();
    }
    let words = |is_asked: fn(&str) -> bool| {
        let paths = paths.iter().filter(|path| is_asked(path));
        let words: Vec<_> = paths.map(|path| shell_word(path)).collect();
        words.join(" ")
    };
    // A checkout lacks those that are empty.
    let made = match words(|path| path.ends_with('/')).as_str() {
        "" => String::new(),
        folders => format!("mkdir -p {folders} \\\n && "),
    };
    format!(
        "# What its programs write to is the server's. It goes with the container, unless a volume is mounted there.\n\
         RUN {made}chown -R farcall:farcall {}\n",
        words(|_| true)
    )
}
