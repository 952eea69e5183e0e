//! Things that may be forbidden.

use std::{
    fs::{self, File},
    io::{self, Write},
    process::{Command, Stdio},
};

use rustix::process::{Pid, test_kill_process};

/// Prints `ok`, or what the system says.
pub(crate) fn attempt(words: &[String]) {
    let outcome = match words {
        [verb, path] if verb == "read" => read(path),
        [verb, path] if verb == "write" => fs::write(path, "written"),
        [verb, path, bytes] if verb == "fill" => fill(path, bytes.parse().unwrap()),
        [verb, path] if verb == "truncate" => truncate(path),
        [verb, path] if verb == "execute" => execute(path),
        [verb, process] if verb == "signal" => signal(process.parse().unwrap()),
        [verb, bytes] if verb == "allocate" => allocate(bytes.parse().unwrap()),
        [verb, count] if verb == "open" => open(count.parse().unwrap()),
        other => panic!("there is no such attempt: {other:?}"),
    };
    match outcome {
        Ok(()) => super::say("ok"),
        Err(error) => super::say(&format!("{:?}", error.kind())),
    }
}

fn read(path: &str) -> io::Result<()> {
    if fs::metadata(path)?.is_dir() {
        fs::read_dir(path).map(drop)
    } else {
        fs::read(path).map(drop)
    }
}

fn fill(path: &str, bytes: usize) -> io::Result<()> {
    File::create(path)?.write_all(&vec![0; bytes])
}

fn execute(path: &str) -> io::Result<()> {
    let status = Command::new(path).stdout(Stdio::null()).status()?;
    assert!(status.success());
    Ok(())
}

fn signal(process: i32) -> io::Result<()> {
    Ok(test_kill_process(Pid::from_raw(process).unwrap())?)
}

fn allocate(bytes: usize) -> io::Result<()> {
    let mut room: Vec<u8> = Vec::new();
    room.try_reserve_exact(bytes)
        .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))
}

fn open(count: usize) -> io::Result<()> {
    let files: io::Result<Vec<_>> = (0..count).map(|_| File::open("/dev/null")).collect();
    files.map(drop)
}

/// By its path, without opening it: what landlock did not know before its third version.
fn truncate(path: &str) -> io::Result<()> {
    let status = Command::new("/usr/bin/truncate")
        .args(["--no-create", "--size=0", path])
        .stderr(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::from(io::ErrorKind::PermissionDenied))
    }
}
