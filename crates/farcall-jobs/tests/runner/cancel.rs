//! Cancelling at every moment.

use farcall_core::{
    JsonObject,
    job::{Job, JobContext, Pipeline, state::JobState},
    principal::Principal,
    problem::{ErrorCode, Problem},
};
use farcall_jobs::RunnerOptions;

use crate::rig::Rig;

/// How many jobs are cancelled.
const JOBS: u64 = 1_000;

/// How many are on their way at once.
const AT_ONCE: u64 = 8;

/// The longest that a cancel waits, in turns of the runtime; a job takes about half as many.
const TURNS: u64 = 600;

fn pour(ctx: &JobContext, arguments: JsonObject) -> Result<JsonObject, Problem> {
    ctx.progress(0.5);
    ctx.check()?;
    Ok(arguments)
}

/// P10: whichever is first wins, and what is over stays what it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_at_any_moment_leaves_one_end() {
    let pipeline = Pipeline::new()
        .stage("filling", pour)
        .stage("pouring", pour);
    let job = Job::new("brew", "Brew tea.", pipeline);
    let rig = Rig::new().await;
    let runner = rig.run(&job, RunnerOptions::default()).await;
    let queue = rig.queue(&job);
    let (mut succeeded, mut cancelled) = (0, 0);
    let mut chance = 0x5eed_u64;
    for _ in 0..JOBS / AT_ONCE {
        let mut round = Vec::new();
        for _ in 0..AT_ONCE {
            round.push(rig.start(&job).await);
        }
        for id in round {
            chance = chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            for _ in 0..(chance >> 33) % TURNS {
                tokio::task::yield_now().await;
            }
            let caller = Principal::anonymous();
            let answer = queue.cancel("brew", &id.to_string(), &caller).await;
            let answered = answer.unwrap();
            let end = rig.ended(id).await;
            if answered.state.is_terminal() {
                assert_eq!(answered.state, end.state, "what was over has changed");
            }
            match end.error {
                None => {
                    assert_eq!(end.state, JobState::Succeeded);
                    succeeded += 1;
                }
                Some(error) => {
                    assert_eq!(error.code, ErrorCode::Cancelled, "{error:?}");
                    cancelled += 1;
                }
            }
        }
    }
    assert!(succeeded > 0 && cancelled > 0, "{succeeded} / {cancelled}");
    rig.stop(runner).await;
}
