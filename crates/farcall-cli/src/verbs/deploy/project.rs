//! The project of a `farcall.toml`, as far as an image needs it.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{self, Component, Path, PathBuf},
};

use farcall_config::file::{Body, Command, Entry, Project};

use super::{
    Build,
    deployment::{called, is_own_host},
    ignored::{is_usual, real},
};

/// Python, where nothing says which.
const PYTHON: &str = "3.13";

/// How an image of `project` is made, whose file is `file`, in the working folder `here`; what is at the real paths
/// `own` stays out of it.
pub(super) fn build(project: &Project, file: &Path, here: &Path, own: &[PathBuf]) -> Build {
    if project.folder != here && path::absolute(&project.folder).ok().as_deref() != Some(here) {
        return Build::Impossible {
            reason: "the farcall.toml is in another folder than this one".to_owned(),
            hint: "call it in the folder of the file".to_owned(),
        };
    }
    Build::Project {
        file: called(file),
        needs: Needs::of(project, own),
    }
}

/// Whether a program of this name is Python: `python`, `python3`, `python3.12`.
pub(super) fn is_python(program: &str) -> bool {
    let version = program.strip_prefix("python");
    version.is_some_and(|version| {
        matches!(version, "" | "3") || version.strip_prefix("3.").and_then(minor).is_some()
    })
}

/// Whether a program of this name runs modules of Node.
fn is_node(program: &str) -> bool {
    matches!(program, "node" | "nodejs" | "npm" | "npx")
}

/// What an image has to bring for what a project runs, and what it lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The version of Python, such as `3.13`, where it runs Python.
    pub python: Option<String>,
    /// Programs that it runs and that its folder does not bring into an image, by name.
    pub programs: Vec<String>,
    /// Environments of Python, whose programs it runs, by paths from its folder.
    pub environments: Vec<String>,
    /// Environments of Python directly in its folder, whose programs it does not run, by name.
    pub idle: Vec<String>,
    /// An environment of Python outside of its folder, whose programs it runs by name.
    pub active: Option<String>,
    /// Folders in its own in which `PATH` finds programs here, by paths from it.
    pub searched: Vec<String>,
    /// Programs that it runs by paths at which an image has nothing.
    pub absent: Vec<String>,
    /// Programs that it runs and that cargo built in its folder.
    pub built: Vec<String>,
    /// Files and folders that it works with and that an image does not have.
    pub missing: Vec<String>,
    /// What its programs write to in its folder, by paths from there; those of folders end with `/`.
    pub writable: Vec<String>,
    /// Services at this machine's own address: names and hosts.
    pub local: Vec<(String, String)>,
    /// Whether its programs use the modules of a `package.json`.
    pub has_modules: bool,
    /// Whether there is a `requirements.txt`.
    pub has_requirements: bool,
}

impl Needs {
    fn of(project: &Project, left_out: &[PathBuf]) -> Self {
        let folder = &project.folder;
        let mut needs = Self {
            has_requirements: folder.join("requirements.txt").is_file(),
            ..Self::default()
        };
        for command in commands(project) {
            needs.add(folder, command);
        }
        let environments = environments(folder);
        let is_idle = |name: &String| !needs.environments.contains(name);
        needs.idle = environments.filter(is_idle).collect();
        for (place, is_written) in places(project) {
            needs.add_place(&real(folder), &place, is_written, left_out);
        }
        needs.local.extend(local(project));
        let runs = |names: fn(&str) -> bool| needs.programs.iter().any(|name| names(name));
        let (has_python, has_node) = (runs(is_python), runs(is_node));
        needs.has_modules |= has_node && folder.join("package.json").is_file();
        needs.python = if has_python || !needs.environments.is_empty() {
            needs.python.or_else(|| Some(PYTHON.to_owned()))
        } else {
            None
        };
        for names in [
            &mut needs.programs,
            &mut needs.environments,
            &mut needs.idle,
            &mut needs.searched,
            &mut needs.absent,
            &mut needs.built,
            &mut needs.missing,
            &mut needs.writable,
        ] {
            names.sort_unstable();
            names.dedup();
        }
        needs
    }

    /// Adds the program of a command.
    fn add(&mut self, folder: &Path, command: &Command) {
        let (program, written) = (&command.program, Path::new(&command.written));
        let is_named = !command.written.contains('/');
        // An image has the folder elsewhere.
        if written.is_absolute() {
            return self.outside(written);
        }
        let Ok(own) = program.strip_prefix(folder) else {
            return match program.ancestors().nth(2).filter(|_| is_named) {
                Some(above) if is_environment(above) => self.activated(program, above),
                _ => self.outside(written),
            };
        };
        if let Some(environment) = environment(folder, own) {
            self.takes_version_of(program, &folder.join(&environment));
            self.environments
                .push(environment.to_string_lossy().into_owned());
        } else if own.components().any(|part| part == Component::ParentDir) {
            self.absent.push(command.written.clone());
            return;
        } else if own.starts_with("target") {
            self.built.push(own.to_string_lossy().into_owned());
            return;
        } else {
            self.has_modules |= own.iter().any(|part| part == "node_modules");
            if let Some(interpreter) = interpreter(program) {
                self.outside(&interpreter);
            }
        }
        if is_named {
            let folder = own.parent().unwrap_or(Path::new(""));
            self.searched.push(folder.to_string_lossy().into_owned());
        }
    }

    /// A program of an environment of Python that is elsewhere and first in `PATH`: an image has its packages beside a
    /// Python of its own.
    fn activated(&mut self, program: &Path, environment: &Path) {
        self.takes_version_of(program, environment);
        self.programs.push("python3".to_owned());
        self.active = Some(environment.to_string_lossy().into_owned());
    }

    fn takes_version_of(&mut self, program: &Path, environment: &Path) {
        let said = version(&called(program)).or_else(|| settings(environment));
        self.python = said.or(self.python.take());
    }

    /// Adds what is read or written at a place, once environments are known; without links, as `folder` is.
    fn add_place(&mut self, folder: &Path, place: &Path, is_written: bool, left_out: &[PathBuf]) {
        /// Folders that every image has, with and without the links by which `/bin` is `/usr/bin`.
        const COMMON: [&str; 27] = [
            "/",
            "/bin",
            "/dev",
            "/dev/null",
            "/dev/shm",
            "/etc",
            "/etc/ssl",
            "/etc/ssl/certs",
            "/home",
            "/lib",
            "/lib64",
            "/opt",
            "/proc",
            "/run",
            "/sbin",
            "/srv",
            "/sys",
            "/tmp",
            "/usr",
            "/usr/bin",
            "/usr/lib",
            "/usr/lib64",
            "/usr/local",
            "/usr/sbin",
            "/usr/share",
            "/var",
            "/var/tmp",
        ];
        let Ok(own) = place.strip_prefix(folder) else {
            if !COMMON.iter().any(|common| place == Path::new(common)) {
                self.missing.push(place.to_string_lossy().into_owned());
            }
            return;
        };
        let own_name = own.to_string_lossy().into_owned();
        let is_in = |names: &[String]| names.iter().any(|name| own.starts_with(name));
        // An environment that it runs is left out and made anew.
        let is_bare = (is_usual(own) || is_in(&self.idle)) && !is_in(&self.environments);
        if is_bare || left_out.iter().any(|path| place.starts_with(path)) {
            self.missing.push(own_name);
        } else if is_written && !own_name.is_empty() {
            let end = if place.is_dir() { "/" } else { "" };
            self.writable.push(own_name + end);
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

/// Files and folders that it works with, without links; each with whether it writes there.
fn places(project: &Project) -> Vec<(PathBuf, bool)> {
    let mut places = Vec::new();
    for command in commands(project) {
        let read = command.readable.iter();
        places.extend(read.map(|place| (real(place), false)));
        let written = command.writable.iter().chain(&command.working_dir);
        places.extend(written.map(|place| (real(place), true)));
    }
    let services = project.services.values();
    let described = services.filter_map(|service| service.openapi.as_ref());
    places.extend(described.map(|openapi| (real(&openapi.document), false)));
    places
}

/// Its services at this machine's own address, with their hosts.
fn local(project: &Project) -> impl Iterator<Item = (String, String)> {
    let hosts = project.services.iter().filter_map(|(name, service)| {
        let host = service.base_url.host_str()?;
        Some((name.clone(), host.to_owned()))
    });
    hosts.filter(|(_, host)| is_own_host(host))
}

/// The environment of Python that a program belongs to, such as `.venv` of `.venv/bin/python`; both from `folder`.
fn environment(folder: &Path, program: &Path) -> Option<PathBuf> {
    let programs = program.parent()?;
    let environment = programs.parent()?;
    let is_one = programs.ends_with("bin")
        && !environment.as_os_str().is_empty()
        && is_environment(&folder.join(environment));
    // Without `.` in it, as names are compared.
    is_one.then(|| environment.components().collect())
}

/// The environments of Python directly in a folder, by name.
fn environments(folder: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let environments = entries.filter(|entry| is_environment(&entry.path()));
    environments.map(|entry| entry.file_name().to_string_lossy().into_owned())
}

fn is_environment(folder: &Path) -> bool {
    folder.join("pyvenv.cfg").is_file()
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
