//! The project of a `farcall.toml`, as far as an image needs it.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{self, Path, PathBuf},
};

use farcall_config::file::{Body, Entry, Project};

use super::Build;

/// Python, where nothing says which.
const PYTHON: &str = "3.13";

/// How an image of `project` is made, whose file is `file`, in the working folder `here`.
pub(super) fn build(project: &Project, file: &Path, here: &Path) -> Build {
    if project.folder != here && path::absolute(&project.folder).ok().as_deref() != Some(here) {
        return Build::Impossible {
            reason: "the farcall.toml is in another folder than this one".to_owned(),
            hint: "call it in the folder of the file".to_owned(),
        };
    }
    let (mut programs, mut environments, mut python) = (Vec::new(), Vec::new(), None);
    for program in commands(project) {
        let name = called(program);
        let Ok(own) = program.strip_prefix(&project.folder) else {
            python = python.or(version(&name));
            programs.push(name);
            continue;
        };
        if let Some(environment) = environment(&project.folder, own) {
            let said = settings(&project.folder.join(&environment));
            python = version(&name).or(said).or(python);
            environments.push(environment.to_string_lossy().into_owned());
        } else if own.starts_with("target") {
            // What cargo made here stays out.
            programs.push(own.to_string_lossy().into_owned());
        } else if let Some(interpreter) = interpreter(program) {
            python = python.or(version(&interpreter));
            programs.push(interpreter);
        }
    }
    for names in [&mut programs, &mut environments] {
        names.sort_unstable();
        names.dedup();
    }
    let is_python = |program: &String| program.starts_with("python");
    let has_python = !environments.is_empty() || programs.iter().any(is_python);
    Build::Project {
        file: called(file),
        python: has_python.then(|| python.unwrap_or_else(|| PYTHON.to_owned())),
        programs,
        environments,
        has_requirements: project.folder.join("requirements.txt").is_file(),
    }
}

/// The programs that it runs.
fn commands(project: &Project) -> impl Iterator<Item = &Path> {
    let entries = project.entries.iter().filter_map(|entry| {
        let body = match entry {
            Entry::Tool(tool) => &tool.body,
            Entry::Job(job) => &job.body,
        };
        match body {
            Body::Command(command) => Some(command),
            Body::Request(_) => None,
        }
    });
    let commands = entries.chain(project.mounts.iter().map(|mount| &mount.command));
    commands.map(|command| command.program.as_path())
}

/// The environment of Python that a program belongs to, such as `.venv` of `.venv/bin/python`; both from `folder`.
fn environment(folder: &Path, program: &Path) -> Option<PathBuf> {
    let programs = program.parent()?;
    let environment = programs.parent()?;
    let is_one = programs.ends_with("bin")
        && !environment.as_os_str().is_empty()
        && folder.join(environment).join("pyvenv.cfg").is_file();
    // Without `.` in it, as names are compared.
    is_one.then(|| environment.components().collect())
}

/// The version in the settings of an environment: major and minor.
fn settings(environment: &Path) -> Option<String> {
    let text = fs::read_to_string(environment.join("pyvenv.cfg")).ok()?;
    let mut pairs = text.lines().filter_map(|line| line.split_once('='));
    let (_, version) = pairs.find(|(name, _)| matches!(name.trim(), "version" | "version_info"))?;
    let mut parts = version.trim().split('.');
    minor(
        parts
            .next()
            .filter(|major| *major == "3")
            .and(parts.next())?,
    )
}

/// The version in the name of a program: `3.11` of `python3.11`.
fn version(program: &str) -> Option<String> {
    minor(program.strip_prefix("python3.")?)
}

fn minor(text: &str) -> Option<String> {
    let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("3.{text}"))
}

/// The name of the program that runs a script, which its first line says.
fn interpreter(script: &Path) -> Option<String> {
    /// As much of the first line as Linux reads.
    const LINE: u64 = 256;
    let mut begin = Vec::new();
    let file = File::open(script).ok()?;
    file.take(LINE).read_to_end(&mut begin).ok()?;
    let line = begin.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line.strip_prefix(b"#!")?);
    let mut words = line.split_whitespace();
    let first = called(Path::new(words.next()?));
    if first != "env" {
        return Some(first);
    }
    let named = words.find(|word| !word.starts_with('-') && !word.contains('='));
    named.map(|word| called(Path::new(word)))
}

fn called(program: &Path) -> String {
    let name = program.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
