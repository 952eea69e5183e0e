//! Jobs that go on on another machine, and what machines make known.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use farcall_artifacts::Artifacts;
use farcall_core::{
    JsonObject,
    job::{Job, JobContext, Pipeline, state::JobState},
};
use farcall_jobs::RunnerOptions;
use tokio_util::sync::CancellationToken;

use crate::rig::{Rig, quick};

/// Which stages began, in their order.
type Begun = Arc<Mutex<Vec<&'static str>>>;

/// A job whose second stage is told to stop in its first attempt; `leaves` says whether the first
/// one leaves something in the work folder.
fn brew(begun: &Begun, leaves: bool) -> Job {
    let (first, second) = (Arc::clone(begun), Arc::clone(begun));
    let pipeline = Pipeline::new()
        .stage("grinding", move |ctx: &JobContext, x: JsonObject| {
            first.lock().unwrap().push("grinding");
            if leaves {
                fs::write(ctx.work_dir().join("beans"), "ground")?;
            }
            Ok(x)
        })
        .stage("brewing", move |ctx: &JobContext, x: JsonObject| {
            let is_first = {
                let mut begun = second.lock().unwrap();
                begun.push("brewing");
                begun.iter().filter(|stage| **stage == "brewing").count() == 1
            };
            if is_first {
                tokio::runtime::Handle::current().block_on(ctx.cancellation().cancelled());
                ctx.check()?;
            }
            if leaves {
                assert_eq!(fs::read_to_string(ctx.work_dir().join("beans"))?, "ground");
            }
            Ok(x)
        });
    Job::new("brew", "Brew tea.", pipeline)
}

/// The stages that begin where a job is handed back in its second one, and goes on on the same
/// machine or on another.
async fn stages(leaves: bool, elsewhere: bool) -> Vec<&'static str> {
    let begun = Begun::default();
    let (rig, other) = (Rig::new().await, tempfile::tempdir().unwrap());
    let job = brew(&begun, leaves);
    let runner = rig.run(&job, quick()).await;
    let id = rig.start(&job).await;
    rig.record_when(id, |record| record.stage == 2).await;
    runner.stop(Duration::ZERO, &CancellationToken::new()).await;
    let runner = if elsewhere {
        let artifacts = Artifacts::open(other.path()).unwrap();
        rig.run_in(&[&job], &artifacts, quick()).await
    } else {
        rig.run(&job, quick()).await
    };
    let end = rig.ended(id).await;
    assert_eq!((end.state, end.losses), (JobState::Succeeded, 0), "{end:?}");
    rig.stop(runner).await;
    begun.lock().unwrap().clone()
}

#[tokio::test]
async fn a_job_goes_on_after_its_checkpoint_where_it_left_nothing_behind() {
    for (leaves, elsewhere) in [(false, false), (false, true), (true, false)] {
        let stages = stages(leaves, elsewhere).await;
        assert_eq!(
            stages,
            ["grinding", "brewing", "brewing"],
            "{leaves} {elsewhere}"
        );
    }
}

#[tokio::test]
async fn a_job_starts_from_zero_where_what_it_left_is_on_another_machine() {
    let stages = stages(true, true).await;
    assert_eq!(stages, ["grinding", "brewing", "grinding", "brewing"]);
}

/// P9: others judge by it who could take a job.
#[tokio::test]
async fn a_worker_makes_known_only_what_it_can_supply() {
    let rig = Rig::new().await;
    let begun = Begun::default();
    let (plain, mut heavy) = (brew(&begun, false), brew(&begun, false));
    heavy.name = "roast".to_owned();
    let heavy = heavy.with(|options| options.slots = BTreeMap::from([("fire".to_owned(), 2)]));
    for (fire, expected) in [(1, vec!["brew"]), (2, vec!["brew", "roast"])] {
        let options = RunnerOptions {
            slots: BTreeMap::from([("fire".to_owned(), fire)]),
            ..quick()
        };
        let runner = rig.run_all(&[&plain, &heavy], options).await;
        let workers = rig.workers().await;
        let known: Vec<_> = workers[0].worker.programs.keys().collect();
        assert_eq!(known, expected);
        runner.stop(Duration::ZERO, &CancellationToken::new()).await;
    }
    rig.store.close().await;
}
