//! One row: a result held against a floor and a goal.

use std::fmt;

use serde::Serialize;

use super::Unit;
use crate::rounds::Ratio;

/// A limit of a result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    fn admits(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }

    fn show(self, unit: Unit) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {}", unit.show_limit(least)),
            Self::AtMost(most) => format!("≤ {}", unit.show_limit(most)),
        }
    }
}

/// farcall beside a peer, in the same rounds.
pub(crate) struct Comparison<'a> {
    pub(crate) id: &'static str,
    pub(crate) what: &'a str,
    pub(crate) peer: &'a str,
    pub(crate) ratio: Ratio,
    pub(crate) measured_in: Unit,
    pub(crate) shown_as: Unit,
    pub(crate) floor: Bound,
    pub(crate) goal: Bound,
}

/// farcall by itself.
pub(crate) struct Absolute<'a> {
    pub(crate) id: &'static str,
    pub(crate) what: &'a str,
    /// What helps to read the number.
    pub(crate) beside: String,
    pub(crate) ours: f64,
    pub(crate) result: f64,
    pub(crate) unit: Unit,
    pub(crate) floor: Bound,
    pub(crate) goal: Bound,
}

/// How a result stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    BelowFloor,
    Floor,
    Goal,
}

impl Verdict {
    fn of(result: f64, floor: Bound, goal: Bound) -> Self {
        if !floor.admits(result) {
            // Also what is no number at all.
            Self::BelowFloor
        } else if goal.admits(result) {
            Self::Goal
        } else {
            Self::Floor
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::BelowFloor => "BELOW THE FLOOR",
            Self::Floor => "floor met",
            Self::Goal => "goal met",
        })
    }
}

/// A row of the table.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) what: String,
    pub(super) ours: String,
    pub(super) beside: String,
    pub(super) value: f64,
    pub(super) result: String,
    pub(super) rounds: String,
    pub(super) floor: String,
    pub(super) goal: String,
    pub(super) verdict: Verdict,
}

impl From<Comparison<'_>> for Row {
    fn from(comparison: Comparison) -> Self {
        let (ratio, unit) = (comparison.ratio, comparison.shown_as);
        let value = ratio.median;
        Self {
            id: comparison.id,
            what: comparison.what.to_owned(),
            ours: comparison.measured_in.show(ratio.ours),
            beside: format!(
                "{} {}",
                comparison.peer,
                comparison.measured_in.show(ratio.theirs)
            ),
            value,
            result: unit.show(value),
            rounds: rounds(ratio, unit),
            floor: comparison.floor.show(unit),
            goal: comparison.goal.show(unit),
            verdict: Verdict::of(value, comparison.floor, comparison.goal),
        }
    }
}

fn rounds(ratio: Ratio, unit: Unit) -> String {
    let range = format!(
        "{} to {}",
        unit.show(ratio.quarter),
        unit.show(ratio.three_quarters)
    );
    match ratio.disturbed {
        0 => range,
        disturbed => format!("{range}, {disturbed} disturbed"),
    }
}

impl From<Absolute<'_>> for Row {
    fn from(absolute: Absolute) -> Self {
        let unit = absolute.unit;
        Self {
            id: absolute.id,
            what: absolute.what.to_owned(),
            ours: unit.show(absolute.ours),
            beside: absolute.beside,
            value: absolute.result,
            result: unit.show(absolute.result),
            rounds: String::new(),
            floor: absolute.floor.show(unit),
            goal: absolute.goal.show(unit),
            verdict: Verdict::of(absolute.result, absolute.floor, absolute.goal),
        }
    }
}
