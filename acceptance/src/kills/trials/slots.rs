//! A thing that there is once, wanted by every job of a server that is killed and stands still.

use std::{path::PathBuf, time::Duration};

use farcall_core::job::IDEMPOTENCY_KEY;
use rustix::process::Signal;
use serde_json::json;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    Launch, McpClient,
    kills::{
        part::LEASE,
        press::{FOLDER, PRESS, Seen, Sheet, seen},
        rig::Rig,
        run::Engine,
    },
    wait::until,
};

/// How many jobs want the thing.
const JOBS: u32 = 500;

/// How many want it where there are two of it.
const FEW: u32 = 60;

/// How often something happens to the server.
const FAULTS: u32 = 24;

/// While the one server that has the thing is killed, stands still for a while, and stands still
/// until it is believed lost, no two jobs have the thing at once.
///
/// # Panics
/// Where it is not so.
pub async fn a_thing_is_given_to_one(engine: Engine, program: PathBuf) {
    let mut rig = Rig::alone(engine, program).await;
    let mut server = launch(&rig, "gpu=1").start().await;
    // It has no such thing, so it never runs these jobs; but it takes them from who is lost.
    let other = match engine {
        Engine::Postgres => Some(launch(&rig, "").start().await),
        Engine::Sqlite => None,
    };
    started(&server.client(), JOBS, 16).await;
    for fault in 0..FAULTS {
        let before = seen(rig.folder.path()).alone;
        let least = before + (JOBS / (2 * FAULTS)) as usize;
        until("jobs that get what they want", async || {
            assert!(server.is_alive(), "{}", server.talk());
            let is_over = rig.records().tally().await.waiting == 0;
            (is_over || seen(rig.folder.path()).alone >= least).then_some(())
        })
        .await;
        match (fault % 3, &other) {
            (0, _) => {
                server.kill().await;
                server = launch(&rig, "gpu=1").start().await;
            }
            (1, Some(_)) => {
                server.signal(Signal::STOP);
                until("a server that is believed lost", async || {
                    (rig.records().tally().await.running == 0).then_some(())
                })
                .await;
                server.signal(Signal::CONT);
            }
            _ => {
                server.signal(Signal::STOP);
                sleep(Duration::from_millis(rig.random.below(80).into())).await;
                server.signal(Signal::CONT);
            }
        }
    }
    until("the ends of all jobs", async || {
        let tally = rig.records().tally().await;
        (tally.running + tally.waiting == 0).then_some(())
    })
    .await;
    let Seen {
        alone, together, ..
    } = seen(rig.folder.path());
    assert_eq!(together, 0, "two had the only one at the same time");
    assert!(alone > JOBS as usize, "no job was cut off: {alone}");
    let records = rig.records().jobs().await;
    assert_eq!(records.len(), JOBS as usize);
    for record in records {
        let is_given_up = record.error_code.as_deref() == Some("worker_lost");
        let is_right = record.state == "succeeded" || is_given_up && record.counted_losses == 2;
        assert!(is_right, "{record:?}");
    }
    server.stop().await;
    if let Some(other) = other {
        other.stop().await;
    }
}

/// The same where there are two of the thing: then two jobs are seen to have it at once.
///
/// # Panics
/// Where they are not.
pub async fn two_things_are_given_to_two(program: PathBuf) {
    let rig = Rig::alone(Engine::Sqlite, program).await;
    let server = launch(&rig, "gpu=2").start().await;
    started(&server.client(), FEW, 20).await;
    until("the ends of all jobs", async || {
        let tally = rig.records().tally().await;
        (tally.running + tally.waiting == 0).then_some(())
    })
    .await;
    assert!(seen(rig.folder.path()).together > 0);
    server.stop().await;
}

/// A server that is soon believed lost, with these slots.
fn launch(rig: &Rig, slots: &str) -> Launch {
    let launch = rig.launch("server").env(FOLDER, rig.folder.path());
    let launch = launch.env(LEASE, "600");
    if slots.is_empty() {
        return launch;
    }
    launch.env("FARCALL_SLOTS", slots)
}

/// Starts so many jobs, not longer than this many milliseconds each.
async fn started(client: &McpClient, jobs: u32, at_most: u32) {
    let mut starts = JoinSet::new();
    for number in 0..jobs {
        let client = client.clone();
        let mut sheet = json!(Sheet {
            number,
            takes: 1 + number * 7 % at_most,
        });
        sheet[IDEMPOTENCY_KEY] = number.to_string().into();
        starts.spawn(async move {
            client.call(&format!("start_{PRESS}"), sheet).await;
        });
        // Not all at once: that is another test's.
        if starts.len() >= 8 {
            starts.join_next().await;
        }
    }
    starts.join_all().await;
}
