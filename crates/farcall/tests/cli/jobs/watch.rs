//! `farcall jobs watch`, on a terminal and where nobody sits before one.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use farcall_store::{Fence, Report, Success, conformance::fixture::failure};
use serde_json::Value;

use super::place::{Place, on_each_engine};
use crate::{harness::shows, terminal::Terminal};

fn report(stage: u32, progress: f64) -> Report {
    Report {
        stage,
        message: format!("[{stage}/3] working"),
        progress: Some(progress),
        log: Vec::new(),
    }
}

fn success() -> Success {
    Success {
        value: None,
        artifacts: Vec::new(),
    }
}

/// A watcher whose lines are read one by one.
struct Watcher {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Watcher {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut child = place
            .jobs(&["watch"])
            .arguments(arguments)
            .spawn(Stdio::piped());
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let _ = sender.send(line.unwrap());
            }
        });
        Self { child, lines }
    }

    fn next(&self) -> String {
        self.lines.recv_timeout(crate::harness::PATIENCE).unwrap()
    }

    fn end(mut self) -> (i32, Vec<String>) {
        let status = self.child.wait().unwrap();
        (status.code().unwrap(), self.lines.iter().collect())
    }
}

on_each_engine! {
    async fn on_a_terminal_bars_move_and_give_way_to_a_line_for_each_end(place: &Place) {
        let (one, other) = (place.run(|_| {}).await, place.run(|_| {}).await);
        let [first, second] = [one, other].map(|fence| fence.id.to_string()[..8].to_owned());
        let terminal = Terminal::start(place.jobs(&["watch"]));
        terminal.shows(&format!("{first} render")).await;
        place.store.report(one, report(2, 0.5)).await.unwrap();
        place.store.report(other, report(1, 0.0)).await.unwrap();
        // Half of the second of three stages.
        terminal.shows("==========>").await;
        terminal.shows("[1/3] working").await;
        place.store.succeed(one, success()).await.unwrap();
        terminal.shows(&format!("{first} render succeeded 3/3 done")).await;
        terminal.shows(&format!("{second} render")).await;
        place.store.fail(other, failure()).await.unwrap();
        let (exit, drawn) = terminal.end().await;
        assert_eq!(exit, 1);
        shows!(drawn.screen(), @r"
        [JOB] render succeeded 3/3 done
        [JOB] render failed 1/3 0% user_error: no such scene
        error: 1 of 2 jobs have failed
        hint: `jobs show ID` says more of one
        ");
    }

    async fn each_change_is_a_line_up_to_the_good_end(place: &Place) {
        let fence = place.run(|_| {}).await;
        let id = fence.id.to_string();
        let short = &id[..8];
        let watcher = Watcher::start(place, &[short]);
        assert_eq!(watcher.next(), format!("{short} render running 0/3 starting"));
        place.store.report(fence, report(1, 0.0)).await.unwrap();
        assert_eq!(watcher.next(), format!("{short} render running 1/3 0% [1/3] working"));
        // Not worth a line.
        place.store.report(fence, report(1, 0.05)).await.unwrap();
        place.store.report(fence, report(2, 0.55)).await.unwrap();
        assert_eq!(watcher.next(), format!("{short} render running 2/3 55% [2/3] working"));
        place.store.succeed(fence, success()).await.unwrap();
        assert_eq!(watcher.next(), format!("{short} render succeeded 3/3 done"));
        assert_eq!(watcher.end(), (0, Vec::new()));
    }

    async fn a_bad_end_is_a_failure(place: &Place) {
        let fence = place.run(|_| {}).await;
        place.store.fail(fence, failure()).await.unwrap();
        shows!(place.jobs(&["watch", &fence.id.to_string()]).run().await, @r"
        exit 1
        ---- stdout
        [JOB] render failed 0/3 user_error: no such scene
        ---- stderr
        error: the job `[JOB]` has failed with user_error: no such scene
        hint: `jobs show [JOB]` says more, `jobs retry [JOB]` starts it again
        ");
    }

    async fn json_is_an_object_for_each_change(place: &Place) {
        let fence = place.run(|_| {}).await;
        let watcher = Watcher::start(place, &[&fence.id.to_string(), "--json"]);
        let seen = |line: String| serde_json::from_str::<Value>(&line).unwrap();
        assert_eq!(seen(watcher.next())["state"], "running");
        place.store.report(fence, report(1, 0.05)).await.unwrap();
        assert_eq!(seen(watcher.next())["progress"], 0.05);
        place.store.succeed(fence, success()).await.unwrap();
        assert_eq!(seen(watcher.next())["state"], "succeeded");
        assert_eq!(watcher.end(), (0, Vec::new()));
    }

    async fn without_an_id_all_that_run_are_followed(place: &Place) {
        shows!(place.jobs(&["watch"]).run().await, @r"
        exit 0
        ---- stdout
        ---- stderr
        no job is running
        ");
        let (one, other): (Fence, Fence) = (place.run(|_| {}).await, place.run(|_| {}).await);
        place.enqueue(|_| {}).await;
        let watcher = Watcher::start(place, &[]);
        let (first, second) = (watcher.next(), watcher.next());
        assert!(first.starts_with(&one.id.to_string()[..8]), "{first}");
        assert!(second.starts_with(&other.id.to_string()[..8]), "{second}");
        place.store.fail(other, failure()).await.unwrap();
        assert!(watcher.next().contains("failed 0/3 user_error: no such scene"));
        place.store.succeed(one, success()).await.unwrap();
        assert!(watcher.next().contains("succeeded"));
        assert_eq!(watcher.end(), (1, Vec::new()));
    }

    async fn it_ends_when_nobody_reads_it(place: &Place) {
        let fence = place.run(|_| {}).await;
        let mut child = place.jobs(&["watch", &fence.id.to_string()]).spawn(Stdio::piped());
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        drop(stdout);
        place.store.report(fence, report(1, 0.0)).await.unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}
