//! Keeps a running job's progress: every change of stage at once, and what happens within a
//! stage at most twice a second.

use std::{sync::Arc, time::Duration};

use farcall_core::job::StopReason;
use farcall_store::{Fence, JobStore, Report, StoreError};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use crate::stop::Stop;

/// The shortest time between two writes of progress within a stage.
const PACE: Duration = Duration::from_millis(500);

/// Writes the reports of one attempt.
pub(crate) struct Reporter {
    store: Arc<dyn JobStore>,
    fence: Fence,
    newest: watch::Sender<Newest>,
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

    /// Writes progress until `over`; stops `work` when the job is no longer this worker's.
    pub(crate) async fn keep_up(&self, work: Stop, over: CancellationToken) {
        let mut news = self.newest.subscribe();
        loop {
            tokio::select! {
                changed = news.changed() => if changed.is_err() { return },
                () = over.cancelled() => return,
            }
            if let Err(StoreError::StaleClaim) = self.write_newest().await {
                work.because(StopReason::Lost);
            }
            tokio::select! {
                () = tokio::time::sleep(PACE) => {}
                () = over.cancelled() => return,
            }
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
        let Some(report) = unwritten else {
            return Ok(());
        };
        let written = self.store.report(self.fence, report).await;
        if let Err(error) = &written {
            tracing::warn!(job = %self.fence.id, %error, "progress is not kept");
        }
        written
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
