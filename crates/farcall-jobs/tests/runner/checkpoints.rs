//! What a step puts aside for the time when it has to begin again.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use farcall_core::{
    JsonObject,
    job::{Job, JobContext, MAX_STAGE_VALUE, Pipeline, Program, state::JobState},
    problem::{ErrorCode, Problem},
    schema,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::rig::{Rig, quick};

/// Notes what each run is given, and does `run`.
fn job<F>(given: &Arc<Mutex<Vec<Value>>>, run: F) -> Job
where
    F: Fn(&JobContext, &Value) -> Result<Value, Problem> + Send + Sync + 'static,
{
    let given = Arc::clone(given);
    let program = Program::dynamic(["mixing", "baking"], "1", move |job, value| {
        given.lock().unwrap().push(value.clone());
        run(job, &value)
    });
    Job::dynamic("bake", "Bake bread.", schema::empty_object(), program)
        .with(|options| options.retry_delay = Duration::from_millis(1))
}

/// P9.
#[tokio::test]
async fn a_step_that_begins_again_is_given_what_it_put_aside() {
    let given = Arc::default();
    let job = job(&given, |job, value| {
        if value.is_array() {
            return Ok(json!("done"));
        }
        let mut notes = job.create_artifact("notes.txt")?;
        std::io::Write::write_all(&mut notes, b"flour")?;
        notes.finish()?;
        job.checkpoint(&json!([{}, 1]))?;
        job.stage("baking")?;
        job.checkpoint(&json!([{}, 2]))?;
        Err(Problem::user("the oven is cold"))
    })
    .with(|options| options.retries = 1);
    let rig = Rig::new().await;
    let runner = rig.run(&job, quick()).await;
    let id = rig.start(&job).await;
    let end = rig.ended(id).await;
    assert_eq!(
        (end.state, end.attempt, end.stage),
        (JobState::Succeeded, 2, 2)
    );
    assert_eq!(*given.lock().unwrap(), [json!({}), json!([{}, 2])]);
    let files = rig
        .store
        .outcome(id, farcall_store::Reach::All)
        .await
        .unwrap()
        .unwrap()
        .artifacts;
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        ["notes.txt"],
        "what was finished before the checkpoint is kept with it"
    );
    rig.stop(runner).await;
}

/// P5, P9: who lost the job keeps nothing in it any more.
#[tokio::test]
async fn a_checkpoint_of_a_worker_that_was_declared_lost_is_refused() {
    let given = Arc::default();
    let told = Arc::new(Mutex::new(None));
    let late = Arc::clone(&told);
    let job = job(&given, move |job, value| {
        if job.losses() == 0 {
            job.checkpoint(&json!(["kept"]))?;
            *late.lock().unwrap() = Some(false);
            tokio::runtime::Handle::current().block_on(job.cancellation().cancelled());
            *late.lock().unwrap() = Some(job.checkpoint(&json!(["late"])).is_err());
        }
        Ok(value.clone())
    });
    let rig = Rig::new().await;
    let runner = rig.run(&job, quick()).await;
    let id = rig.start(&job).await;
    let worker = rig.is_running(id).await.worker.unwrap();
    rig.record_when(id, |_| told.lock().unwrap().is_some())
        .await;
    rig.store.rescue(&[worker]).await.unwrap();
    assert_eq!(rig.ended(id).await.state, JobState::Succeeded);
    assert_eq!(given.lock().unwrap().last(), Some(&json!(["kept"])));
    assert_eq!(*told.lock().unwrap(), Some(true));
    rig.stop(runner).await;
}

#[tokio::test]
async fn a_checkpoint_that_is_too_large_is_refused_and_the_one_before_it_stays() {
    let given = Arc::default();
    let job = job(&given, |job, value| {
        if value.is_array() {
            return Ok(Value::Null);
        }
        job.checkpoint(&json!([1]))?;
        let refused = job.checkpoint(&"x".repeat(MAX_STAGE_VALUE)).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::OutputLimit);
        Err(Problem::user("try again with less"))
    })
    .with(|options| options.retries = 1);
    let rig = Rig::new().await;
    let runner = rig.run(&job, quick()).await;
    let id = rig.start(&job).await;
    assert_eq!(rig.ended(id).await.state, JobState::Succeeded);
    assert_eq!(*given.lock().unwrap(), [json!({}), json!([1])]);
    rig.stop(runner).await;
}

/// P9: the limit is the size as JSON, to the byte.
#[tokio::test]
async fn a_stage_may_return_as_much_as_is_kept_and_not_one_byte_more() {
    let returning = |name: &str, bytes: usize| {
        let pipeline = Pipeline::new()
            .stage("kneading", move |_: &JobContext, _: JsonObject| {
                // The quotes count as well.
                Ok("x".repeat(bytes - 2))
            })
            .stage("baking", |_: &JobContext, dough: String| Ok(dough.len()));
        Job::new(name, "Bake bread.", pipeline)
    };
    let fits = returning("fits", MAX_STAGE_VALUE);
    let spills = returning("spills", MAX_STAGE_VALUE + 1);
    let rig = Rig::new().await;
    let runner = rig.run_all(&[&fits, &spills], quick()).await;
    let (fitting, spilling) = (rig.start(&fits).await, rig.start(&spills).await);

    assert_eq!(rig.ended(fitting).await.state, JobState::Succeeded);
    let outcome = rig.store.outcome(fitting, farcall_store::Reach::All).await;
    let value = outcome.unwrap().unwrap().value;
    assert_eq!(value, Some(json!(MAX_STAGE_VALUE - 2)));

    let end = rig.ended(spilling).await;
    let error = end.error.unwrap();
    assert_eq!((error.code, end.stage), (ErrorCode::OutputLimit, 1));
    assert_eq!(
        error.message,
        "the stage `kneading` returned 1048577 bytes, at most 1048576 are kept between stages; \
         write what is large to a file in `ctx.work_dir()` or to an artifact"
    );
    rig.stop(runner).await;
}

/// P13: what works on a job elsewhere learns until when it may.
#[tokio::test]
async fn a_job_knows_its_lease_and_each_renewal() {
    let given = Arc::default();
    let job = job(&given, |job, _| {
        let mut lease = job.lease();
        let first = *lease.borrow_and_update();
        assert!(first > Instant::now());
        let renewed = async { lease.changed().await.map(|()| *lease.borrow()) };
        let renewed = tokio::runtime::Handle::current().block_on(renewed).unwrap();
        assert!(renewed > first);
        Ok(Value::Null)
    });
    let rig = Rig::new().await;
    let runner = rig.run(&job, quick()).await;
    let id = rig.start(&job).await;
    assert_eq!(rig.ended(id).await.state, JobState::Succeeded);
    rig.stop(runner).await;
}
