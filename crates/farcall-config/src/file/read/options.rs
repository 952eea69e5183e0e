//! How a job is kept, tried again, limited and shown.

use std::collections::BTreeMap;

use farcall_core::job::{Expose, JobOptions, MAX_PRIORITY, MAX_RETRIES, OnLost, is_slot_name};
use toml::Spanned;

use super::{Reading, table::Table};
use crate::file::grammar::{
    Key, Shape,
    shapes::{DURATION, POSITIVE, TEXTS},
};

/// What jobs can say besides their code, mounted ones too.
pub(super) const KEYS: &[Key] = &[
    Key::with(
        "stages",
        Shape::NonEmpty(&Shape::Line),
        "[\"running\"]",
        "Names of its stages, in their order.",
    ),
    Key::optional(
        "artifacts",
        TEXTS,
        "Files it leaves for its caller: patterns of paths in its folder, such as \"out/*.mp4\"; the first is the primary one.",
    ),
    Key::optional("timeout", DURATION, "How long one attempt may run."),
    Key::optional(
        "queue_timeout",
        DURATION,
        "How long it may wait for its first start.",
    ),
    Key::with(
        "retries",
        Shape::Integer(0, MAX_RETRIES as i64),
        "0",
        "How often an error of its own is tried again.",
    ),
    Key::with(
        "retry_delay",
        DURATION,
        "2s",
        "The pause before the first of these tries; it doubles with each.",
    ),
    Key::with(
        "on_lost",
        Shape::Choice(&[
            (
                "rerun",
                "it runs again, from its last checkpoint, and is given up at the second loss",
            ),
            ("fail", "it has failed: running it twice would do harm"),
        ]),
        "rerun",
        "What happens when its worker is lost.",
    ),
    Key::with(
        "priority",
        Shape::Integer(-(MAX_PRIORITY as i64), MAX_PRIORITY as i64),
        "0",
        "Higher goes first; a point is worth a minute of waiting.",
    ),
    Key::optional(
        "concurrency",
        POSITIVE,
        "How many run at once over all workers.",
    ),
    Key::optional(
        "slots",
        Shape::Map(&POSITIVE),
        "What a worker must have free for it, such as { gpu = 1 }.",
    ),
    Key::with(
        "keep_for",
        Shape::Duration { no_time: true },
        "7d",
        "How long a finished job and its files are kept.",
    ),
    Key::optional(
        "unique_for",
        DURATION,
        "How long identical starts of one caller return the same job.",
    ),
    Key::with(
        "cancel",
        Shape::Boolean,
        "true",
        "Whether callers can cancel it.",
    ),
    Key::with(
        "log",
        Shape::Boolean,
        "false",
        "Whether callers can read its log.",
    ),
    Key::with(
        "wait",
        Shape::Boolean,
        "false",
        "Whether a poll may wait for a change.",
    ),
    Key::with(
        "inline_text",
        Shape::Boolean,
        "false",
        "Whether short text files stand in the result as well.",
    ),
    Key::with(
        "expose",
        Shape::NonEmpty(&Shape::Choice(&[
            (
                "contract",
                "start_x, get_x_status and get_x_result, for every client",
            ),
            ("task", "x itself, for clients that know tasks"),
        ])),
        "[\"contract\"]",
        "As what callers see it.",
    ),
];

/// Its stages, its artifacts, and the rest.
pub(super) struct Job {
    pub(super) stages: Vec<String>,
    pub(super) artifacts: Vec<String>,
    pub(super) options: JobOptions,
}

pub(super) fn read(reading: &Reading<'_>, table: &Table<'_>) -> Job {
    let mut options = JobOptions::default();
    let JobOptions {
        keep_for,
        retries,
        retry_delay,
        priority,
        cancel,
        log,
        wait,
        inline_text,
        ..
    } = &mut options;
    set(keep_for, table.duration("keep_for"));
    set(retries, table.count("retries"));
    set(retry_delay, table.duration("retry_delay"));
    set(priority, table.count("priority"));
    set(cancel, table.boolean("cancel"));
    set(log, table.boolean("log"));
    set(wait, table.boolean("wait"));
    set(inline_text, table.boolean("inline_text"));
    options.timeout = table.duration("timeout");
    options.queue_timeout = table.duration("queue_timeout");
    options.concurrency = table.count("concurrency");
    options.unique_for = table.duration("unique_for");
    options.slots = slots(reading, table);
    if table
        .text("on_lost")
        .is_some_and(|word| *word.get_ref() == "fail")
    {
        options.on_lost = OnLost::Fail;
    }
    options.expose = expose(table);
    if options.expose == Expose::Task && (options.log || options.wait) {
        let key = if options.log { "log" } else { "wait" };
        let message = format!("`{key}` belongs to the contract's tools, which are not exposed");
        reading.fault(
            table.key_span(key),
            message,
            "add \"contract\" to `expose`, or remove it",
        );
    }
    Job {
        stages: stages(reading, table),
        artifacts: artifacts(reading, table),
        options,
    }
}

fn set<T>(option: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *option = value;
    }
}

fn slots(reading: &Reading<'_>, table: &Table<'_>) -> BTreeMap<String, u32> {
    let mut slots = BTreeMap::new();
    for (name, count) in table.counts("slots") {
        if is_slot_name(name.get_ref()) {
            slots.insert(
                (*name.get_ref()).to_owned(),
                u32::try_from(count).unwrap_or(u32::MAX),
            );
        } else {
            let message = format!("`{}` is no name of a slot", name.get_ref().escape_debug());
            reading.fault(
                &name.span(),
                message,
                "use a-z, 0-9 and `_`, a letter first",
            );
        }
    }
    slots
}

fn expose(table: &Table<'_>) -> Expose {
    let words = table.strings("expose");
    let has = |word: &str| words.iter().any(|known| known == word);
    match (has("contract"), has("task")) {
        (false, true) => Expose::Task,
        (true, true) => Expose::ContractAndTask,
        (_, false) => Expose::Contract,
    }
}

fn stages(reading: &Reading<'_>, table: &Table<'_>) -> Vec<String> {
    let mut stages: Vec<String> = Vec::new();
    for stage in table.texts("stages") {
        let name = *stage.get_ref();
        if stages.iter().any(|known| known == name) {
            let message = format!("two stages are called `{name}`");
            reading.fault(&stage.span(), message, "give each a name of its own");
        }
        stages.push(name.to_owned());
    }
    if stages.is_empty() {
        stages.push("running".to_owned());
    }
    stages
}

fn artifacts(reading: &Reading<'_>, table: &Table<'_>) -> Vec<String> {
    let patterns = table.texts("artifacts");
    for pattern in &patterns {
        if let Some(reason) = stray(pattern) {
            let message = format!(
                "the artifact `{}` {reason}",
                pattern.get_ref().escape_debug()
            );
            let hint =
                "write a pattern of paths in the job's own folder, for example \"out/*.mp4\"";
            reading.fault(&pattern.span(), message, hint);
        }
    }
    patterns
        .iter()
        .map(|pattern| (*pattern.get_ref()).to_owned())
        .collect()
}

/// Why a pattern could never name a file in the job's folder.
fn stray(pattern: &Spanned<&str>) -> Option<&'static str> {
    let pattern = *pattern.get_ref();
    if pattern.trim().is_empty() {
        Some("is empty")
    } else if pattern.starts_with('/') {
        Some("is an absolute path")
    } else if pattern.split('/').any(|part| part == "..") {
        Some("leads out of the job's folder")
    } else if pattern.ends_with('/') {
        Some("is a folder")
    } else if pattern.contains('\0') {
        Some("holds NUL")
    } else {
        None
    }
}
