//! Keeps a running job's progress: every change of stage at once, and what happens within a
//! stage at most twice a second, with the lines for its log.

use std::{sync::Arc, time::Duration};

use farcall_core::job::StopReason;
use farcall_store::{Fence, JobStore, Report, StoreError};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use crate::{stop::Stop, unsaid::Unsaid};

/// The shortest time between two writes of progress within a stage.
const PACE: Duration = Duration::from_millis(500);

/// The most lines of a log in one write.
const LINES: usize = 500;

/// Writes the reports of one attempt.
pub(crate) struct Reporter {
    store: Arc<dyn JobStore>,
    fence: Fence,
    newest: watch::Sender<Newest>,
    unsaid: Unsaid,
    /// Holds back a write from within a stage while the stage itself changes.
    order: Mutex<()>,
}

struct Newest {
    report: Report,
    is_written: bool,
}

impl Reporter {
    pub(crate) fn new(store: Arc<dyn JobStore>, fence: Fence) -> Self {
        Self {
            store,
            fence,
            newest: watch::Sender::new(Newest {
                report: Report::default(),
                is_written: true,
            }),
            unsaid: Unsaid::default(),
            order: Mutex::new(()),
        }
    }

    /// Takes the newest state within a stage; it is written when its time comes.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Report)) {
        self.newest.send_modify(|newest| {
            change(&mut newest.report);
            newest.is_written = false;
        });
    }

    /// Takes lines for the job's log; they are written when their time comes, at the latest when
    /// the attempt ends.
    pub(crate) fn log(&self, text: &str) {
        self.unsaid.push(text);
        self.newest.send_modify(|_| {});
    }

    /// Enters a stage, and returns when that is written.
    pub(crate) async fn enter(&self, stage: u32, message: String) -> Result<(), StoreError> {
        let _order = self.order.lock().await;
        let report = Report {
            stage,
            message,
            ..Report::default()
        };
        self.newest.send_replace(Newest {
            report: report.clone(),
            is_written: true,
        });
        self.store.report(self.fence, report).await
    }

    /// Writes progress until `over`, and then what the log still lacks; stops `work` when the job is no longer this worker's.
    pub(crate) async fn keep_up(&self, work: Stop, over: CancellationToken) {
        let mut news = self.newest.subscribe();
        loop {
            tokio::select! {
                changed = news.changed() => if changed.is_err() { return },
                () = over.cancelled() => break,
            }
            if let Err(StoreError::StaleClaim) = self.write_newest().await {
                work.because(StopReason::Lost);
            }
            tokio::select! {
                () = tokio::time::sleep(PACE) => {}
                () = over.cancelled() => break,
            }
        }
        let _order = self.order.lock().await;
        let lines = self.unsaid.take();
        if !lines.is_empty() {
            let report = self.newest.borrow().report.clone();
            // Whatever becomes of it, the attempt is over.
            let _ = self.write(report, lines).await;
        }
    }

    async fn write_newest(&self) -> Result<(), StoreError> {
        let _order = self.order.lock().await;
        let mut unwritten = None;
        // Marking is no news, so nobody is woken by it.
        self.newest.send_if_modified(|newest| {
            if !newest.is_written {
                unwritten = Some(newest.report.clone());
                newest.is_written = true;
            }
            false
        });
        let lines = self.unsaid.take();
        match unwritten {
            Some(report) => self.write(report, lines).await,
            None if lines.is_empty() => Ok(()),
            None => {
                let report = self.newest.borrow().report.clone();
                self.write(report, lines).await
            }
        }
    }

    /// Writes `report`, with so many lines at once that no write holds up others for long.
    async fn write(&self, mut report: Report, lines: Vec<String>) -> Result<(), StoreError> {
        let mut lines = lines.into_iter();
        loop {
            report.log = lines.by_ref().take(LINES).collect();
            let written = self.store.report(self.fence, report.clone()).await;
            if let Err(error) = &written {
                tracing::warn!(job = %self.fence.id, %error, "progress is not kept");
                return written;
            }
            if lines.len() == 0 {
                return Ok(());
            }
        }
    }
}

/// A message is one line of bearable length, whatever the code says.
pub(crate) fn one_line(message: &str) -> String {
    message
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(200)
        .collect()
}
