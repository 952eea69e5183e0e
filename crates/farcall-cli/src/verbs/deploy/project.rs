//! The project of a `farcall.toml`, as far as an image needs it.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{self, Component, Path, PathBuf},
};

use farcall_config::file::{Body, Command, Entry, Project};

use super::{Build, deployment::called};

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
    let needs = Needs::of(project);
    let has_python =
        !needs.environments.is_empty() || needs.programs.iter().any(|name| is_python(name));
    Build::Project {
        file: called(file),
        python: has_python.then(|| needs.python.unwrap_or_else(|| PYTHON.to_owned())),
        programs: needs.programs,
        environments: needs.environments,
        searched: needs.searched,
        absent: needs.absent,
        built: needs.built,
        has_requirements: project.folder.join("requirements.txt").is_file(),
    }
}

/// Whether a program of this name is Python: `python`, `python3`, `python3.12`.
pub(super) fn is_python(program: &str) -> bool {
    let version = program.strip_prefix("python");
    version.is_some_and(|version| {
        matches!(version, "" | "3") || version.strip_prefix("3.").and_then(minor).is_some()
    })
}

/// What the programs of a project need, as [`Build::Project`] has it.
#[derive(Default)]
struct Needs {
    programs: Vec<String>,
    environments: Vec<String>,
    searched: Vec<String>,
    absent: Vec<String>,
    built: Vec<String>,
    python: Option<String>,
}

impl Needs {
    fn of(project: &Project) -> Self {
        let mut needs = Self::default();
        for command in commands(project) {
            needs.add(&project.folder, command);
        }
        for names in [
            &mut needs.programs,
            &mut needs.environments,
            &mut needs.searched,
            &mut needs.absent,
            &mut needs.built,
        ] {
            names.sort_unstable();
            names.dedup();
        }
        needs
    }

    fn add(&mut self, folder: &Path, command: &Command) {
        let (program, written) = (&command.program, Path::new(&command.written));
        // An image has the folder elsewhere.
        if written.is_absolute() {
            return self.outside(written);
        }
        let Ok(own) = program.strip_prefix(folder) else {
            return self.outside(written);
        };
        if !command.written.contains('/') {
            let folder = own.parent().unwrap_or(Path::new(""));
            self.searched.push(folder.to_string_lossy().into_owned());
        }
        if let Some(environment) = environment(folder, own) {
            let said = settings(&folder.join(&environment));
            let python = version(&called(program)).or(said);
            self.python = python.or(self.python.take());
            self.environments
                .push(environment.to_string_lossy().into_owned());
        } else if own
            .components()
            .any(|part| part == Component::ParentDir || part.as_os_str() == "node_modules")
        {
            // Above the folder, or left out of an image, which makes its own.
            self.absent.push(command.written.clone());
        } else if own.starts_with("target") {
            self.built.push(own.to_string_lossy().into_owned());
        } else if let Some(interpreter) = interpreter(program) {
            self.outside(&interpreter);
        }
    }

    /// A program that the folder does not bring, by the name or the path that it is run by.
    fn outside(&mut self, program: &Path) {
        let name = called(program);
        let is_placed = match program.parent().and_then(Path::to_str) {
            Some("") => true,
            // Where Debian's packages put theirs; of Python there is a link.
            Some("/bin" | "/usr/bin") => name == "python3" || !is_python(&name),
            Some("/usr/local/bin") => name == "farcall" || is_python(&name),
            _ => false,
        };
        if is_placed {
            self.python = self.python.take().or_else(|| version(&name));
            self.programs.push(name);
        } else {
            self.absent.push(program.to_string_lossy().into_owned());
        }
    }
}

/// The programs that it runs.
fn commands(project: &Project) -> impl Iterator<Item = &Command> {
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
    entries.chain(project.mounts.iter().map(|mount| &mount.command))
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

/// The program that runs a script, by the path or the name that its first line says.
fn interpreter(script: &Path) -> Option<PathBuf> {
    /// As much of the first line as Linux reads.
    const LINE: u64 = 256;
    let mut begin = Vec::new();
    let file = File::open(script).ok()?;
    file.take(LINE).read_to_end(&mut begin).ok()?;
    let line = begin.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line.strip_prefix(b"#!")?);
    let mut words = line.split_whitespace();
    let first = words.next()?;
    if called(Path::new(first)) != "env" {
        return Some(first.into());
    }
    let named = words.find(|word| !word.starts_with('-') && !word.contains('='));
    named.map(PathBuf::from)
}
