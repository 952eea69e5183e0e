//! Somebody sets the clock of a server while jobs run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use farcall_core::clock::{Clock, SystemClock};

use super::cancel;
use crate::{
    Launch,
    kills::{
        brew::HOLD,
        caller::{fresh, start},
        rig::Rig,
        run::Engine,
    },
    wait::until,
};

/// By how many seconds the clock is wrong, one after the other: it jumps by an hour each time.
const OFFSETS: [i64; 4] = [3_600, 0, -3_600, 0];

/// The life of the server whose clock it is, and that of one beside it whose clock is right.
const DECEIVED: u32 = 1;
const HONEST: u32 = 2;

/// How many jobs each of them runs at once.
const PLACES: usize = 3;

/// How well the clocks of two processes agree, in milliseconds.
const ABOUT: i64 = 60_000;

/// The clock jumps by an hour, forwards and backwards: with a job that runs through it all, with
/// jobs in the middle of a stage, with others that wait; over PostgreSQL beside a server that has
/// the right time. Nothing is lost, doubled or late.
///
/// # Panics
/// Where it is not so.
pub async fn a_clock_is_set(engine: Engine, program: PathBuf) {
    let mut rig = Rig::alone(engine, program).await;
    let clock = FalseClock::right(rig.folder.path());
    rig.life = DECEIVED;
    let server = clock.given_to(rig.launch("server")).start().await;
    rig.processes = vec![server.process_id()];
    let client = server.client();

    let mut through_all = fresh(&rig.books, &mut rig.random);
    through_all.waits_in = rig.life;
    rig.books.open().place(through_all, HOLD);
    let id = start(&client, &rig.books, HOLD, through_all).await;
    let id = id.ok().flatten().unwrap();
    until("the job that runs through all of it", async || {
        rig.log.catch_up();
        rig.log.has_begun(&id, 2, DECEIVED).then_some(())
    })
    .await;
    let mut lives = vec![DECEIVED];
    let mut honest = None;
    if engine == Engine::Postgres {
        lives.push(HONEST);
        rig.life = HONEST;
        let beside = rig.launch("server").start().await;
        rig.processes.push(beside.process_id());
        honest = Some(beside);
    }
    let places = lives.len() * PLACES;
    for offset in OFFSETS {
        let mut held = Vec::new();
        // With the one before as many as run at once.
        for place in 1..places {
            let stage = if place % 2 == 1 { 2 } else { 4 };
            held.push(rig.started_and_held(&client, stage).await);
        }
        for failures in [0, 1, 0, 2] {
            let mut order = fresh(&rig.books, &mut rig.random);
            order.failures = failures;
            rig.started(&client, order).await;
        }
        let tally = rig.records().tally().await;
        let (running, waiting) = (tally.running as usize, tally.waiting);
        assert_eq!((running, waiting), (places, 4), "before {offset} s");
        clock.set(offset);
        drop(held);
        until("the ends of all jobs but one", async || {
            let tally = rig.records().tally().await;
            (tally.running == 1 && tally.waiting == 0).then_some(())
        })
        .await;
        rig.log.catch_up();
        for life in &lives {
            let seen = rig.log.clocks[life] - SystemClock.now().0;
            let expected = if *life == DECEIVED { offset * 1_000 } else { 0 };
            assert!(
                (seen - expected).abs() < ABOUT,
                "the clock of the server {life} is wrong by {seen} ms"
            );
        }
    }
    rig.is_the_first_attempt(&id).await;
    rig.books.open().cancelled(through_all.number);
    cancel(&client, HOLD, &id).await;
    assert!(rig.all_end().await, "{:?}", rig.records().jobs().await);
    for record in rig.records().jobs().await {
        assert_eq!(record.losses, 0, "{record:?}");
        let failures = rig.books.open().placed[&record.number].order.failures;
        let claims = 1 + i64::from(failures.min(1));
        assert_eq!(record.epoch, claims, "it was claimed again: {record:?}");
    }
    if let Some(honest) = honest {
        honest.stop().await;
    }
    // The next start comes with a clock that was set in between.
    clock.set(-3_600);
    server.stop().await;
    rig.ends_well().await;
}

/// A file that says by how much a process is to be deceived about the time of day. Time itself
/// passes for it as for everybody else, so only the one clock is deceived that people set.
struct FalseClock(PathBuf);

impl FalseClock {
    fn right(folder: &Path) -> Self {
        let clock = Self(folder.join("clock"));
        clock.set(0);
        clock
    }

    fn set(&self, offset: i64) {
        let new = self.0.with_extension("new");
        fs::write(&new, format!("{offset:+}\n")).unwrap();
        // Nobody must read half of it.
        fs::rename(new, &self.0).unwrap();
    }

    fn given_to(&self, launch: Launch) -> Launch {
        launch
            .env("LD_PRELOAD", library())
            .env("FAKETIME_TIMESTAMP_FILE", &self.0)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }
}

/// Where Debian has libfaketime, the one for programs with threads.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap();
    let libraries = folders.map(|folder| {
        let folder = folder.unwrap().path();
        folder.join("faketime/libfaketimeMT.so.1")
    });
    let mut libraries = libraries.filter(|library| library.exists());
    libraries
        .next()
        .expect("libfaketime is here; `peers/install` installs it")
}
