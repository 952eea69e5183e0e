//! The running servers of one mount: started when they are needed, and again within a budget.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use farcall_config::file::Mount;
use farcall_core::{JsonObject, context::CallContext};
use tokio::{
    sync::Mutex as AsyncMutex,
    task::JoinError,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    broken::Broken,
    launch::Launch,
    link::{Heard, Link},
};

/// The time in which a server may be started again as often as its declaration says.
const SPELL: Duration = Duration::from_mins(1);

/// How long a caller waits until another server is started where one is running.
const DETOUR: Duration = Duration::from_secs(5);

/// As many servers as a mount may have, each started when the ones before it are busy.
pub(super) struct Pool {
    members: Vec<Arc<Member>>,
    starter: Arc<Starter>,
}

/// A place for a server.
#[derive(Default)]
struct Member {
    /// The one that runs here, or ran last.
    link: Mutex<Option<Arc<Link>>>,
    /// Who starts it has it.
    turn: Arc<AsyncMutex<()>>,
    /// Whether the last start led to nothing, or what it led to ended by itself.
    has_failed: AtomicBool,
    /// How many use it, or wait to.
    busy: AtomicUsize,
}

/// What starts the servers, and goes on for a moment when the pool is gone.
struct Starter {
    launch: Launch,
    idle: Option<Duration>,
    budget: Budget,
    stopping: CancellationToken,
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.starter.stopping.cancel();
    }
}

impl Pool {
    pub(super) fn new(mount: &Mount, launch: Launch) -> Self {
        let size = usize::try_from(mount.pool.max(1)).unwrap_or(1);
        Self {
            members: std::iter::repeat_with(Arc::default).take(size).collect(),
            starter: Arc::new(Starter {
                launch,
                idle: mount.idle,
                budget: Budget::new(mount.restarts),
                stopping: CancellationToken::new(),
            }),
        }
    }

    /// Asks one of the servers. The progress goes to the caller, where it wants to know.
    ///
    /// # Errors
    /// [`Broken`].
    pub(super) async fn ask(
        &self,
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
                        let message = news.message.unwrap_or_default();
                        caller.progress(news.done, news.total, message).await;
                    }
                }
            }
        }
        Err(Broken::Gone)
    }

    /// The server that has the least to do, started where it is not running; another one that runs, where
    /// that leads to nothing or takes long.
    pub(super) async fn borrow(&self) -> Result<Borrowed<'_>, Broken> {
        let starter = &self.starter;
        let can_serve = |member: &Member| member.live().is_some() || starter.may_start(member);
        let member = self.least_busy(can_serve).ok_or(Broken::WornOut)?;
        let busy = Busy::new(&member.busy);
        let found = match (member.live(), self.running()) {
            (Some(link), _) => Ok(link),
            (None, None) => starter.link(member).await,
            (None, Some(_)) => {
                let found = timeout(DETOUR, starter.link(member)).await;
                found.unwrap_or(Err(Broken::Gone))
            }
        };
        let broken = match found {
            Ok(link) => return Ok(Borrowed { link, _busy: busy }),
            Err(broken) => broken,
        };
        drop(busy);
        let (other, link) = self.running().ok_or(broken)?;
        let busy = Busy::new(&other.busy);
        Ok(Borrowed { link, _busy: busy })
    }

    /// Of those that run, the one that has the least to do.
    fn running(&self) -> Option<(&Member, Arc<Link>)> {
        let member = self.least_busy(|member| member.live().is_some())?;
        Some((member, member.live()?))
    }

    fn least_busy(&self, is_it: impl Fn(&Member) -> bool) -> Option<&Arc<Member>> {
        let members = self.members.iter().filter(|member| is_it(member));
        members.min_by_key(|member| member.busy.load(Ordering::Relaxed))
    }

    /// Stops all of them, and waits until they are gone; none is started after that.
    pub(super) async fn stop(&self) {
        self.starter.stopping.cancel();
        for link in self.members.iter().filter_map(|member| member.live()) {
            link.close();
        }
        for member in &self.members {
            // Whoever starts it hears of it.
            let _turn = member.turn.lock().await;
            let link = member.link().take();
            if let Some(link) = link {
                link.close();
                link.end().await;
            }
        }
    }
}

impl Member {
    /// The server that runs here.
    fn live(&self) -> Option<Arc<Link>> {
        let link = self.link();
        link.as_ref().filter(|link| !link.is_over()).cloned()
    }

    fn link(&self) -> MutexGuard<'_, Option<Arc<Link>>> {
        // No code panics while it holds this lock.
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Starter {
    /// Whether nothing is known that keeps a server from being started.
    fn may_start(&self, member: &Member) -> bool {
        !member.has_failed.load(Ordering::Relaxed) || self.budget.has_one()
    }

    /// The server of `member`, started where it is not running.
    async fn link(self: &Arc<Self>, member: &Arc<Member>) -> Result<Arc<Link>, Broken> {
        let turn = Arc::clone(&member.turn).lock_owned().await;
        if let Some(link) = member.live() {
            return Ok(link);
        }
        // It goes on when the caller leaves: a server that needs longer to start than callers wait
        // would never be there.
        let (starter, member) = (Arc::clone(self), Arc::clone(member));
        let starting = tokio::spawn(async move {
            let _turn = turn;
            starter.start(&member).await
        });
        let failed = |error: JoinError| Broken::Unstartable(error.to_string());
        starting.await.map_err(failed)?
    }

    async fn start(&self, member: &Member) -> Result<Arc<Link>, Broken> {
        if self.stopping.is_cancelled() {
            return Err(Broken::Stopping);
        }
        let before = member.link().take();
        if let Some(before) = before {
            // What it holds, the next one may need.
            let has_failed = !before.end().await.was_wanted;
            member.has_failed.store(has_failed, Ordering::Relaxed);
        }
        if member.has_failed.load(Ordering::Relaxed) && !self.budget.take() {
            return Err(Broken::WornOut);
        }
        member.has_failed.store(true, Ordering::Relaxed);
        let link = Arc::new(self.started().await?);
        member.has_failed.store(false, Ordering::Relaxed);
        *member.link() = Some(Arc::clone(&link));
        Ok(link)
    }

    /// A server that was greeted. Where this server stops meanwhile, it has ended when this returns.
    async fn started(&self) -> Result<Link, Broken> {
        let mut link = tokio::select! {
            link = self.launch.shared(self.idle) => link?,
            () = self.stopping.cancelled() => return Err(Broken::Stopping),
        };
        tokio::select! {
            greeted = link.greet() => greeted?,
            () = self.stopping.cancelled() => {
                link.close();
                link.end().await;
                return Err(Broken::Stopping);
            }
        }
        Ok(link)
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

    /// Whether there is a start to take.
    fn has_one(&self) -> bool {
        self.taken_at(Instant::now()).len() < self.limit
    }

    /// Takes one start, where there is one.
    fn take(&self) -> bool {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> bool {
        let mut taken = self.taken_at(now);
        let has_one = taken.len() < self.limit;
        if has_one {
            taken.push_back(now);
        }
        has_one
    }

    /// When those were taken that still count.
    fn taken_at(&self, now: Instant) -> MutexGuard<'_, VecDeque<Instant>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while taken.front().is_some_and(|moment| *moment + SPELL <= now) {
            taken.pop_front();
        }
        taken
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
