//! A server stands still for longer than its lease, and goes on.

use std::{collections::BTreeMap, fs, path::PathBuf};

use rustix::process::Signal;

use crate::{
    Launch, Server,
    kills::{
        brew::STAGES,
        caller::fresh,
        part::LEASE,
        records::{FileRecord, Record},
        rig::Rig,
        run::Engine,
    },
    wait::until,
};

/// What can be fetched of jobs that are over, with the bytes.
type Published = (Vec<Record>, BTreeMap<String, Vec<(FileRecord, Vec<u8>)>>);

/// A job stands still in each of its stages, with its server, until another server has brought
/// all of them to their ends. What the first one then writes is refused and changes nothing.
///
/// # Panics
/// Where it is not so.
pub async fn a_server_stands_still(program: PathBuf) {
    let mut rig = Rig::alone(Engine::Postgres, program).await;
    rig.life = 1;
    let mut first = launch(&rig).start().await;
    let client = first.client();
    let mut held = Vec::new();
    for stage in 1..=STAGES {
        held.push(rig.started_and_held(&client, stage).await);
    }
    first.signal(Signal::STOP);

    rig.life = 2;
    let second = launch(&rig).start().await;
    rig.processes = vec![second.process_id()];
    assert!(rig.all_end().await, "{:?}", rig.records().jobs().await);
    let before = published(&rig).await;
    let faults = rig.look().await;
    assert!(faults.is_empty(), "{faults:?}");

    let (jobs, held): (Vec<_>, Vec<_>) = held.into_iter().unzip();
    drop(held);
    first.signal(Signal::CONT);
    for job in &jobs {
        until("the refusal of what a lost job writes", async || {
            refused(&first, job).then_some(())
        })
        .await;
    }
    assert_eq!(published(&rig).await, before, "{}", first.talk());

    // And it works on, under another name.
    second.stop().await;
    rig.processes = vec![first.process_id()];
    let order = fresh(&rig.books, &mut rig.random);
    rig.started(&client, order).await;
    assert!(rig.all_end().await, "{:?}", rig.records().jobs().await);
    first.stop().await;
    rig.ends_well().await;
}

/// The same with a job in the middle of which the other server still is: what the first writes
/// under its old claim is refused, and no result is made of both.
///
/// # Panics
/// Where it is not so.
pub async fn a_server_wakes_while_another_works(program: PathBuf, plant: Option<&str>) {
    let mut rig = Rig::with(Engine::Postgres, program, plant).await;
    rig.life = 1;
    let mut first = launch(&rig).start().await;
    let (job, one) = rig.started_and_held(&first.client(), 2).await;
    first.signal(Signal::STOP);

    let gate = rig.gate_of(&job);
    rig.life = 2;
    let second = launch(&rig).start().await;
    rig.processes = vec![second.process_id()];
    let other = gate.reached().await;
    let database = rig.database.clone().unwrap();
    let before = database.jobs().await;
    drop((gate, one));
    first.signal(Signal::CONT);
    // Unless it is refused at once, it may have ended the job before it renews its lease.
    until("the end of the attempt that is lost", async || {
        let ended = refused(&first, &job) || database.jobs().await != before;
        ended.then_some(())
    })
    .await;
    assert_eq!(database.jobs().await, before, "a lost job has written");
    drop(other);
    assert!(rig.all_end().await, "{:?}", rig.records().jobs().await);
    first.stop().await;
    second.stop().await;
    rig.ends_well().await;
}

/// A server that runs all of the jobs at once, and is soon believed lost.
fn launch(rig: &Rig) -> Launch {
    let launch = rig.launch("server").env(LEASE, "3000");
    launch.env("FARCALL_CONCURRENCY", STAGES.to_string())
}

fn refused(server: &Server, job: &str) -> bool {
    let talk = server.talk();
    let mut lines = talk.lines();
    lines.any(|line| line.contains(job) && line.contains("no longer this worker's"))
}

async fn published(rig: &Rig) -> Published {
    let records = rig.records();
    let artifacts = rig.data_path().join("artifacts");
    let mut files = BTreeMap::<_, Vec<_>>::new();
    for file in records.published().await.into_values().flatten() {
        let bytes = fs::read(artifacts.join(&file.location)).unwrap();
        files
            .entry(file.job.clone())
            .or_default()
            .push((file, bytes));
    }
    (records.jobs().await, files)
}
