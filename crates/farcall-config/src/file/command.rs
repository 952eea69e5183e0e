//! A program that is run for a tool or a job.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use secrecy::{ExposeSecret, SecretString};

/// How to run a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program's absolute path, found when the file was read.
    pub program: PathBuf,
    /// What the file calls it: a name, which was looked for in `PATH`, or a path.
    pub written: String,
    /// Its arguments; no shell ever sees them. Where it runs in a folder of its own, the first that is
    /// the name of a file in the project's folder, such as a script, is its absolute path.
    pub arguments: Vec<Element>,
    /// The absolute folder it runs in; of its own, emptied for each run, where it is none. Without one, a
    /// mounted server runs in the project's, and where it runs for a job in the job's.
    pub working_dir: Option<PathBuf>,
    /// Files and folders that it may read besides the project's folder, by their absolute paths.
    pub readable: Vec<PathBuf>,
    /// Files and folders that it may write to besides its working folder, by their absolute paths.
    pub writable: Vec<PathBuf>,
    /// What it reads.
    pub stdin: Stdin,
    /// What it finds in its environment.
    pub environment: Environment,
    /// What it may use.
    pub limits: Limits,
    /// What keeps it in its place.
    pub sandbox: Sandbox,
    /// How long it has between being told to stop and being killed; 10 seconds by default.
    pub grace: Duration,
}

/// One argument: the pieces are joined, so it stays one whatever callers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its pieces, at least one; only where a placeholder is the only one can it become no argument,
    /// or several.
    pub pieces: Vec<Piece>,
    /// Whether `--` stands before it, so that it cannot be taken for an option.
    pub is_operand: bool,
}

/// A part of an argument, or of a path or query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As it stands; `{{` and `}}` in the file are braces here.
    Text(String),
    /// The value of the parameter of this name.
    Parameter(String),
}

/// What a program reads on its standard input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing.
    #[default]
    Null,
    /// All arguments, as one JSON object.
    Json,
}

/// The environment of a program: nothing but this.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Variables that are passed on from the server's own environment, where they are set: HOME, LANG,
    /// LC_ALL, LC_CTYPE, PATH, TZ, and those that the file names.
    pub inherited: Vec<String>,
    /// Variables that the file sets, with `${NAME}` already filled in; may hold secrets.
    pub set: BTreeMap<String, SecretString>,
}

impl Environment {
    fn exposed(&self) -> impl Iterator<Item = (&str, &str)> {
        let set = self.set.iter();
        set.map(|(name, value)| (name.as_str(), value.expose_secret()))
    }
}

// Both are the operator's, so nobody learns anything from how long it takes.
impl PartialEq for Environment {
    fn eq(&self, other: &Self) -> bool {
        self.inherited == other.inherited && self.exposed().eq(other.exposed())
    }
}

impl Eq for Environment {}

/// What a program may use at most; the default is that of the shim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of address space.
    pub memory: Option<u64>,
    /// Seconds of processor time.
    pub cpu: Option<Duration>,
    /// Bytes of any one file that it writes.
    pub file_size: Option<u64>,
    /// Processes and threads of its user.
    pub processes: Option<u64>,
    /// Open files.
    pub open_files: Option<u64>,
    /// Bytes of its output that are kept, 100 MiB by default; more end it. Of a mounted server these are
    /// the bytes of one message, 16 MiB by default.
    pub output: Option<u64>,
}

/// How a program is kept in its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sandbox {
    /// By the kernel where it can, with a warning at start where it cannot.
    #[default]
    Default,
    /// By the kernel, or the server does not start.
    Required,
    /// By bubblewrap, without network and with a temporary folder of its own, or the server does not
    /// start.
    Bwrap,
    /// Not at all.
    Off,
}

/// Where the code of a job runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// In the server's process.
    #[default]
    InProcess,
    /// In a process of its own.
    Process,
}
