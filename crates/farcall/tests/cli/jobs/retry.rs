//! `farcall jobs retry`.

use farcall_core::id::JobId;
use farcall_store::{NewJob, Reach, Success, conformance::fixture::failure};
use serde_json::{Value, json};

use super::place::{Place, on_each_engine};
use crate::harness::shows;

on_each_engine! {
    async fn a_failed_job_is_started_again_as_a_new_one(place: &Place) {
        let fence = place.run(|job| {
            "bob".clone_into(&mut job.owner);
            job.key = Some("mine".to_owned());
            job.terms.priority = 3;
        })
        .await;
        place.store.fail(fence, failure()).await.unwrap();
        let before = place.store.order(fence.id).await.unwrap();
        let ended = place.jobs(&["retry", &fence.id.to_string()[..6]]).run().await;
        let id = JobId::parse(ended.stdout.trim()).unwrap();
        shows!(ended, @r"
        exit 0
        ---- stdout
        [JOB]
        ---- stderr
        render is queued instead of [JOB], which failed: user_error: no such scene
        ");

        let first = place.store.order(fence.id).await.unwrap();
        assert_eq!(first, before);
        let second = place.store.order(id).await.unwrap().unwrap();
        // The key stays with the one that its caller started.
        assert_eq!(second, NewJob { id, key: None, ..first.unwrap() });
        let failed = place.store.record(fence.id, Reach::All).await.unwrap();
        assert_eq!(failed.unwrap().error, Some(failure()));
        assert_eq!(place.claim().await.id, id);
    }

    async fn json_names_both(place: &Place) {
        let fence = place.run(|_| {}).await;
        place.store.fail(fence, failure()).await.unwrap();
        let id = fence.id.to_string();
        let ended = place.jobs(&["retry", &id, "--json"]).run().await;
        let seen: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!((&seen["retry_of"], &seen["state"]), (&json!(id), &json!("queued")));
        assert_ne!(seen["job_id"], json!(id));
        assert_eq!(ended.stderr, "");
    }

    async fn what_has_not_failed_is_refused(place: &Place) {
        let done = place.run(|_| {}).await;
        let success = Success { value: None, artifacts: Vec::new() };
        place.store.succeed(done, success).await.unwrap();
        shows!(place.jobs(&["retry", &done.id.to_string()]).run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: the job `[JOB]` has succeeded: only a failed one is started again
        hint: its caller has the result; who wants another starts a new job
        ");
        let queued = place.enqueue(|_| {}).await;
        shows!(place.jobs(&["retry", &queued]).run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: the job `[JOB]` is not over: only a failed one is started again
        hint: `jobs watch` follows it, `jobs cancel` ends it
        ");
        let all = farcall_store::Listed { limit: 9, ..farcall_store::Listed::default() };
        assert_eq!(place.store.list(all).await.unwrap().len(), 2);
    }
}
