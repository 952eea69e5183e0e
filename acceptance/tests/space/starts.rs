//! P15: a start needs room, and nothing else does.

use farcall_acceptance::{disk::with_own_mounts, fixture::LOAD_STAGES, wait::until};
use serde_json::json;

use crate::rig::{KIB, MIB, Rig, Small, check_file, end, is_at, is_ready, refusal, start, succeed};

#[test]
fn with_too_little_space_starts_are_refused_and_everything_else_goes_on() {
    with_own_mounts(env!("CARGO_TARGET_TMPDIR"), async {
        for small in Small::ALL {
            refuses_starts_alone(small).await;
        }
    });
}

async fn refuses_starts_alone(small: Small) {
    let rig = Rig::new(small, 32 * MIB);
    let server = rig.launch(8 * MIB).start().await;
    let client = server.client();
    let keyed = |file: u64| json!({"file": file, "idempotency_key": "k"});
    let done = succeed(&client, keyed(100_000)).await;
    let gate = rig.gate(LOAD_STAGES[1]);
    let running = start(&client, json!({"file": 10})).await;
    let held = gate.reached().await;
    is_ready(&server, None).await;

    let filler = rig.disk.fill(4 * MIB);
    is_ready(&server, Some("disk")).await;
    let jobs = rig.data().jobs().await;
    // Its own name waits for the job that it starts.
    for tool in ["start_load", "load"] {
        let (code, sentence) = refusal(&client, tool, json!({})).await;
        assert_eq!(code, "storage_full", "{small:?}: {sentence}");
        assert_eq!(
            sentence,
            "the server has too little space left to start a job; try again later; its operator has \
             to free some space"
        );
    }
    // Whoever repeats a start is told of its job.
    let again = client.call("start_load", keyed(100_000)).await;
    assert_eq!(again["job_id"], done.as_str(), "{again}");
    assert_eq!(again["deduplicated"], true, "{again}");
    let (code, sentence) = refusal(&client, "start_load", keyed(1)).await;
    assert_eq!(code, "idempotency_conflict", "{sentence}");
    let other = json!({"idempotency_key": "other"});
    let (code, sentence) = refusal(&client, "start_load", other).await;
    assert_eq!(code, "storage_full", "{sentence}");
    assert_eq!(
        rig.data().jobs().await.len(),
        jobs.len(),
        "one was taken in"
    );

    check_file(&client, &done, 100_000).await;
    let cancel = json!({"job_id": running});
    client.call("cancel_load", cancel).await;
    drop((gate, held));
    let status = end(&client, &running).await;
    assert_eq!(status["error_code"], "cancelled", "{status}");

    drop(filler);
    is_ready(&server, None).await;
    succeed(&client, json!({"file": 100_000})).await;
    server.stop().await;
    rig.data().check_tidy().await;
}

#[test]
fn a_job_that_waits_is_begun_when_there_is_space_again() {
    with_own_mounts(env!("CARGO_TARGET_TMPDIR"), async {
        let rig = Rig::new(Small::Both, 32 * MIB);
        let launch = rig.launch(8 * MIB).env("FARCALL_CONCURRENCY", "1");
        let server = launch.start().await;
        let client = server.client();
        let gate = rig.gate(LOAD_STAGES[1]);
        let running = start(&client, json!({})).await;
        let held = gate.reached().await;
        let waiting = start(&client, json!({})).await;
        let filler = rig.disk.fill(4 * MIB);
        is_ready(&server, Some("disk")).await;
        drop((gate, held));
        let status = end(&client, &running).await;
        assert_eq!(status["state"], "succeeded", "{status}");
        for _ in 0..100 {
            let asked = json!({"job_id": waiting});
            let status = client.call("get_load_status", asked).await;
            assert_eq!(status["state"], "queued", "{status}");
        }
        drop(filler);
        let status = end(&client, &waiting).await;
        assert_eq!(status["state"], "succeeded", "{status}");
        server.stop().await;
        rig.data().check_tidy().await;
    });
}

/// However many come at once, they take nothing of what has to stay free.
#[test]
fn a_flood_of_large_starts_leaves_free_what_has_to_stay_free() {
    with_own_mounts(env!("CARGO_TARGET_TMPDIR"), async {
        const MIN_FREE: u64 = 32 * MIB;
        // What is in the log comes into the file as well, and the log is moved once it has 1,000 pages.
        const IN_LOG: u64 = 4 * MIB;
        let rig = Rig::new(Small::Both, 64 * MIB);
        let server = rig.launch(MIN_FREE).start().await;
        let client = server.client();
        succeed(&client, json!({})).await;
        rig.has_ballast(4 * MIB).await;
        let gate = rig.gate(LOAD_STAGES[0]);
        let first = start(&client, json!({})).await;
        is_at(&client, &first, 1).await;
        let held = gate.reached().await;

        let note = "n".repeat(usize::try_from(900 * KIB).unwrap());
        let mut starts = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (client, load) = (client.clone(), json!({"note": note}));
            starts.spawn(async move { client.try_call("start_load", load).await.unwrap() });
        }
        let (mut taken, mut refused, mut least) = (Vec::new(), 0, rig.disk.free());
        let answered = until("an answer to every start", async || {
            least = least.min(rig.disk.free());
            while let Some(answer) = starts.try_join_next() {
                let answer = answer.unwrap();
                if answer.is_error {
                    assert_eq!(answer.payload["error_code"], "storage_full");
                    refused += 1;
                } else {
                    taken.push(answer.payload["job_id"].as_str().unwrap().to_owned());
                }
            }
            starts.is_empty().then_some(())
        });
        answered.await;
        assert!(
            !taken.is_empty() && refused > 0,
            "{} were taken in",
            taken.len()
        );
        assert!(least >= MIN_FREE - IN_LOG, "{least} bytes stayed free");

        for id in taken.iter().chain([&first]) {
            client.call("cancel_load", json!({"job_id": id})).await;
        }
        drop((gate, held));
        for id in &taken {
            let status = end(&client, id).await;
            assert_eq!(status["error_code"], "cancelled", "{status}");
        }
        server.stop().await;
        rig.data().check_tidy().await;
    });
}
