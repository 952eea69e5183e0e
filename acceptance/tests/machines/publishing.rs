//! What somebody sees of a file in a bucket while its server dies around every step of its upload.

use std::{os::unix::process::ExitStatusExt, time::Duration};

use farcall_acceptance::{
    bakery::{FILES, cake, label},
    onlooker::{Onlooker, Place},
};
use serde_json::json;

use crate::rig::Machines;

/// Large enough for an upload of two parts.
const SIZE: u32 = (8 << 20) + 1;

/// P14. Crash points are not in a release build.
#[cfg(debug_assertions)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_object_is_seen_whole_or_not_at_all_wherever_its_server_dies() {
    let machines = Machines::new(1, Duration::from_secs(30)).await;
    for (number, point) in (1..).zip(farcall_artifacts::OBJECT_CRASH_POINTS) {
        let launch = machines.replica(0, "all").env("FARCALL_CRASH_AT", point);
        let server = launch.start().await;
        let caller = machines.caller_of(&server);
        let order = json!({"number": number, "size": SIZE, "takes_ms": 100});
        let started = caller.call("start_bake", order).await;
        let id = started["job_id"].as_str().unwrap().to_owned();
        // It is there again at the same place.
        let place = Place::new(server.origin());
        let contents = [cake(number, SIZE), label(number).into_bytes()];
        let onlookers = FILES
            .iter()
            .zip(contents)
            .map(|(name, expected)| Onlooker::of(&place, &format!("/files/{id}/{name}"), expected));
        let onlookers: Vec<_> = onlookers.collect();
        let status = server.ended().await;
        assert_eq!(status.signal(), Some(9), "{point}: {status}");

        let server = machines.replica(0, "all").start().await;
        let end = caller.ended("bake", &id).await;
        assert_eq!(end["state"], "succeeded", "{point}: {end}");
        for onlooker in onlookers {
            let seen = onlooker.end().await;
            assert!(seen.nothing > 0, "{point}: {seen:?}");
        }
        server.stop().await;
    }
}
