//! Connections that ask for nothing at the moment.
//!
//! To hold a connection open costs whoever does it nothing, and places are few. So where all are taken, the connection
//! that has been idle for longest makes room: an honest client says what it wants at once, and can connect again for
//! what it wants later.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::{sync::Notify, time::Instant};

/// So many may always be idle.
const PATIENCE: usize = 64;

/// How long a client that was answered is left alone, in milliseconds: it may be about to ask again.
const SETTLE_MS: u64 = 1_000;

/// Stands for a moment that is not yet: a request is being answered.
const BUSY: u64 = u64::MAX;

/// Stands for the end: it was told to make room.
const TURNED_AWAY: u64 = u64::MAX - 1;

/// All connections; cheap to clone. What happens for each request touches its own connection alone.
#[derive(Clone)]
pub(super) struct Connections {
    all: Arc<Mutex<Numbered>>,
    began: Instant,
}

#[derive(Default)]
struct Numbered {
    next: u64,
    connections: BTreeMap<u64, Weak<Presence>>,
}

impl Connections {
    pub(super) fn new() -> Self {
        Self {
            all: Arc::default(),
            began: Instant::now(),
        }
    }

    /// Another one, which has not said yet what it wants.
    pub(super) fn add(&self) -> Arc<Presence> {
        let mut all = self.all();
        let number = all.next;
        all.next += 1;
        let presence = Arc::new(Presence {
            connections: self.clone(),
            number,
            idle_since: AtomicU64::new(self.now()),
            was_answered: AtomicBool::new(false),
            is_writing: Arc::default(),
            turned_away: Notify::new(),
        });
        all.connections.insert(number, Arc::downgrade(&presence));
        presence
    }

    /// Ends the one that has been idle for longest, where there are more than a few.
    pub(super) fn turn_away(&self) {
        self.turn_away_at(self.now());
    }

    fn turn_away_at(&self, now: u64) {
        // Held beyond the lock, because a presence takes itself out of the list with its last owner.
        let present = self.present();
        let mut idle: Vec<_> = present
            .iter()
            .filter_map(|presence| Some((presence.settled(now)?, presence)))
            .collect();
        if idle.len() > PATIENCE {
            idle.sort_by_key(|(since, _)| *since);
            // Who asks for something at this very moment stays.
            idle.into_iter()
                .any(|(since, presence)| presence.is_turned_away_from(since));
        }
    }

    fn present(&self) -> Vec<Arc<Presence>> {
        let all = self.all();
        all.connections.values().filter_map(Weak::upgrade).collect()
    }

    /// Milliseconds since the beginning.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(TURNED_AWAY - 1)
    }

    fn all(&self) -> MutexGuard<'_, Numbered> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that holds a place.
pub(super) struct Presence {
    connections: Connections,
    number: u64,
    /// Since when it asks for nothing, or [`BUSY`] or [`TURNED_AWAY`].
    idle_since: AtomicU64,
    was_answered: AtomicBool,
    /// Whether something that was written for it waits for it.
    is_writing: Arc<AtomicBool>,
    turned_away: Notify,
}

impl Presence {
    /// It has sent a request, and is not idle until what this returns is dropped.
    pub(super) fn asks(self: &Arc<Self>) -> Asking {
        self.idle_since.store(BUSY, Ordering::SeqCst);
        Asking(Arc::clone(self))
    }

    /// Set as long as what was written for it waits for it: then it is not idle.
    pub(super) fn is_writing(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_writing)
    }

    /// Comes when it has to make room. One that has asked for something by then may stay.
    pub(super) async fn turned_away(&self) {
        loop {
            self.turned_away.notified().await;
            if self.idle_since.load(Ordering::SeqCst) == TURNED_AWAY {
                return;
            }
        }
    }

    /// Since when it is idle, where it may be turned away.
    fn settled(&self, now: u64) -> Option<u64> {
        let since = self.idle_since.load(Ordering::SeqCst);
        let is_idle =
            since != BUSY && since != TURNED_AWAY && !self.is_writing.load(Ordering::SeqCst);
        let has_settled =
            !self.was_answered.load(Ordering::SeqCst) || now.saturating_sub(since) >= SETTLE_MS;
        (is_idle && has_settled).then_some(since)
    }

    /// Whether it was still idle, and has to go.
    fn is_turned_away_from(&self, since: u64) -> bool {
        let turned = self.idle_since.compare_exchange(
            since,
            TURNED_AWAY,
            Ordering::SeqCst,
            Ordering::SeqCst,
        );
        if turned.is_ok() {
            self.turned_away.notify_one();
        }
        turned.is_ok()
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.connections.all().connections.remove(&self.number);
    }
}

/// A request that is being answered.
pub(super) struct Asking(Arc<Presence>);

impl Drop for Asking {
    fn drop(&mut self) {
        let presence = &self.0;
        presence.was_answered.store(true, Ordering::SeqCst);
        let now = presence.connections.now();
        presence.idle_since.store(now, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of them were turned away, by their place.
    fn gone(all: &[Arc<Presence>]) -> Vec<usize> {
        let gone = |(place, presence): (usize, &Arc<Presence>)| {
            let is_gone = presence.idle_since.load(Ordering::SeqCst) == TURNED_AWAY;
            is_gone.then_some(place)
        };
        all.iter().enumerate().filter_map(gone).collect()
    }

    #[test]
    fn whoever_was_idle_for_longest_goes_first_and_whoever_asks_stays() {
        let connections = Connections::new();
        let all: Vec<_> = (0..PATIENCE + 4).map(|_| connections.add()).collect();
        let asking = all[0].asks();
        connections.turn_away_at(0);
        assert_eq!(gone(&all), [1]);
        drop(asking);
        // Answered long after the others came.
        all[0].idle_since.store(60_000, Ordering::SeqCst);
        for _ in 0..3 {
            connections.turn_away_at(90_000);
        }
        // As many as may always be idle are left.
        assert_eq!(gone(&all), [1, 2, 3, 4]);
        connections.turn_away_at(90_000);
        assert_eq!(gone(&all), [1, 2, 3, 4]);
        drop(all);
        assert!(connections.all().connections.is_empty());
    }

    #[test]
    fn who_was_answered_a_moment_ago_stays_and_protects_nobody() {
        let connections = Connections::new();
        let answered = connections.add();
        drop(answered.asks());
        answered.idle_since.store(0, Ordering::SeqCst);
        let silent: Vec<_> = (0..=PATIENCE).map(|_| connections.add()).collect();
        for presence in &silent {
            presence.idle_since.store(1, Ordering::SeqCst);
        }
        connections.turn_away_at(SETTLE_MS - 1);
        assert_eq!(gone(&silent), [0]);
        assert!(gone(&[answered]).is_empty());
    }

    #[test]
    fn who_still_reads_an_answer_is_not_idle() {
        let connections = Connections::new();
        let all: Vec<_> = (0..=PATIENCE).map(|_| connections.add()).collect();
        all[0].is_writing().store(true, Ordering::SeqCst);
        connections.turn_away_at(60_000);
        assert!(gone(&all).is_empty());
        all[0].is_writing().store(false, Ordering::SeqCst);
        connections.turn_away_at(60_000);
        assert_eq!(gone(&all), [0]);
    }

    #[tokio::test]
    async fn who_asks_after_all_may_stay() {
        let connections = Connections::new();
        let all: Vec<_> = (0..=PATIENCE).map(|_| connections.add()).collect();
        connections.turn_away_at(60_000);
        assert_eq!(gone(&all), [0]);
        let _asking = all[0].asks();
        tokio::select! {
            biased;
            () = all[0].turned_away() => unreachable!("it asks for something"),
            () = tokio::task::yield_now() => {}
        }
    }
}
