//! What is asked, and how often.

use std::time::Duration;

use farcall_store::{Rotation, WantedJob, Which};
use proptest::{
    option,
    prelude::*,
    sample::{select, subsequence},
};

/// What the workers know.
pub(super) const PROGRAMS: [&[(&str, &str)]; 3] = [
    &[("encode", "f1"), ("render", "f1")],
    &[("render", "f2")],
    &[("render", "f1")],
];

const FILES: [&str; 4] = ["a.txt", "b.txt", "c.txt", ""];

/// Jobs and workers are picked by position; `age` is how many claims ago the fence was given.
#[derive(Clone, Debug)]
pub(super) enum Command {
    Enqueue(Start),
    Register(usize),
    Beat(usize),
    Unregister(usize),
    Claim(Claim),
    Write {
        job: usize,
        age: i64,
        write: Write,
    },
    Cancel {
        job: usize,
        owner: &'static str,
    },
    Answer {
        job: usize,
        owner: &'static str,
        keys: Vec<&'static str>,
    },
    Rescue(Option<usize>),
    /// For whoever offers one set of programs, or none.
    GiveUp(Option<usize>, Duration),
    Delete,
    MakeSecret(u8),
    RotateSecrets(u8, Rotation),
    Advance(u32),
    Jump(i64),
    Reopen,
}

/// What a caller starts.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// It has the id of the start before.
    pub(super) is_twin: bool,
    pub(super) owner: &'static str,
    pub(super) job: &'static str,
    pub(super) fingerprint: &'static str,
    pub(super) total_stages: u32,
    pub(super) priority: i8,
    pub(super) keep_for: Duration,
    pub(super) queue_timeout: Option<Duration>,
    pub(super) max_losses: u16,
    pub(super) key: Option<&'static str>,
    pub(super) hash: u8,
    pub(super) unique_for: Option<Duration>,
}

/// What a worker takes.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) worker: usize,
    pub(super) slot: usize,
    pub(super) which: Which,
    pub(super) limit: u32,
    pub(super) concurrency: Option<u32>,
    pub(super) adopt_after: Duration,
}

impl Claim {
    pub(super) fn programs(&self) -> Vec<WantedJob> {
        let wanted = |(name, fingerprint): &(&str, &str)| WantedJob {
            name: (*name).to_owned(),
            fingerprint: (*fingerprint).to_owned(),
            concurrency: self.concurrency,
        };
        PROGRAMS[self.slot].iter().map(wanted).collect()
    }
}

/// What a worker tells.
#[derive(Clone, Debug)]
pub(super) enum Write {
    Report {
        stage: u32,
        progress: Option<f64>,
        lines: u32,
    },
    Checkpoint {
        stage: u32,
        file: &'static str,
    },
    Restart {
        total: u32,
        fingerprint: &'static str,
    },
    Succeed {
        file: &'static str,
    },
    Fail,
    Release,
    Retry(Duration),
    Ask(Vec<&'static str>),
}

impl Command {
    /// The job that it is about.
    pub(super) fn job(&self) -> Option<(usize, i64)> {
        match *self {
            Self::Write { job, age, .. } => Some((job, age)),
            Self::Cancel { job, .. } | Self::Answer { job, .. } => Some((job, 0)),
            _ => None,
        }
    }

    /// The worker that it is about.
    pub(super) fn worker(&self) -> usize {
        match self {
            Self::Beat(worker) | Self::Unregister(worker) | Self::Rescue(Some(worker)) => *worker,
            Self::Claim(claim) => claim.worker,
            _ => 0,
        }
    }
}

/// At most 40 commands.
pub(super) fn commands() -> impl Strategy<Value = Vec<Command>> {
    let some = prop_oneof![
        30 => command().prop_map(|command| vec![command]),
        1 => ordeal(),
    ];
    prop::collection::vec(some, 1..=40).prop_map(|some| {
        let mut commands = some.concat();
        commands.truncate(40);
        commands
    })
}

/// The same end of several attempts, one after the other: chance alone hardly ever gets there.
fn ordeal() -> impl Strategy<Value = Vec<Command>> {
    let end = prop_oneof![
        2 => Just(Command::Rescue(Some(0))),
        1 => Just(Command::Write { job: 0, age: 0, write: Write::Retry(Duration::ZERO) }),
    ];
    (end, 2..5_usize).prop_map(|(end, times)| {
        let claim = |which| {
            Command::Claim(Claim {
                worker: 0,
                slot: 0,
                which,
                limit: 1,
                concurrency: None,
                adopt_after: Duration::ZERO,
            })
        };
        let attempt = [claim(Which::Suspect), claim(Which::Others), end];
        attempt.iter().cycle().take(3 * times).cloned().collect()
    })
}

fn command() -> impl Strategy<Value = Command> {
    let job = || prop_oneof![6 => Just(0), 3 => Just(1), 1 => 2..8_usize];
    let owner = || prop_oneof![5 => Just("alice"), 1 => Just("bob")];
    // Mostly the claim that holds.
    let age = prop_oneof![12 => Just(0), 1 => Just(1), 1 => Just(-1)];
    let passed = select(&[1_u32, 999, 3_000, 5_000, 8_000, 31_000, 61_000, 3_600_000][..]);
    let set = select(&[-3_600_000_i64, -5_000, 1, 3_600_000][..]);
    let rotation = prop_oneof![
        Just(Rotation::AtOnce),
        seconds(&[0, 5, 60]).prop_map(Rotation::Overlapping),
    ];
    prop_oneof![
        6 => start().prop_map(Command::Enqueue),
        1 => (0..PROGRAMS.len()).prop_map(Command::Register),
        4 => worker().prop_map(Command::Beat),
        1 => worker().prop_map(Command::Unregister),
        10 => claim().prop_map(Command::Claim),
        20 => (job(), age, write()).prop_map(|(job, age, write)| Command::Write { job, age, write }),
        3 => (job(), owner()).prop_map(|(job, owner)| Command::Cancel { job, owner }),
        2 => (job(), owner(), keys())
            .prop_map(|(job, owner, keys)| Command::Answer { job, owner, keys }),
        3 => option::weighted(0.8, worker()).prop_map(Command::Rescue),
        1 => (option::weighted(0.9, 0..PROGRAMS.len()), seconds(&[0, 10, 60]))
            .prop_map(|(slot, after)| Command::GiveUp(slot, after)),
        1 => Just(Command::Delete),
        1 => any::<u8>().prop_map(Command::MakeSecret),
        1 => (any::<u8>(), rotation).prop_map(|(byte, how)| Command::RotateSecrets(byte, how)),
        2 => passed.prop_map(Command::Advance),
        1 => set.prop_map(Command::Jump),
        1 => Just(Command::Reopen),
    ]
}

fn start() -> impl Strategy<Value = Start> {
    let who = (
        prop::bool::weighted(0.03),
        prop_oneof![5 => Just("alice"), 1 => Just("bob")],
        prop_oneof![6 => Just("render"), 2 => Just("encode"), 1 => Just("vanished")],
        prop_oneof![3 => Just("f1"), 1 => Just("f2")],
        prop_oneof![1 => Just(0_u32), 20 => 1..4_u32],
    );
    let terms = (
        prop_oneof![12 => Just(0_i8), 6 => -2..=2_i8, 1 => Just(11_i8)],
        seconds(&[8, 3_600]),
        option::weighted(0.1, seconds(&[0, 5])),
        0..3_u16,
    );
    let same = (
        option::weighted(0.3, select(&["k", "l", ""][..])),
        0..2_u8,
        option::weighted(0.3, seconds(&[4, 60])),
    );
    (who, terms, same).prop_map(|(who, terms, same)| Start {
        is_twin: who.0,
        owner: who.1,
        job: who.2,
        fingerprint: who.3,
        total_stages: who.4,
        priority: terms.0,
        keep_for: terms.1,
        queue_timeout: terms.2,
        max_losses: terms.3,
        key: same.0,
        hash: same.1,
        unique_for: same.2,
    })
}

/// Mostly one whose lease holds.
fn worker() -> impl Strategy<Value = usize> {
    prop_oneof![8 => Just(0), 2 => Just(1), 1 => 2..5_usize]
}

fn claim() -> impl Strategy<Value = Claim> {
    let which = prop_oneof![3 => Just(Which::Others), 2 => Just(Which::Suspect)];
    let concurrency = option::weighted(0.2, 0..3_u32);
    let whose = (worker(), 0..PROGRAMS.len(), which);
    let how = (1..4_u32, concurrency, seconds(&[0, 60]));
    (whose, how).prop_map(|((worker, slot, which), how)| Claim {
        worker,
        slot,
        which,
        limit: how.0,
        concurrency: how.1,
        adopt_after: how.2,
    })
}

fn write() -> impl Strategy<Value = Write> {
    let file = || select(&FILES[..]);
    let progress = option::of(select(&[0.0, 0.25, 1.0, 1.5][..]));
    prop_oneof![
        4 => (0..5_u32, progress, 0..3_u32)
            .prop_map(|(stage, progress, lines)| Write::Report { stage, progress, lines }),
        4 => (0..5_u32, file()).prop_map(|(stage, file)| Write::Checkpoint { stage, file }),
        1 => (0..5_u32, select(&["f1", "f2"][..]))
            .prop_map(|(total, fingerprint)| Write::Restart { total, fingerprint }),
        2 => file().prop_map(|file| Write::Succeed { file }),
        1 => Just(Write::Fail),
        2 => Just(Write::Release),
        2 => seconds(&[0, 3]).prop_map(Write::Retry),
        2 => keys().prop_map(Write::Ask),
    ]
}

/// Of questions; one of them is none.
fn keys() -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![
        8 => subsequence(vec!["colour", "size"], 1..=2),
        1 => Just(vec!["colour", ""]),
    ]
}

fn seconds(values: &'static [u64]) -> impl Strategy<Value = Duration> {
    select(values).prop_map(Duration::from_secs)
}
