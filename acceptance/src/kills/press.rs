//! A job that wants a thing for itself, and sees by itself whether it is alone with it.

use std::{
    fs::{self, File, TryLockError},
    io::Write,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use farcall::{Job, JobContext, Pipeline, Problem, data};
use farcall_config::{
    Source,
    file::{Body, Entry, Project},
};
use farcall_wrap::command::{self, Surroundings};
use tokio::runtime::Handle;

/// The variable with the folder of the thing; a server without it has no such job.
pub(crate) const FOLDER: &str = "KILLS_PRESS";

/// The variable with the `farcall.toml` by which a program does the job in the place of a function.
pub(crate) const FILE: &str = "KILLS_PRESS_FILE";

/// The name of the job.
pub(crate) const PRESS: &str = "press";

/// What is to be pressed.
#[data]
#[derive(Clone, Copy)]
pub(crate) struct Sheet {
    /// Which one it is.
    pub(crate) number: u32,
    /// How long it takes, in milliseconds.
    pub(crate) takes: u32,
}

/// What was seen so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// How often somebody was alone with it.
    pub(crate) alone: usize,
    /// How often somebody else had it at the same time.
    pub(crate) together: usize,
    /// How often somebody was done with it.
    pub(crate) done: usize,
}

/// The job; there is one of the thing that it wants.
pub(crate) fn job(folder: PathBuf) -> Job {
    let press = move |_: &JobContext, sheet: Sheet| press(&folder, sheet);
    let pipeline = Pipeline::new().stage("pressing", press);
    Job::new(PRESS, "Press a sheet.", pipeline).with(|options| {
        options.slots.insert("gpu".to_owned(), 1);
    })
}

/// What [`wrapped`] runs. What it leaves behind has the thing as long as it lives, in a session of its own
/// and deaf to TERM.
const SCRIPT: &str = r#"
note() { echo "$1 $number $$" >> "$FOLDER/pressed"; }
number=$1
exec 9>> "$FOLDER/thing"
if flock -n 9; then note alone; else note together; fi
setsid sh -c 'trap "" TERM; sleep 60' &
sleep "0.0$2"
note done
"#;

/// Writes a `farcall.toml` into `folder` whose job is that of a program, and returns its path.
pub(crate) fn declare(folder: &Path) -> PathBuf {
    let project = folder.join("project");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("press.sh"), SCRIPT).unwrap();
    let shown = folder.display();
    let toml = format!(
        r#"[job.{PRESS}]
description = "Press a sheet."
command = ["sh", "press.sh", "{{number}}", "{{takes}}"]
slots = {{ gpu = 1 }}
env = {{ FOLDER = "{shown}/pressing" }}
writable = ["{shown}/pressing"]
params.number = {{ type = "integer", description = "Which one it is." }}
params.takes = {{ type = "integer", minimum = 10, maximum = 99, description = "Milliseconds that it takes." }}
"#
    );
    let file = project.join("farcall.toml");
    fs::write(&file, toml).unwrap();
    file
}

/// The job that a `farcall.toml` declares.
pub(crate) fn wrapped(file: &Path) -> Job {
    let source = Source::from_environment(Path::new("/")).unwrap();
    let (project, _) = Project::read(file, &source).unwrap();
    let surroundings = Surroundings {
        folder: &project.folder,
        withheld: &[],
    };
    match &project.entries[..] {
        [Entry::Job(job)] => match &job.body {
            Body::Command(command) => command::job(job, command, surroundings).unwrap(),
            Body::Request(_) => panic!("a program was declared"),
        },
        other => panic!("one job was declared: {other:?}"),
    }
}

fn press(folder: &Path, sheet: Sheet) -> Result<Sheet, Problem> {
    let thing = File::options();
    let thing = { thing }
        .create(true)
        .append(true)
        .open(folder.join("thing"))?;
    // The system takes the lock back when the process ends, and not while it stands still.
    match thing.try_lock() {
        Ok(()) => note(folder, "alone", sheet)?,
        Err(TryLockError::WouldBlock) => note(folder, "together", sheet)?,
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    // Without a look at whether anybody wants it to stop.
    let work = Duration::from_millis(sheet.takes.into());
    Handle::current().block_on(tokio::time::sleep(work));
    note(folder, "done", sheet)?;
    Ok(sheet)
}

fn note(folder: &Path, what: &str, sheet: Sheet) -> Result<(), Problem> {
    let log = File::options();
    let mut log = { log }
        .create(true)
        .append(true)
        .open(folder.join("pressed"))?;
    let line = format!("{what} {} {}\n", sheet.number, process::id());
    Ok(log.write_all(line.as_bytes())?)
}

/// What the jobs in `folder` have seen.
pub(crate) fn seen(folder: &Path) -> Seen {
    let log = fs::read_to_string(folder.join("pressed")).unwrap_or_default();
    let mut seen = Seen::default();
    for line in log.lines() {
        match line.split(' ').next() {
            Some("alone") => seen.alone += 1,
            Some("together") => seen.together += 1,
            Some("done") => seen.done += 1,
            _ => panic!("the log says `{line}`"),
        }
    }
    seen
}
