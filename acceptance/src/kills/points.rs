//! The crash points, and in which life each is passed.

use std::collections::BTreeMap;

use super::random::Random;

/// When a server passes a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// On its first start on a folder.
    OnFreshData,
    /// On every start.
    AtStart,
    /// While it works.
    AtWork,
    /// When its program is not the one that the jobs began with.
    AfterChange,
    /// When it is asked to stop.
    AtStop,
}

/// Every point that a server passes. `acceptance/tests/machines/publishing.rs` kills at those of
/// files in a bucket, `acceptance/tests/crash/backup.rs` at those of a backup.
pub(crate) fn all() -> Vec<&'static str> {
    let points = [
        farcall_jobs::CRASH_POINTS,
        farcall_store::CRASH_POINTS,
        farcall_artifacts::CRASH_POINTS,
    ];
    let points = points.concat().into_iter();
    // Nobody tells these servers of other programs or keys, or names callers; the store's own test crashes there.
    let elsewhere = [
        "store.admit.",
        "store.learn.",
        "store.revoke.",
        "store.rotate.",
        "store.rotate_secrets.",
        "store.use.",
    ];
    points
        .filter(|point| !elsewhere.iter().any(|step| point.starts_with(step)))
        .collect()
}

/// When `point` is passed.
pub(crate) fn passed(point: &str) -> Passed {
    let step = point.rsplit_once('.').map_or(point, |(step, _)| step);
    match step {
        "store.migrate" | "store.make_secret" => Passed::OnFreshData,
        "store.give_up" | "store.register" | "store.rescue" => Passed::AtStart,
        "store.restart" => Passed::AfterChange,
        "store.release" | "store.unregister" => Passed::AtStop,
        _ => Passed::AtWork,
    }
}

/// How often each point was asked for, and how often a process ended there.
#[derive(Debug)]
pub(crate) struct Hits {
    asked: BTreeMap<&'static str, u32>,
    hit: BTreeMap<&'static str, u32>,
    order: Vec<&'static str>,
}

impl Hits {
    pub(crate) fn new(random: &mut Random) -> Self {
        let mut order = all();
        for at in (1..order.len()).rev() {
            let end = u32::try_from(at + 1).unwrap();
            order.swap(at, random.below(end) as usize);
        }
        let none = || order.iter().map(|point| (*point, 0)).collect();
        Self {
            asked: none(),
            hit: none(),
            order,
        }
    }

    /// The point that was asked for and hit least among those that `fit`; it is asked for now.
    pub(crate) fn next(&mut self, fit: impl Fn(Passed) -> bool) -> &'static str {
        let fitting = self.order.iter().copied();
        let fitting = fitting.filter(|point| fit(passed(point)));
        let point = fitting.min_by_key(|point| self.asked[point] + self.hit[point]);
        let point = point.expect("there are points of each kind");
        self.ask(point);
        point
    }

    /// `point` is asked for. Panics where there is none of this name.
    pub(crate) fn ask(&mut self, point: &'static str) {
        let asked = self.asked.get_mut(point);
        *asked.expect("there is a point of this name") += 1;
    }

    /// A process ended at `point`.
    pub(crate) fn note(&mut self, point: &'static str) {
        *self.hit.entry(point).or_default() += 1;
    }

    /// The points at which fewer than so many processes ended.
    pub(crate) fn missed(&self, least: u32) -> Vec<&'static str> {
        let missed = self.hit.iter().filter(|(_, hits)| **hits < least);
        missed.map(|(point, _)| *point).collect()
    }

    /// The points with how often a process ended there, by name.
    pub(crate) fn hit(&self) -> Vec<(&'static str, u32)> {
        self.hit
            .iter()
            .map(|(point, hits)| (*point, *hits))
            .collect()
    }
}
