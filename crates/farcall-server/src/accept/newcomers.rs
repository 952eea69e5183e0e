//! Connections that have not said yet what they want.
//!
//! To hold a connection open costs whoever does it nothing, and places are few. So where all are taken,
//! whoever has said nothing for longest makes room for others: an honest client says what it wants at
//! once.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio_util::sync::CancellationToken;

/// So many may always be slow.
const PATIENCE: usize = 64;

/// All newcomers, in the order they came; cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Newcomers(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    next: u64,
    connections: BTreeMap<u64, CancellationToken>,
}

impl Newcomers {
    /// Another one.
    pub(super) fn add(&self) -> Arc<Newcomer> {
        let turned_away = CancellationToken::new();
        let mut waiting = self.waiting();
        let number = waiting.next;
        waiting.next += 1;
        waiting.connections.insert(number, turned_away.clone());
        Arc::new(Newcomer {
            all: self.clone(),
            number,
            is_known: AtomicBool::new(false),
            turned_away,
        })
    }

    /// Ends the one that has waited longest, where there are more than a few.
    pub(super) fn turn_away(&self) {
        let mut waiting = self.waiting();
        if waiting.connections.len() > PATIENCE
            && let Some((_, oldest)) = waiting.connections.pop_first()
        {
            oldest.cancel();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection, a newcomer until its first request.
pub(super) struct Newcomer {
    all: Newcomers,
    number: u64,
    is_known: AtomicBool,
    turned_away: CancellationToken,
}

impl Newcomer {
    /// It has sent a request, and stays.
    pub(super) fn is_heard(&self) {
        if !self.is_known.swap(true, Ordering::Relaxed) {
            self.all.waiting().connections.remove(&self.number);
        }
    }

    /// Comes when it has to make room.
    pub(super) async fn turned_away(&self) {
        self.turned_away.cancelled().await;
    }
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        self.is_heard();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_longest_goes_first_and_whoever_was_heard_stays() {
        let all = Newcomers::default();
        let waiting: Vec<_> = (0..PATIENCE + 3).map(|_| all.add()).collect();
        waiting[0].is_heard();
        all.turn_away();
        all.turn_away();
        // As many as may be slow are left.
        all.turn_away();
        let gone: Vec<_> = waiting
            .iter()
            .map(|newcomer| newcomer.turned_away.is_cancelled())
            .collect();
        assert_eq!(gone[..4], [false, true, true, false]);
        assert!(gone[4..].iter().all(|gone| !gone));
        drop(waiting);
        assert!(all.waiting().connections.is_empty());
    }
}
