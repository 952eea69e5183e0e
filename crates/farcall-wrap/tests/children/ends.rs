//! How programs end, by themselves and otherwise.

use std::{pin::pin, time::Duration};

use farcall_wrap::child::{Child, Ended};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{sync::watch, time::Instant};

use crate::harness::{SOON, above, alive, gone, lines, run, spec, token, up};

#[tokio::test]
async fn status_and_signal_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, ended) in [
        (["exit", "0"].as_slice(), Ended::Exited(0)),
        (&["exit", "3"], Ended::Exited(3)),
        (&["exit", "137"], Ended::Exited(137)),
        (&["die"], Ended::Signalled(9)),
    ] {
        let outcome = run(spec(folder.path(), arguments)).await.unwrap();
        assert_eq!(outcome.ended, ended);
    }
}

#[tokio::test]
async fn output_arrives_whole_also_after_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(spec(folder.path(), &["print", "3000000"]))
        .await
        .unwrap();
    assert_eq!(outcome.ended, Ended::Exited(0));
    assert_eq!(outcome.stdout.len(), 3_000_000);
    assert!(outcome.stdout.ends_with("6789"));
    assert_eq!(outcome.stderr, "printed\n");

    let mut child = Child::spawn(spec(folder.path(), &["print", "1000"]))
        .await
        .unwrap();
    assert_eq!(child.ended().await.unwrap(), Ended::Exited(0));
    assert_eq!(child.ended().await.unwrap(), Ended::Exited(0));
    let mut printed = String::new();
    let mut stdout = child.stdout.take().unwrap();
    tokio::io::AsyncReadExt::read_to_string(&mut stdout, &mut printed)
        .await
        .unwrap();
    assert_eq!(printed.len(), 1000);
}

#[tokio::test]
async fn a_program_that_stops_when_told_has_stopped_with_its_family() {
    let folder = tempfile::tempdir().unwrap();
    let token = token();
    let mut child = Child::spawn(spec(folder.path(), &["family", &token]))
        .await
        .unwrap();
    up(&mut lines(&mut child), 5).await;
    let begin = Instant::now();
    child.stop();
    assert_eq!(child.ended().await.unwrap(), Ended::Stopped);
    assert!(begin.elapsed() < SOON);
    assert_eq!(alive(&token, 0), [0; 0]);
}

#[tokio::test]
async fn a_program_that_does_not_stop_is_killed_after_its_grace() {
    let folder = tempfile::tempdir().unwrap();
    let token = token();
    let mut spec = spec(folder.path(), &["stubborn", &token]);
    spec.grace = Duration::from_millis(300);
    let mut child = Child::spawn(spec).await.unwrap();
    up(&mut lines(&mut child), 1).await;
    let begin = Instant::now();
    child.stop();
    child.stop();
    assert_eq!(child.ended().await.unwrap(), Ended::Killed);
    let time = begin.elapsed();
    assert!(
        time >= Duration::from_millis(290) && time < SOON,
        "{time:?}"
    );
    assert_eq!(alive(&token, 0), [0; 0]);
}

#[tokio::test]
async fn what_a_program_leaves_behind_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let token = token();
    let outcome = run(spec(folder.path(), &["leave", &token])).await.unwrap();
    assert_eq!(outcome.stdout, "left\n");
    assert_eq!(outcome.ended, Ended::Exited(0));
    assert_eq!(alive(&token, 0), [0; 0]);
}

#[tokio::test]
async fn a_program_that_nobody_renews_expires_and_a_renewed_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let token = token();
    let mut spec = spec(folder.path(), &["family", &token]);
    let begin = Instant::now();
    spec.until = Some(begin + Duration::from_secs(5));
    let mut child = Child::spawn(spec).await.unwrap();
    up(&mut lines(&mut child), 5).await;
    let until = begin + Duration::from_secs(6);
    child.renew(until);
    assert_eq!(child.ended().await.unwrap(), Ended::Expired);
    let late = Instant::now().saturating_duration_since(until);
    assert!(Instant::now() + Duration::from_millis(10) >= until && late < SOON);
    assert_eq!(alive(&token, 0), [0; 0]);
}

/// A start takes its time on a busy machine, longer than is left of the lease with which it began.
#[tokio::test]
async fn a_lease_that_is_renewed_while_a_program_starts_is_not_over() {
    let folder = tempfile::tempdir().unwrap();
    let (renewed, lease) = watch::channel(Instant::now());
    let mut starting = pin!(Child::spawn_leased(spec(folder.path(), &["wait"]), lease));
    let at_once = tokio::time::timeout(Duration::ZERO, &mut starting).await;
    assert!(at_once.is_err(), "it has to start first");
    renewed.send_replace(Instant::now() + Duration::from_mins(1));
    let child = starting.await.unwrap();
    child.stop();
    assert_eq!(child.ended().await.unwrap(), Ended::Stopped);
}

#[tokio::test]
async fn a_dropped_program_is_killed_with_its_family() {
    let folder = tempfile::tempdir().unwrap();
    let token = token();
    let mut child = Child::spawn(spec(folder.path(), &["family", &token]))
        .await
        .unwrap();
    up(&mut lines(&mut child), 5).await;
    assert_eq!(alive(&token, 0).len(), 5);
    drop(child);
    gone(&token, 0, SOON).await;
}

/// Such as by the system where memory runs out.
#[tokio::test]
async fn a_killed_shim_is_told_and_its_program_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let token = token();
    let mut child = Child::spawn(spec(folder.path(), &["family", &token]))
        .await
        .unwrap();
    up(&mut lines(&mut child), 5).await;
    let shim = above(&token);
    kill_process(shim, Signal::KILL).unwrap();
    let problem = child.ended().await.unwrap_err();
    let cause = problem.cause().unwrap().to_string();
    assert!(cause.contains("without a word"), "{cause}");
    // The one that left the session, and its child, are not found once their parents are gone.
    let begin = Instant::now();
    while alive(&token, 0).len() > 2 && begin.elapsed() < SOON {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let left = alive(&token, 0);
    assert!(left.len() <= 2, "{left:?}");
    for process in left {
        let process = Pid::from_raw(process.try_into().unwrap()).unwrap();
        kill_process(process, Signal::KILL).unwrap();
    }
}

#[tokio::test]
async fn a_shim_that_is_told_to_end_ends_its_program_first() {
    let folder = tempfile::tempdir().unwrap();
    let token = token();
    let mut child = Child::spawn(spec(folder.path(), &["family", &token]))
        .await
        .unwrap();
    up(&mut lines(&mut child), 5).await;
    kill_process(above(&token), Signal::TERM).unwrap();
    assert_eq!(child.ended().await.unwrap(), Ended::Stopped);
    assert_eq!(alive(&token, 0), [0; 0]);
}

#[tokio::test]
async fn waiting_for_an_end_can_be_given_up_and_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec(folder.path(), &["wait"]);
    spec.until = Some(Instant::now() + Duration::from_secs(2));
    let child = Child::spawn(spec).await.unwrap();
    let mut given_up = 0;
    let ended = loop {
        match tokio::time::timeout(Duration::from_millis(1), child.ended()).await {
            Ok(ended) => break ended.unwrap(),
            Err(_) => given_up += 1,
        }
    };
    assert_eq!(ended, Ended::Expired);
    assert!(given_up > 10, "{given_up}");
}

#[tokio::test]
async fn two_tasks_are_told_the_same_end() {
    let folder = tempfile::tempdir().unwrap();
    let child = Child::spawn(spec(folder.path(), &["exit", "7"]))
        .await
        .unwrap();
    let (one, other) = tokio::join!(child.ended(), child.ended());
    assert_eq!(
        (one.unwrap(), other.unwrap()),
        (Ended::Exited(7), Ended::Exited(7))
    );
}
