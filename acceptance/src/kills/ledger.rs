//! What the callers of a rig know: what they asked for, and what they were told.

use std::collections::BTreeMap;

use super::{brew::Order, fault::Fault};

/// Everything that was ever asked for on one data folder.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    numbers: u32,
    answers: u32,
    /// The number of the present life.
    pub(crate) life: u32,
    /// By number.
    pub(crate) placed: BTreeMap<u32, Placed>,
    /// What a caller was told that cannot be true.
    pub(crate) contradictions: Vec<String>,
    /// What a server refused that was in order.
    pub(crate) refusals: Vec<Fault>,
}

/// One order.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) order: Order,
    /// The name of the job that is to be started for it.
    pub(crate) job: &'static str,
    /// The job that was started for it, where an answer came.
    pub(crate) id: Option<String>,
    /// Whether somebody asked for its end.
    pub(crate) is_cancelled: bool,
    /// The life in which it was placed.
    pub(crate) life: u32,
    /// The first answer to its question that a server has confirmed.
    pub(crate) answered: Option<u32>,
    /// Whether somebody who looks after its question has seen its end.
    pub(crate) was_seen_over: bool,
    /// The state that the answer to this told, where one came.
    pub(crate) told_by_cancel: Option<String>,
}

impl Ledger {
    /// A number for a new order.
    pub(crate) fn next_number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    /// What nobody has answered yet, to whatever question.
    pub(crate) fn next_answer(&mut self) -> u32 {
        self.answers += 1;
        self.answers
    }

    /// Writes down that something is about to be asked for.
    pub(crate) fn place(&mut self, order: Order, job: &'static str) {
        let placed = Placed {
            order,
            job,
            id: None,
            is_cancelled: false,
            life: self.life,
            answered: None,
            was_seen_over: false,
            told_by_cancel: None,
        };
        self.placed.insert(order.number, placed);
    }

    /// Writes down that it was acknowledged.
    pub(crate) fn acknowledge(&mut self, number: u32, id: &str) {
        let placed = self.placed.get_mut(&number).unwrap();
        if let Some(first) = placed.id.replace(id.to_owned())
            && first != id
        {
            let told = format!("order {number} was acknowledged as `{first}` and as `{id}`");
            self.contradictions.push(told);
        }
    }

    /// Writes down that somebody asks for the end of order `number`.
    pub(crate) fn cancelled(&mut self, number: u32) {
        if let Some(placed) = self.placed.get_mut(&number) {
            placed.is_cancelled = true;
        }
    }

    /// The orders that were acknowledged.
    pub(crate) fn acknowledged(&self) -> impl Iterator<Item = (&Placed, &str)> {
        let placed = self.placed.values();
        placed.filter_map(|placed| Some((placed, placed.id.as_deref()?)))
    }
}
