//! The running servers of one mount: started when they are needed, and again within a budget.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use farcall_config::file::Mount;
use farcall_core::{JsonObject, context::CallContext};
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard},
    time::Instant,
};

use super::{
    broken::Broken,
    launch::Launch,
    link::{Heard, Link},
};
use crate::text;

/// The time in which a server may be started again as often as its declaration says.
const SPELL: Duration = Duration::from_mins(1);

/// As many servers as a mount may have, each started when the ones before it are busy.
pub(super) struct Pool {
    launch: Launch,
    members: Vec<Member>,
    idle: Option<Duration>,
    budget: Budget,
    is_stopped: AtomicBool,
}

#[derive(Default)]
struct Member {
    slot: Arc<AsyncMutex<Slot>>,
    /// How many use it, or wait to.
    busy: AtomicUsize,
}

#[derive(Default)]
struct Slot {
    link: Option<Arc<Link>>,
    /// Whether the last start led to nothing.
    has_failed: bool,
}

impl Pool {
    pub(super) fn new(mount: &Mount, launch: Launch) -> Self {
        let size = usize::try_from(mount.pool.max(1)).unwrap_or(1);
        Self {
            launch,
            members: std::iter::repeat_with(Member::default).take(size).collect(),
            idle: mount.idle,
            budget: Budget::new(mount.restarts),
            is_stopped: AtomicBool::new(false),
        }
    }

    /// Asks one of the servers. The progress goes to the caller, where it wants to know.
    ///
    /// # Errors
    /// [`Broken`].
    pub(super) async fn ask(
        self: &Arc<Self>,
        method: &str,
        mut params: JsonObject,
        caller: &CallContext,
    ) -> Result<JsonObject, Broken> {
        let wants_progress = caller.meta().contains_key("progressToken");
        // One that is stopped because it was idle may be found in its last moment.
        for is_last in [false, true] {
            let borrowed = self.borrow().await?;
            let mut flight = match borrowed
                .link
                .begin(method, &mut params, wants_progress)
                .await
            {
                Err(Broken::Gone) if !is_last => continue,
                begun => begun?,
            };
            loop {
                match flight.next().await? {
                    Heard::Answer(answer) => return Ok(answer),
                    Heard::Progress(news) => {
                        let message = text::clean(&news.message.unwrap_or_default());
                        caller.progress(news.done, news.total, message).await;
                    }
                }
            }
        }
        Err(Broken::Gone)
    }

    /// The server that has the least to do, started where it is not running.
    pub(super) async fn borrow(self: &Arc<Self>) -> Result<Borrowed<'_>, Broken> {
        let busy = |member: &&Member| member.busy.load(Ordering::Relaxed);
        let Some(member) = self.members.iter().min_by_key(busy) else {
            return Err(Broken::Gone);
        };
        let busy = Busy::new(&member.busy);
        let slot = Arc::clone(&member.slot).lock_owned().await;
        if let Some(link) = slot.link.as_ref().filter(|link| !link.is_over()) {
            let link = Arc::clone(link);
            return Ok(Borrowed { link, _busy: busy });
        }
        // It goes on when the caller leaves: a server that needs longer to start than callers wait
        // would never be there.
        let pool = Arc::clone(self);
        let starting = tokio::spawn(async move { pool.start(slot).await });
        let link = starting
            .await
            .map_err(|error| Broken::Unstartable(error.to_string()))??;
        Ok(Borrowed { link, _busy: busy })
    }

    async fn start(&self, mut slot: OwnedMutexGuard<Slot>) -> Result<Arc<Link>, Broken> {
        if self.is_stopped.load(Ordering::Relaxed) {
            return Err(Broken::Gone);
        }
        if let Some(before) = slot.link.take() {
            // What it holds, the next one may need.
            slot.has_failed = !before.end().await.was_wanted;
        }
        if slot.has_failed && !self.budget.take() {
            return Err(Broken::WornOut);
        }
        slot.has_failed = true;
        let link = Arc::new(self.launch.shared(self.idle).await?);
        *slot = Slot {
            link: Some(Arc::clone(&link)),
            has_failed: false,
        };
        Ok(link)
    }

    /// Stops all of them, and waits until they are gone; none is started after that.
    pub(super) async fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        let mut links = Vec::new();
        for member in &self.members {
            links.extend(member.slot.lock().await.link.take());
        }
        for link in &links {
            link.close();
        }
        for link in links {
            link.end().await;
        }
    }
}

/// A server that somebody uses.
pub(super) struct Borrowed<'a> {
    pub(super) link: Arc<Link>,
    _busy: Busy<'a>,
}

struct Busy<'a>(&'a AtomicUsize);

impl<'a> Busy<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How often servers may be started again.
struct Budget {
    limit: usize,
    taken: Mutex<VecDeque<Instant>>,
}

impl Budget {
    fn new(limit: u32) -> Self {
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            taken: Mutex::default(),
        }
    }

    /// Takes one start, where there is one.
    fn take(&self) -> bool {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while taken.front().is_some_and(|moment| *moment + SPELL <= now) {
            taken.pop_front();
        }
        let has_one = taken.len() < self.limit;
        if has_one {
            taken.push_back(now);
        }
        has_one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_holds_for_a_minute() {
        let budget = Budget::new(2);
        let start = Instant::now();
        let at = |seconds| budget.take_at(start + Duration::from_secs(seconds));
        let taken = [0, 30, 31, 59, 60, 61, 90, 91].map(at);
        assert_eq!(taken, [true, true, false, false, true, false, true, false]);
        assert!(!Budget::new(0).take());
    }
}
