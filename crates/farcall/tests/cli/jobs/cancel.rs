//! `farcall jobs cancel`.

use farcall_core::{id::JobId, job::state::JobState};
use farcall_store::{Reach, Success};
use serde_json::Value;

use super::place::{Place, on_each_engine};
use crate::harness::shows;

on_each_engine! {
    async fn it_says_what_each_job_was(place: &Place) {
        let done = place.run(|_| {}).await;
        let success = Success { value: None, artifacts: Vec::new() };
        place.store.succeed(done, success).await.unwrap();
        let running = place.run(|_| {}).await;
        let queued = place.enqueue(|_| {}).await;
        let ids = [&done.id.to_string()[..], &running.id.to_string()[..12], &queued];
        let cancel = || place.jobs(&["cancel"]).arguments(&ids);
        shows!(cancel().run().await, @r"
        exit 0
        ---- stdout
        [JOB] render had succeeded before; it stays as it is
        [JOB] render was running, and is told to stop
        [JOB] render was queued, and is cancelled
        ---- stderr
        ");
        // A second time it changes nothing.
        shows!(cancel().run().await, @r"
        exit 0
        ---- stdout
        [JOB] render had succeeded before; it stays as it is
        [JOB] render was running, and is told to stop
        [JOB] render had failed before, with cancelled; it stays as it is
        ---- stderr
        ");
        let record = place.store.record(running.id, Reach::All).await.unwrap().unwrap();
        assert!(record.cancel_requested);
        assert_eq!(record.state, JobState::Running);
    }

    async fn json_says_it_as_well(place: &Place) {
        let queued = place.enqueue(|_| {}).await;
        let ended = place.jobs(&["cancel", &queued, "--json"]).run().await;
        let seen: Value = serde_json::from_str(&ended.stdout).unwrap();
        let job = &seen["jobs"][0];
        assert_eq!((&job["was"], &job["state"]), (&"queued".into(), &"failed".into()));
        assert_eq!(job["error_code"], "cancelled");
    }

    async fn an_id_that_is_wrong_leaves_all_jobs_alone(place: &Place) {
        let queued = place.enqueue(|_| {}).await;
        shows!(place.jobs(&["cancel", "0123", &queued, "4567"]).run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: there is no job whose id begins with `0123`
        hint: `jobs list` has those there are; one that has expired is not there any more
        error: there is no job whose id begins with `4567`
        hint: `jobs list` has those there are; one that has expired is not there any more
        ");
        let id = JobId::parse(&queued).unwrap();
        let record = place.store.record(id, Reach::All).await.unwrap().unwrap();
        assert_eq!(record.state, JobState::Queued);
    }
}
