//! What has expired is deleted, and nothing else.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use farcall_core::{
    JsonObject,
    clock::{Clock, SystemClock},
    id::JobId,
    job::{Job, JobContext, Pipeline, state::JobState},
    problem::Problem,
};
use farcall_store::Listed;
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
    // What has failed is cleared up once that is written down.
    let settling = async {
        while rig.names("artifacts") != files || rig.names("work") != [runs.to_string()] {
            tokio::task::yield_now().await;
        }
    };
    let settled = tokio::time::timeout(Duration::from_secs(30), settling).await;
    settled.expect("other files are there than those of the jobs that are kept");
    closed.add_permits(1);
    rig.is_gone(runs).await;
    assert_eq!(rig.names("work"), [""; 0]);
    assert_eq!(rig.names("artifacts").len(), files.len() - 1);
    rig.stop(runner).await;
}

/// How many jobs are started whose files are kept for times that chance says.
const MANY: u32 = 240;

/// How many of them are on their way at once.
const AT_ONCE: u32 = 8;

/// The longest of these times, in milliseconds.
const KEPT_AT_MOST: u64 = 800;

/// P19: while jobs run, files come and others go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_record_is_without_its_files_and_no_file_without_its_record_while_jobs_come_and_go() {
    let seed = u64::from(std::process::id());
    println!("the seed is {seed}");
    let mut chance = seed;
    let mut random = move || {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        chance >> 33
    };
    let open = Arc::new(Semaphore::new(MANY as usize));
    let kinds: Vec<_> = (0..12)
        .map(|kind: u32| {
            let keep_for = Duration::from_millis(1 + random() % KEPT_AT_MOST);
            brew(&format!("brief-{kind}"), keep_for, &open)
        })
        .chain([brew("kept", Duration::from_hours(1), &open)])
        .collect();
    let rig = Rig::new().await;
    let mut options = quick();
    options.concurrency = 4;
    let all: Vec<_> = kinds.iter().collect();
    let runner = rig.run_all(&all, options).await;

    let load = async {
        let (mut brief, mut kept) = (Vec::new(), Vec::new());
        for number in 0..MANY {
            let kind = usize::try_from(random()).unwrap() % kinds.len();
            let id = rig.start(&kinds[kind]).await;
            let is_kept = kind == kinds.len() - 1;
            let started = if is_kept { &mut kept } else { &mut brief };
            started.push(id);
            if number.is_multiple_of(AT_ONCE) {
                rig.is_over_or_gone(id).await;
            }
        }
        for id in &brief {
            rig.is_gone(*id).await;
        }
        (brief, kept)
    };
    let mut looks = 0_u32;
    let (brief, kept) = {
        let mut load = std::pin::pin!(load);
        loop {
            tokio::select! {
                biased;
                done = &mut load => break done,
                () = compare(&rig) => looks += 1,
            }
        }
    };
    println!(
        "{looks} looks at {} jobs, {} of them kept",
        MANY,
        kept.len()
    );
    assert!(looks > 20 && !brief.is_empty() && !kept.is_empty());
    let mut files = Vec::new();
    for id in kept {
        if rig.ended(id).await.state == JobState::Succeeded {
            files.push(id.to_string());
        }
    }
    files.sort_unstable();
    // Those of a job that failed go once that is written down.
    let settling = async {
        while rig.names("artifacts") != files {
            tokio::task::yield_now().await;
        }
    };
    let settled = tokio::time::timeout(Duration::from_secs(30), settling).await;
    settled.expect("other files are there than those of the jobs that are kept");
    rig.stop(runner).await;
}

/// Holds the files against the records, at a moment at which both change.
async fn compare(rig: &Rig) {
    let before = files(rig);
    let jobs: BTreeSet<_> = before.iter().map(|(job, _)| *job).collect();
    let everything = Listed {
        limit: 1_000,
        ..Listed::default()
    };
    let records = rig.store.list(everything).await.unwrap();
    let ids: Vec<_> = records.iter().map(|record| record.id).chain(jobs).collect();
    let needed = rig.store.needed(&ids).await.unwrap();
    let after = files(rig);
    let now = SystemClock.now();

    for record in &records {
        let is_kept = record.expires_at.is_none_or(|end| now < end);
        let job = needed.iter().find(|needed| needed.id == record.id);
        let locations = job.into_iter().flat_map(|job| &job.locations);
        for location in locations.filter(|_| is_kept && record.state == JobState::Succeeded) {
            let is_there = after.contains(&(record.id, location.clone()));
            assert!(
                is_there,
                "`{location}` is gone before its record: {record:?}"
            );
        }
    }
    for (job, location) in before.intersection(&after) {
        let Some(needed) = needed.iter().find(|needed| needed.id == *job) else {
            panic!("`{location}` is there, and nothing knows of it");
        };
        // What a failed job wrote is removed once that is written down.
        let has_failed = needed.is_over && needed.locations.is_empty();
        let is_known = needed.locations.contains(location);
        assert!(
            is_known || !needed.is_over || has_failed,
            "`{location}` is a stray"
        );
    }
}

/// The files of all jobs, as they are named in the records.
fn files(rig: &Rig) -> BTreeSet<(JobId, String)> {
    let jobs = rig.names("artifacts").into_iter();
    let files = jobs.flat_map(|job| {
        let names = rig.names_if_there(&format!("artifacts/{job}"));
        let names = names.into_iter().filter(|name| !name.starts_with('.'));
        names
            .map(|name| (JobId::parse(&job).unwrap(), format!("{job}/{name}")))
            .collect::<Vec<_>>()
    });
    files.collect()
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
