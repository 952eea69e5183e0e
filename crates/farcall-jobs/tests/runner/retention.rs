//! What has expired is deleted, and nothing else.

use std::{sync::Arc, time::Duration};

use farcall_core::{
    JsonObject,
    id::JobId,
    job::{Job, JobContext, Pipeline, state::JobState},
    problem::Problem,
};
use tokio::sync::Semaphore;

use crate::rig::{Rig, quick};

/// How many jobs of each kind.
const JOBS: usize = 20;

/// The job `name`, whose files are kept so long; the second of its stages waits for `gate`.
fn brew(name: &str, keep_for: Duration, gate: &Arc<Semaphore>) -> Job {
    let gate = Arc::clone(gate);
    let pipeline = Pipeline::new()
        .stage("writing", |ctx: &JobContext, x: JsonObject| {
            std::fs::write(ctx.work_dir().join("notes"), "work")?;
            ctx.write_artifact("tea.txt", b"tea")?;
            Ok(x)
        })
        .stage_async("waiting", move |ctx: JobContext, x: JsonObject| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                if ctx.job_id().to_string().ends_with(['0', '1', '2', '3']) {
                    return Err(Problem::user("it is a bad one"));
                }
                Ok(x)
            }
        });
    Job::new(name, "Brew tea.", pipeline).with(|options| options.keep_for = keep_for)
}

/// P19.
#[tokio::test]
async fn what_has_expired_goes_with_its_files_and_everything_else_stays() {
    let rig = Rig::new().await;
    let (open, closed) = (
        Arc::new(Semaphore::new(2 * JOBS)),
        Arc::new(Semaphore::new(0)),
    );
    let brief = brew("brief", Duration::from_millis(1), &open);
    let kept = brew("kept", Duration::from_hours(1), &open);
    let running = brew("running", Duration::from_millis(1), &closed);
    let mut options = quick();
    options.concurrency = 4;
    let runner = rig.run_all(&[&brief, &kept, &running], options).await;
    let runs = rig.start(&running).await;
    rig.record_when(runs, |record| record.stage == 2).await;
    let (mut gone, mut stay) = (Vec::new(), Vec::new());
    for _ in 0..JOBS {
        gone.push(rig.start(&brief).await);
        stay.push(rig.start(&kept).await);
    }
    let mut files: Vec<JobId> = vec![runs];
    for id in stay {
        let end = rig.ended(id).await;
        if end.state == JobState::Succeeded {
            files.push(id);
        }
    }
    for id in gone {
        rig.is_gone(id).await;
    }
    let mut files: Vec<_> = files.iter().map(ToString::to_string).collect();
    files.sort_unstable();
    assert_eq!(rig.names("artifacts"), files);
    assert_eq!(rig.names("work"), [runs.to_string()]);
    closed.add_permits(1);
    rig.is_gone(runs).await;
    assert_eq!(rig.names("work"), [""; 0]);
    assert_eq!(rig.names("artifacts").len(), files.len() - 1);
    rig.stop(runner).await;
}

/// P14, P18: a server that starts beside others may not take their files for strays.
#[tokio::test]
async fn a_server_that_shares_its_store_leaves_files_alone_that_are_about_to_be_recorded() {
    let rig = Rig::new().await;
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let pipeline = Pipeline::new().stage_async("writing", move |ctx: JobContext, _: JsonObject| {
        let held = Arc::clone(&held);
        async move {
            let tea = ctx.write_artifact("tea.txt", b"tea")?;
            ctx.message("written");
            held.acquire().await.unwrap().forget();
            Ok(tea)
        }
    });
    let job = Job::new("brew", "Brew tea.", pipeline);
    let mut options = quick();
    options.is_shared = true;
    options.vanished = Duration::from_mins(10);
    let runner = rig.run(&job, options.clone()).await;
    let id = rig.start(&job).await;
    rig.record_when(id, |record| record.message.ends_with("written"))
        .await;
    let other = rig.run(&job, options).await;
    other
        .stop(Duration::ZERO, &tokio_util::sync::CancellationToken::new())
        .await;
    gate.add_permits(1);
    assert_eq!(rig.ended(id).await.state, JobState::Succeeded);
    let folder = format!("artifacts/{id}");
    assert_eq!(rig.names(&folder).len(), 1, "its file is gone");
    rig.stop(runner).await;
}
