//! Processes that have children, and go where they are not expected.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, atomic::AtomicBool},
    thread,
};

use rustix::process::setsid;

/// A child with a grandchild, and a child with a grandchild in a session of their own.
pub(crate) fn family(token: &str) {
    start("parent", token);
    start("hermit", token);
    wait();
}

/// A child that waits.
pub(crate) fn parent(token: &str) {
    start("wait", token);
    wait();
}

/// Leaves the session and the group, and has a child there.
pub(crate) fn hermit(token: &str) {
    setsid().unwrap();
    start("wait", token);
    wait();
}

/// Ends, and leaves a hermit with its child behind.
pub(crate) fn leave(token: &str) {
    let mut hermit = command("hermit", token)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(hermit.stdout.take().unwrap()).lines();
    assert_eq!(lines.take(2).flatten().count(), 2);
    super::say("left");
}

/// Does not end when it is told to.
pub(crate) fn stubborn() {
    let told = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, told).unwrap();
    wait();
}

/// Has as many children as it can, each in a session of its own and with as many.
pub(crate) fn bomb(token: &str) {
    // Of those that lead a session already, none has to leave it.
    let _ = setsid();
    super::say("up");
    let mut children = Vec::new();
    loop {
        match command("bomb", token).stdout(Stdio::null()).spawn() {
            Ok(child) => children.push(child),
            Err(_) => thread::yield_now(),
        }
    }
}

/// Until it is killed.
pub(crate) fn wait() {
    super::say("up");
    loop {
        thread::park();
    }
}

fn start(verb: &str, token: &str) -> Child {
    command(verb, token).spawn().unwrap()
}

fn command(verb: &str, token: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([verb, token]);
    command
}
