//! One life of a process, from its start to its end by SIGKILL.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::json;
use tokio::task::JoinSet;

use super::{
    brew::{HOLD, Order},
    caller::{Caller, Habit, fresh, start},
    fault::{Fault, Kind},
    points::{Passed, passed},
    records,
    respondent::Respondent,
    rig::Rig,
    rivalry::ORDERS,
};
use crate::{
    McpClient, Server,
    wait::{until, until_within},
};

/// How long a process may take to come to the point where it is to end.
const PATIENCE: Duration = Duration::from_millis(1500);

/// How long a process that was asked to stop may take.
const STOP: Duration = Duration::from_secs(10);

/// How a life is to end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// At a crash point.
    Point {
        point: &'static str,
        passing: u32,
        /// Whether only passings count from the moment at which a job is known to run.
        is_late: bool,
    },
    /// By SIGKILL when about so many lines were written to the log.
    Random { lines: u32 },
    /// By SIGTERM, and at a crash point on the way out.
    Stop { point: Option<&'static str> },
    /// Two workers, of which one is believed dead; by SIGKILL after so many lines, or at a
    /// crash point.
    Rivals {
        lines: u32,
        point: Option<&'static str>,
    },
}

/// How a life has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Death {
    pub(crate) by: By,
    /// Whether a job was running then that this life had begun to work on.
    pub(crate) was_running: bool,
}

/// What ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The crash point that was asked for.
    Point(&'static str),
    /// SIGKILL at a random moment.
    Random,
    /// SIGKILL, because it did not come to its crash point in time.
    Instead,
    /// It stopped, as it was asked to.
    Stop,
}

impl End {
    pub(crate) fn choose(rig: &mut Rig) -> Self {
        const FRESH: [&str; 4] = [
            "store.migrate.begun",
            "store.migrate.committed",
            "store.make_secret.begun",
            "store.make_secret.committed",
        ];
        let random = &mut rig.random;
        let hits = &rig.shared.hits;
        let next = |wanted: Passed| hits.lock().unwrap().next(|passed| passed == wanted);
        if let Some(point) = FRESH.get(rig.life as usize) {
            hits.lock().unwrap().ask(point);
            return Self::point(point, 1, false);
        }
        if let Some(point) = rig.shared.overdue() {
            hits.lock().unwrap().ask(point);
            return match passed(point) {
                Passed::AtStop => Self::Stop { point: Some(point) },
                _ => Self::point(point, 1, false),
            };
        }
        match random.below(100) {
            0..6 => Self::point(next(Passed::AtStart), 1, false),
            6..13 => {
                let point = (!random.one_in(3)).then(|| next(Passed::AtStop));
                Self::Stop { point }
            }
            13..16 => Self::point(next(Passed::AfterChange), 1 + random.below(2), false),
            16..23 => {
                let lines = random.below(16);
                let point = random.one_in(3).then(|| next(Passed::AtWork));
                Self::Rivals { lines, point }
            }
            23..50 => {
                let lines = random.below(24);
                Self::Random { lines }
            }
            _ => Self::point(next(Passed::AtWork), 1 + random.below(3), !random.one_in(3)),
        }
    }

    fn point(point: &'static str, passing: u32, is_late: bool) -> Self {
        Self::Point {
            point,
            passing,
            is_late,
        }
    }

    fn asked(self) -> Option<(&'static str, u32)> {
        match self {
            Self::Point { point, passing, .. } => Some((point, passing)),
            Self::Stop { point } | Self::Rivals { point, .. } => Some((point?, 1)),
            Self::Random { .. } => None,
        }
    }
}

impl Rig {
    /// Lives once.
    ///
    /// # Errors
    /// What the process did that no process should.
    pub(crate) async fn live(&mut self, end: End) -> Result<Death, Fault> {
        self.begin_life();
        let begun = self.log.begun;
        let _ = fs::remove_file(self.armed());
        if end
            .asked()
            .is_some_and(|(point, _)| passed(point) == Passed::AfterChange)
        {
            self.is_changed = !self.is_changed;
        }
        let by = match end {
            End::Rivals { lines, .. } => self.live_as_rivals(end, lines).await?,
            _ => self.live_as_server(end).await?,
        };
        self.catch_up();
        if let By::Point(point) = by {
            self.shared.hits.lock().unwrap().note(point);
        }
        let tally = if self.has_data() {
            self.records().tally().await
        } else {
            records::Tally::default()
        };
        self.waiting = tally.waiting;
        Ok(Death {
            by,
            was_running: tally.running > 0 && self.log.begun > begun,
        })
    }

    async fn live_as_server(&mut self, end: End) -> Result<By, Fault> {
        let is_late = matches!(end, End::Point { is_late: true, .. } | End::Stop { .. });
        let mut launch = self.launch("server");
        if let Some((point, passing)) = end.asked() {
            launch = launch
                .env("FARCALL_CRASH_AT", format!("{point}:{passing}"))
                .env("FARCALL_CRASH_AFTER", self.armed());
        }
        if !is_late {
            self.arm();
        }
        let mut server = match launch.start_unless_killed().await {
            Ok(server) => server,
            Err(fallen) => {
                // It may have taken over, or not.
                self.processes.push(fallen.process);
                return self.died(end, fallen.status, &fallen.talk, false);
            }
        };
        self.processes = vec![server.process_id()];
        let client = McpClient::sharing(self.http.clone(), server.url());
        let leave = Arc::new(AtomicBool::new(false));
        let mut callers = JoinSet::new();
        // Before anybody asks, because who waits for an answer has a place among the running.
        callers.spawn(self.respondent(&client, &leave).answer());
        let held = self.hold(&client, &mut server).await;
        if is_late && !matches!(end, End::Stop { .. }) {
            self.arm();
        }
        if held {
            for is_tenacious in [true, false] {
                let mut caller = self.caller(end, &client, &leave);
                caller.is_tenacious = is_tenacious;
                callers.spawn(caller.call());
            }
        }
        let mut is_ours = false;
        match end {
            End::Point { .. } => {
                if !ends_within(PATIENCE, &mut server).await {
                    is_ours = true;
                    server.signal(Signal::KILL);
                }
            }
            End::Stop { .. } => {
                self.wait_for_lines(8, &mut server).await;
                // Whoever calls a server that stops may be refused.
                leave.store(true, Ordering::Relaxed);
                while callers.join_next().await.is_some() {}
                self.arm();
                self.stopped.insert(self.life);
                server.terminate();
            }
            End::Random { lines } | End::Rivals { lines, .. } => {
                self.wait_for_lines(lines, &mut server).await;
                is_ours = true;
                server.signal(Signal::KILL);
            }
        }
        let mut process = server.into_process();
        let ended = tokio::time::timeout(STOP, process.wait()).await;
        let Ok(status) = ended else {
            let what = format!("a server does not end ({end:?}):\n{}", process.stderr());
            return Err(Fault::new(Kind::Broken, what));
        };
        // Who has nothing to answer asks nobody, and so does not notice.
        leave.store(true, Ordering::Relaxed);
        while callers.join_next().await.is_some() {}
        self.died(end, status, &process.stderr(), is_ours)
    }

    async fn live_as_rivals(&mut self, end: End, lines: u32) -> Result<By, Fault> {
        let orders: Vec<Order> = (0..3)
            .map(|_| {
                let mut order = fresh(&self.books, &mut self.random);
                order.stalls_in = self.life;
                order.stalls_late = self.random.one_in(2);
                self.books.open().place(order, HOLD);
                order
            })
            .collect();
        let mut launch = self.launch("rivals").env(ORDERS, json!(orders).to_string());
        if let Some((point, passing)) = end.asked() {
            launch = launch
                .env("FARCALL_CRASH_AT", format!("{point}:{passing}"))
                .env("FARCALL_CRASH_AFTER", self.armed());
        }
        let mut process = launch.spawn();
        self.processes.push(process.id());
        let rescues = self.log.rescues;
        let deadline = Instant::now() + 4 * PATIENCE;
        until("the second worker", async || {
            self.log.catch_up();
            let is_there = self.log.rescues > rescues;
            (is_there || process.ended().is_some() || Instant::now() > deadline).then_some(())
        })
        .await;
        self.arm();
        let wanted = self.log.lines + lines as usize;
        let is_point = end.asked().is_some();
        let deadline = Instant::now() + if is_point { PATIENCE } else { PATIENCE / 5 };
        until("enough lines of two workers", async || {
            self.log.catch_up();
            let is_enough = !is_point && self.log.lines >= wanted;
            (is_enough || process.ended().is_some() || Instant::now() > deadline).then_some(())
        })
        .await;
        let is_ours = process.ended().is_none();
        process.signal(Signal::KILL);
        let status = process.wait().await;
        self.died(end, status, &process.stderr(), is_ours)
    }

    fn died(&self, end: End, status: ExitStatus, talk: &str, is_ours: bool) -> Result<By, Fault> {
        let is_stop = matches!(end, End::Stop { .. });
        let asked = end.asked().map(|(point, _)| point);
        match (status.signal(), asked) {
            (Some(9), Some(_)) if is_ours => Ok(By::Instead),
            (Some(9), None) if is_ours => Ok(By::Random),
            (Some(9), Some(point)) => Ok(By::Point(point)),
            (None, _) if is_stop && status.success() => Ok(By::Stop),
            _ => {
                let what = format!("life {} ({end:?}) ended with {status}:\n{talk}", self.life);
                Err(Fault::new(Kind::Broken, what))
            }
        }
    }

    /// Starts a job that waits to be killed; returns whether it runs.
    async fn hold(&mut self, client: &McpClient, server: &mut Server) -> bool {
        let mut order = fresh(&self.books, &mut self.random);
        order.waits_in = self.life;
        self.books.open().place(order, HOLD);
        let Ok(Some(id)) = start(client, &self.books, HOLD, order).await else {
            return false;
        };
        let life = self.life;
        let deadline = Instant::now() + 4 * PATIENCE;
        until("a job that runs", async || {
            self.log.catch_up();
            if self.log.has_begun(&id, 2, life) {
                return Some(true);
            }
            (!server.is_alive() || Instant::now() > deadline).then_some(false)
        })
        .await
    }

    fn caller(&mut self, end: End, client: &McpClient, leave: &Arc<AtomicBool>) -> Caller {
        let asked = end.asked().map_or("", |(point, _)| point);
        let habit = match asked {
            point if point.starts_with("store.cancel.") => Habit::Cancels,
            point if point.starts_with("store.retry.") => Habit::Fails(1),
            point if point.starts_with("store.fail.") => Habit::Fails(2),
            "finish.files_removed" => Habit::Fails(2),
            point if point.starts_with("store.ask.") => Habit::Asks,
            point if point.starts_with("store.answer.") => Habit::Asks,
            point if point.starts_with("store.delete.") => Habit::Sips,
            _ => Habit::None,
        };
        Caller {
            client: client.clone(),
            books: self.books.clone(),
            random: self.random.split(),
            orders: if self.waiting > 24 { 2 } else { 4 },
            habit,
            leave: Arc::clone(leave),
            is_tenacious: false,
        }
    }

    /// Somebody who answers the jobs of every life until `leave`.
    pub(crate) fn respondent(&self, client: &McpClient, leave: &Arc<AtomicBool>) -> Respondent {
        Respondent {
            client: client.clone(),
            books: self.books.clone(),
            leave: Arc::clone(leave),
        }
    }

    /// From now on passings of the crash point count.
    fn arm(&self) {
        fs::write(self.armed(), "").unwrap();
    }

    async fn wait_for_lines(&mut self, lines: u32, server: &mut Server) {
        let wanted = self.log.lines + lines as usize;
        let deadline = Instant::now() + PATIENCE / 15;
        until("enough lines", async || {
            self.log.catch_up();
            let is_enough = self.log.lines >= wanted || Instant::now() > deadline;
            (is_enough || !server.is_alive()).then_some(())
        })
        .await;
    }
}

async fn ends_within(patience: Duration, server: &mut Server) -> bool {
    let deadline = Instant::now() + patience;
    until_within(2 * patience, "the end of a server", async || {
        if !server.is_alive() {
            return Some(true);
        }
        (Instant::now() > deadline).then_some(false)
    })
    .await
}
