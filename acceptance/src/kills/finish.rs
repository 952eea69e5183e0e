//! The end of a data folder: nobody kills any more, so everything has to come to its own end.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    caller::send_again,
    fault::{Fault, Kind},
    rig::Rig,
    run::Engine,
};
use crate::{McpClient, Server, wait::until_within};

/// How long nothing may happen while there are jobs to run and nobody kills any more.
const TO_THE_END: Duration = Duration::from_secs(20);

/// Longer than a stray has to be old to be removed while others may work on the same store.
const AGE: Duration = Duration::from_hours(2);

impl Rig {
    /// Lets a server bring every job to its end, and sees that nothing is left that nobody needs.
    pub(crate) async fn finish(&mut self) -> Result<(), Vec<Fault>> {
        let _ = fs::remove_file(self.armed());
        self.last_life(false).await?;
        // What is left of jobs that failed goes at the next start, or once it is old.
        self.let_files_age();
        self.last_life(self.shared.options.engine == Engine::Postgres)
            .await?;
        let faults = self.look().await;
        if !faults.is_empty() {
            return Err(faults);
        }
        let strays = self.strays().await;
        if strays.is_empty() {
            return Ok(());
        }
        let what = format!("nobody needs these files: {strays:?}");
        Err(vec![Fault::new(Kind::Torn, what)])
    }

    /// A life that nobody ends before all jobs are over, and all strays gone where it `tidies`.
    async fn last_life(&mut self, tidies: bool) -> Result<(), Vec<Fault>> {
        let broken = |what: String| vec![Fault::new(Kind::Broken, what)];
        self.begin_life();
        let started = self.launch("server").start_unless_killed().await;
        let mut server = started.map_err(|fallen| broken(format!("{fallen:?}")))?;
        self.processes = vec![server.process_id()];
        let client = McpClient::sharing(self.http.clone(), server.url());
        if send_again(&client, &self.books, None).await.is_err() {
            let what = "a server that nobody kills does not answer";
            return Err(broken(what.to_owned()));
        }
        let leave = Arc::new(AtomicBool::new(false));
        let respondent = tokio::spawn(self.respondent(&client, &leave).answer());
        let is_over = self.all_end().await;
        leave.store(true, Ordering::Relaxed);
        respondent.await.unwrap();
        if !is_over {
            let all = self.records().jobs().await;
            let left: Vec<_> = all.iter().filter(|job| !job.is_over()).collect();
            return Err(vec![Fault::new(Kind::Stuck, format!("{left:?}"))]);
        }
        if tidies {
            self.wait_for_tidiness(&mut server).await;
        }
        server.terminate();
        let status = server.into_process().wait().await;
        if status.success() {
            return Ok(());
        }
        Err(broken(format!("a server stopped with {status}")))
    }

    /// Whether all jobs come to their ends, and what is not kept is gone. A slow machine is no fault, as long as something
    /// happens there.
    pub(crate) async fn all_end(&mut self) -> bool {
        let data = self.records();
        let began = Instant::now();
        let mut moved = (began, self.log.lines, 0);
        until_within(10 * TO_THE_END, "the ends of all jobs", async || {
            self.log.catch_up();
            let tally = data.tally().await;
            let open = tally.running + tally.waiting + tally.brief;
            if (moved.1, moved.2) != (self.log.lines, open) {
                moved = (Instant::now(), self.log.lines, open);
            }
            let is_stuck = moved.0.elapsed() > TO_THE_END || began.elapsed() > 9 * TO_THE_END;
            (open == 0 || is_stuck).then_some(open == 0)
        })
        .await
    }

    /// What is still there then is found by the look that follows.
    async fn wait_for_tidiness(&self, server: &mut Server) {
        let deadline = Instant::now() + TO_THE_END;
        until_within(2 * TO_THE_END, "a removal of strays", async || {
            let is_over = Instant::now() > deadline || !server.is_alive();
            (is_over || self.strays().await.is_empty()).then_some(())
        })
        .await;
    }

    /// Makes every file as old as only strays can be: whatever is needed must stay all the same.
    pub(crate) fn let_files_age(&self) {
        for path in files(&self.data_path().join("artifacts")).files {
            // A stray may go at this moment.
            let Ok(file) = File::options().append(true).open(&path) else {
                continue;
            };
            let modified = file.metadata().unwrap().modified().unwrap();
            file.set_modified(modified - AGE).unwrap();
        }
    }

    /// What is in the folder beside the database and what is published; an empty folder below
    /// the first level is a stray as well.
    async fn strays(&self) -> Vec<PathBuf> {
        let published = self.records().published().await;
        let artifacts = self.data_path().join("artifacts");
        let published = published.into_values().flatten();
        let published: BTreeSet<_> = published
            .map(|file| artifacts.join(file.location))
            .collect();
        let (made, work) = (files(&artifacts), files(&self.data_path().join("work")));
        let made_in_vain = made
            .files
            .into_iter()
            .filter(|path| !published.contains(path));
        let empty = made.empty.into_iter().chain(work.empty);
        made_in_vain.chain(work.files).chain(empty).collect()
    }
}

/// What is in a folder, however deep.
#[derive(Default)]
struct Found {
    files: Vec<PathBuf>,
    /// Folders without anything in them, but for the first.
    empty: Vec<PathBuf>,
}

fn files(folder: &Path) -> Found {
    let mut found = Found::default();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        // A server that tidies may be at it.
        let Ok(entries) = fs::read_dir(&next) else {
            continue;
        };
        let paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        if paths.is_empty() && next != folder {
            found.empty.push(next);
        }
        for path in paths {
            if path.is_dir() {
                open.push(path);
            } else {
                found.files.push(path);
            }
        }
    }
    found
}
