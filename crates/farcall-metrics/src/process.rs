//! What the system says about this process, under the names that all Prometheus clients use. Where it does not
//! say, the metric is left out.

use std::{fs, sync::OnceLock};

use crate::{
    families::{PROCESS_CPU, PROCESS_FILES, PROCESS_MAX_FILES, PROCESS_MEMORY, PROCESS_START},
    text::Text,
};

/// How many ticks of `/proc` a second has: 100 on every Linux that Rust runs on (`USER_HZ`).
const TICKS: u32 = 100;

/// What `/proc/self/stat` says, by its place after the name (proc(5)).
struct Stat {
    /// User and system time, in ticks.
    cpu: u64,
    /// Since the system began, in ticks.
    started: u64,
}

pub(crate) fn write(text: &mut Text) {
    if let Some(stat) = stat() {
        text.family(&PROCESS_CPU);
        text.float(&PROCESS_CPU, &[], in_seconds(stat.cpu));
    }
    if let Some(memory) = memory() {
        text.only(&PROCESS_MEMORY, memory);
    }
    // One of them is the folder that is being read.
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        text.only(&PROCESS_FILES, (open.count() as u64).saturating_sub(1));
    }
    if let Some(most) = most_files() {
        text.only(&PROCESS_MAX_FILES, most);
    }
    if let Some(began) = began() {
        text.family(&PROCESS_START);
        text.float(&PROCESS_START, &[], began);
    }
}

/// When this process began, in seconds since 1970. Kept once it could be read: it does not change, and when the
/// system began, which it is reckoned from, is corrected with the clock.
fn began() -> Option<f64> {
    static BEGAN: OnceLock<f64> = OnceLock::new();
    if let Some(began) = BEGAN.get() {
        return Some(*began);
    }
    let (stat, booted) = stat().zip(booted())?;
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact")]
    let booted = booted as f64;
    Some(*BEGAN.get_or_init(|| booted + in_seconds(stat.started)))
}

fn stat() -> Option<Stat> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name before it may hold anything, also spaces and parentheses.
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<_> = after_name.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        cpu: number(11)? + number(12)?,
        started: number(19)?,
    })
}

/// In bytes.
fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// How many files and sockets it may have open; none where there is no such limit.
fn most_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    // The soft limit, which counts, stands before the hard one.
    line.split_whitespace().next()?.parse().ok()
}

/// In seconds since 1970.
fn booted() -> Option<u64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a process does not run for 2^53 ticks"
)]
fn in_seconds(ticks: u64) -> f64 {
    ticks as f64 / f64::from(TICKS)
}
