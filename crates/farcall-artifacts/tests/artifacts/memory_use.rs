//! A large file flows through with little memory: measured in a process of its own.
#![cfg(target_os = "linux")]

use std::{env, io, process::Command};

use super::{rig::Rig, *};

const SIZE: usize = 128 << 20;

/// What a sink may hold, what the test's own server needs, and what freed memory the allocator
/// keeps. Half of what holding the file would take.
const MAX: u64 = 64 << 20;

#[test]
fn a_large_file_flows_both_ways_through_little_memory() {
    let measured = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "memory_use::the_process_that_is_measured",
            "--ignored",
            "--nocapture",
        ])
        .output()
        .unwrap();
    assert!(
        measured.status.success(),
        "{}{}",
        String::from_utf8_lossy(&measured.stdout),
        String::from_utf8_lossy(&measured.stderr)
    );
}

#[test]
#[ignore = "the test above starts it as a process of its own"]
fn the_process_that_is_measured() {
    let rig = Rig::s3();
    rig.write(job(2), 1, "warm", &pattern(1_000));
    let before = reset_peak();
    let mut sink = rig.begin(job(1), 1, "a").unwrap();
    let piece = pattern(1 << 16);
    for _ in 0..SIZE / piece.len() {
        sink.write_all(&piece).unwrap();
    }
    let artifact = sink.finish().unwrap();
    let up = peak() - before;
    println!("up: {} KiB", up / 1024);
    assert_eq!(artifact.size, SIZE as u64);
    assert!(up < MAX, "{up} bytes while it was written");

    let before = reset_peak();
    let mut reader = rig.artifacts.open_blocking(&artifact).unwrap();
    let read = io::copy(&mut reader, &mut io::sink()).unwrap();
    let down = peak() - before;
    println!("down: {} KiB", down / 1024);
    assert_eq!(read, SIZE as u64);
    assert!(down < MAX / 4, "{down} bytes while it was read");
}

/// Forgets the peak so far; returns what is resident now.
fn reset_peak() -> u64 {
    fs::write("/proc/self/clear_refs", "5").unwrap();
    peak()
}

/// The most memory that this process has had resident, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kibibytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kibibytes.parse::<u64>().unwrap() * 1024
}
