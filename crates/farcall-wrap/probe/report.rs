//! What a program was given.

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, Read},
    os::unix::ffi::OsStrExt,
};

use rustix::{
    fs::Mode,
    process::{getpgrp, getpid, getsid, umask},
};
use serde_json::{Map, Value, json};

pub(crate) fn report(argv: impl Iterator<Item = OsString>, input: Option<io::Stdin>) {
    let environment: Map<_, _> = env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), text(&value)))
        .collect();
    let argv: Vec<_> = argv.map(|word| text(&word)).collect();
    let input = input.map(|mut input| {
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes).unwrap();
        text(OsStr::from_bytes(&bytes))
    });
    let report = json!({
        "argv": argv,
        "environment": environment,
        "cwd": text(env::current_dir().unwrap().as_os_str()),
        "stdin": input,
        "process": getpid().as_raw_pid(),
        "group": getpgrp().as_raw_pid(),
        "session": getsid(None).unwrap().as_raw_pid(),
        "umask": umask(Mode::empty()).bits(),
    });
    super::say(&report.to_string());
}

/// Text as it is; other bytes as an array of numbers.
fn text(bytes: &OsStr) -> Value {
    match bytes.to_str() {
        Some(text) => Value::from(text),
        None => Value::from(bytes.as_bytes()),
    }
}
