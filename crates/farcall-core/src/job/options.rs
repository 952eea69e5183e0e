//! How a job is kept, tried again, limited and shown.

use std::{collections::BTreeMap, time::Duration};

/// How long a finished job and its files are kept where the job says nothing: seven days.
pub const DEFAULT_KEEP_FOR: Duration = Duration::from_hours(7 * 24);

/// The first pause before an error is tried again, where the job says nothing.
pub const DEFAULT_RETRY_DELAY: Duration = Duration::from_secs(2);

/// The most often that an error may be tried again.
pub const MAX_RETRIES: u32 = 100;

/// The highest priority; the lowest is the same below zero.
pub const MAX_PRIORITY: i8 = 10;

/// How often a job may lose its worker while it runs alone, before it is given up.
const MAX_LOSSES: u16 = 2;

/// What an author may say about a job beside its name, its description and its code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, as in the attribute"
)]
pub struct JobOptions {
    /// How long a finished job and its files are kept; seven days.
    pub keep_for: Duration,
    /// How often an error of its own is tried again, at most 100; 0.
    pub retries: u32,
    /// The pause before the first of these tries; it doubles with each; 2 seconds.
    pub retry_delay: Duration,
    /// How long one attempt may run; without limit.
    pub timeout: Option<Duration>,
    /// How long it may wait for its first start; without limit.
    pub queue_timeout: Option<Duration>,
    /// What to do when its worker is lost; to run it again.
    pub on_lost: OnLost,
    /// From -10 to 10, higher first; 0. A point is worth a minute of waiting.
    pub priority: i8,
    /// How many run at once over all workers; without limit.
    pub concurrency: Option<u32>,
    /// What a worker must have free for it, by name; nothing.
    pub slots: BTreeMap<String, u32>,
    /// How long identical starts of one caller return the same job; not at all.
    pub unique_for: Option<Duration>,
    /// Whether callers can cancel it; yes.
    pub cancel: bool,
    /// Whether its log is kept for callers; no.
    pub log: bool,
    /// Whether a poll may wait for a change; no.
    pub wait: bool,
    /// Whether short text files stand in the result as well; no.
    pub inline_text: bool,
    /// As what callers see it; the contract's tools.
    pub expose: Expose,
    /// Where its stages run; in the process of the server.
    pub isolation: Isolation,
    /// Bytes of address space that the process of a stage may have, where it has one of its own; without
    /// limit.
    pub memory: Option<u64>,
}

/// Where the stages of a job run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// In the process of the server, each job on a thread of its own.
    #[default]
    InProcess,
    /// Each in a process of its own, which can be killed, and whose end is nobody else's.
    Process,
}

/// What happens to a job whose worker was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLost {
    /// It runs again, alone in its process, and is given up at the second loss there.
    #[default]
    Rerun,
    /// It has failed: running it twice would do harm.
    Fail,
}

/// As what callers see a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expose {
    /// `start_<x>` and the tools beside it, for every client.
    #[default]
    Contract,
    /// The same, and `<x>` itself, which is a task for clients that know tasks.
    ContractAndTask,
    /// `<x>` alone, for clients that know tasks.
    Task,
}

impl Expose {
    /// Whether there is `start_<x>`, and the tools beside it.
    pub fn has_contract(self) -> bool {
        self != Self::Task
    }

    /// Whether there is `<x>` itself.
    pub fn has_task(self) -> bool {
        self != Self::Contract
    }
}

impl Default for JobOptions {
    fn default() -> Self {
        Self {
            keep_for: DEFAULT_KEEP_FOR,
            retries: 0,
            retry_delay: DEFAULT_RETRY_DELAY,
            timeout: None,
            queue_timeout: None,
            on_lost: OnLost::default(),
            priority: 0,
            concurrency: None,
            slots: BTreeMap::new(),
            unique_for: None,
            cancel: true,
            log: false,
            wait: false,
            inline_text: false,
            expose: Expose::default(),
            isolation: Isolation::default(),
            memory: None,
        }
    }
}

impl JobOptions {
    /// The loss of its worker while it ran alone at which the job has failed; 0 where it fails at
    /// the first loss of all.
    pub fn max_losses(&self) -> u16 {
        match self.on_lost {
            OnLost::Rerun => MAX_LOSSES,
            OnLost::Fail => 0,
        }
    }

    /// What is wrong with them, one sentence each.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |is_wrong: bool, sentence: String| {
            if is_wrong {
                faults.push(sentence);
            }
        };
        check(
            self.retries > MAX_RETRIES,
            format!(
                "`retries` is {}, at most {MAX_RETRIES} are allowed",
                self.retries
            ),
        );
        check(
            self.priority.unsigned_abs() > MAX_PRIORITY.unsigned_abs(),
            format!(
                "`priority` is {}, it goes from -{MAX_PRIORITY} to {MAX_PRIORITY}",
                self.priority
            ),
        );
        check(
            self.concurrency == Some(0),
            "`concurrency` is 0, so it would never run; leave it out for no limit".to_owned(),
        );
        for (name, time) in [
            ("retry_delay", Some(self.retry_delay)),
            ("timeout", self.timeout),
            ("queue_timeout", self.queue_timeout),
            ("unique_for", self.unique_for),
        ] {
            check(
                time == Some(Duration::ZERO),
                format!("`{name}` is no time at all; write one, or leave it out"),
            );
        }
        for (name, count) in &self.slots {
            check(
                !is_slot_name(name),
                format!("`{name}` is no name of a slot; use a-z, 0-9 and `_`, a letter first"),
            );
            check(
                *count == 0,
                format!("the slot `{name}` asks for 0; leave it out, or ask for one"),
            );
        }
        check(
            self.expose == Expose::Task && (self.log || self.wait),
            "`log` and `wait` belong to the contract's tools, which are not exposed; add \"contract\" to `expose`".to_owned(),
        );
        check(
            self.memory == Some(0),
            "`memory` is 0, so it would never run; leave it out for no limit".to_owned(),
        );
        check(
            self.memory.is_some() && self.isolation == Isolation::InProcess,
            "`memory` limits a process, and its stages run in the server's; add `isolation = \"process\"`".to_owned(),
        );
        faults
    }
}

/// Whether this can be the name of a slot: `[a-z][a-z0-9_]*`.
pub fn is_slot_name(name: &str) -> bool {
    let mut letters = name.bytes();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase())
        && letters.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(change: impl FnOnce(&mut JobOptions)) -> String {
        let mut options = JobOptions::default();
        change(&mut options);
        options.faults().join("\n")
    }

    #[test]
    fn the_defaults_are_in_order() {
        assert_eq!(faults(|_| {}), "");
        assert_eq!(faults(|options| options.keep_for = Duration::ZERO), "");
        assert_eq!(JobOptions::default().max_losses(), 2);
    }

    #[test]
    fn what_cannot_be_meant_is_a_fault() {
        assert!(faults(|options| options.retries = 101).contains("`retries` is 101"));
        for priority in [-11, 11, i8::MIN] {
            let faults = faults(|options| options.priority = priority);
            assert!(faults.contains("from -10 to 10"), "{faults}");
        }
        assert!(faults(|options| options.concurrency = Some(0)).contains("would never run"));
        let zero = |options: &mut JobOptions| options.unique_for = Some(Duration::ZERO);
        assert!(faults(zero).contains("`unique_for` is no time"));
        for name in ["", "GPU", "1gpu", "gpu-ram", "gpü"] {
            let slot = |options: &mut JobOptions| {
                options.slots.insert(name.to_owned(), 1);
            };
            assert!(faults(slot).contains("no name of a slot"), "{name}");
        }
        let nothing = |options: &mut JobOptions| {
            options.slots.insert("gpu".to_owned(), 0);
        };
        assert!(faults(nothing).contains("asks for 0"));
        let shared = |options: &mut JobOptions| options.memory = Some(1);
        assert!(faults(shared).contains("add `isolation"));
        let hidden = |options: &mut JobOptions| {
            options.log = true;
            options.expose = Expose::Task;
        };
        assert!(faults(hidden).contains("add \"contract\""));
    }
}
