//! What a running job tells on its way.

use farcall_core::job::state::JobState;
use serde_json::json;

use super::fixture::{
    artifact, checkpoint, claim, claimed, locations, names, outcome, record, report, running,
    success, wanted_job,
};
use crate::{Checkpoint, JobStore, Reach, Report, StoreError, WantedJob, Which, message};

pub async fn a_report_is_what_polls_read(store: &dyn JobStore) {
    let fence = running(store).await;
    store.report(fence, report(2)).await.unwrap();
    let found = record(store, fence.id).await;
    assert_eq!((found.stage, found.message.as_str()), (2, "[2/3] working"));
    assert_eq!(found.progress, Some(0.5));

    let silent = Report {
        progress: None,
        ..report(2)
    };
    store.report(fence, silent).await.unwrap();
    assert_eq!(record(store, fence.id).await.progress, None);
}

pub async fn a_late_report_changes_nothing(store: &dyn JobStore) {
    let fence = running(store).await;
    store.report(fence, report(2)).await.unwrap();
    let before = record(store, fence.id).await;
    store.report(fence, report(1)).await.unwrap();
    assert_eq!(record(store, fence.id).await, before);
}

pub async fn a_report_above_the_total_is_refused(store: &dyn JobStore) {
    let fence = running(store).await;
    let before = record(store, fence.id).await;
    for wrong in [
        report(4),
        Report {
            progress: Some(1.5),
            ..report(1)
        },
    ] {
        let answer = store.report(fence, wrong).await;
        assert!(
            matches!(answer, Err(StoreError::Refused { .. })),
            "{answer:?}"
        );
    }
    assert_eq!(record(store, fence.id).await, before);
}

pub async fn a_checkpoint_sets_the_stage_and_comes_back_with_the_next_claim(store: &dyn JobStore) {
    let fence = running(store).await;
    store.report(fence, report(1)).await.unwrap();
    store
        .checkpoint(fence, checkpoint(1), vec![])
        .await
        .unwrap();
    store
        .checkpoint(fence, checkpoint(2), vec![])
        .await
        .unwrap();
    let found = record(store, fence.id).await;
    assert_eq!(
        (found.state, found.stage, found.progress),
        (JobState::Running, 2, None)
    );

    // The stage may be ahead of the checkpoint, and stays there.
    store.report(fence, report(3)).await.unwrap();
    store
        .checkpoint(fence, checkpoint(2), vec![])
        .await
        .unwrap();
    assert_eq!(record(store, fence.id).await.stage, 3);

    store.release(fence).await.unwrap();
    assert_eq!(claimed(store).await.checkpoint, Some(checkpoint(2)));
    assert_eq!(record(store, fence.id).await.stage, 2);
}

/// P9: a step may put aside where it is before any stage is finished.
pub async fn a_checkpoint_before_the_first_finished_stage_is_kept(store: &dyn JobStore) {
    let fence = running(store).await;
    store.report(fence, report(1)).await.unwrap();
    let made = vec![artifact("notes.txt", "1/notes.txt")];
    store.checkpoint(fence, checkpoint(0), made).await.unwrap();
    let found = record(store, fence.id).await;
    assert_eq!(
        (found.stage, found.progress),
        (1, Some(0.5)),
        "the stage goes on"
    );

    let newer = Checkpoint {
        value: json!([{"frames": 4}, 17]),
        ..checkpoint(0)
    };
    store
        .checkpoint(fence, newer.clone(), vec![])
        .await
        .unwrap();
    store.release(fence).await.unwrap();
    assert_eq!(record(store, fence.id).await.stage, 0);
    let again = claimed(store).await;
    assert_eq!(again.checkpoint, Some(newer));
    assert_eq!(
        names(&store.staged(again.fence).await.unwrap()),
        ["notes.txt"]
    );

    store
        .checkpoint(again.fence, checkpoint(1), vec![])
        .await
        .unwrap();
    let answer = store.checkpoint(again.fence, checkpoint(0), vec![]).await;
    assert!(
        matches!(answer, Err(StoreError::Refused { .. })),
        "{answer:?}"
    );
}

pub async fn a_checkpoint_never_goes_backwards(store: &dyn JobStore) {
    let fence = running(store).await;
    store
        .checkpoint(fence, checkpoint(2), vec![])
        .await
        .unwrap();
    let answer = store.checkpoint(fence, checkpoint(1), vec![]).await;
    assert!(
        matches!(answer, Err(StoreError::Refused { .. })),
        "{answer:?}"
    );
    store.release(fence).await.unwrap();
    assert_eq!(claimed(store).await.checkpoint, Some(checkpoint(2)));
}

pub async fn a_checkpoint_above_the_total_is_refused_with_its_artifacts(store: &dyn JobStore) {
    let fence = running(store).await;
    let made = vec![artifact("notes.txt", "1/notes.txt")];
    let answer = store.checkpoint(fence, checkpoint(4), made).await;
    assert!(
        matches!(answer, Err(StoreError::Refused { .. })),
        "{answer:?}"
    );
    assert_eq!(locations(store, fence.id).await, Vec::<String>::new());
    assert_eq!(record(store, fence.id).await.stage, 0);
}

pub async fn an_artifact_takes_the_place_of_one_with_the_same_name(store: &dyn JobStore) {
    let first = running(store).await;
    let made = vec![artifact("a.txt", "1/a.txt"), artifact("b.txt", "1/b.txt")];
    store.checkpoint(first, checkpoint(1), made).await.unwrap();
    store.release(first).await.unwrap();

    let second = claimed(store).await.fence;
    let made = vec![artifact("c.txt", "2/c.txt"), artifact("a.txt", "2/a.txt")];
    store.checkpoint(second, checkpoint(2), made).await.unwrap();
    store.succeed(second, success()).await.unwrap();

    let published = outcome(store, second.id).await.artifacts;
    let published: Vec<_> = published
        .into_iter()
        .map(|artifact| artifact.location)
        .collect();
    assert_eq!(published, ["2/a.txt", "1/b.txt", "2/c.txt", "1/film.gif"]);
}

pub async fn artifacts_are_not_seen_before_success(store: &dyn JobStore) {
    let fence = running(store).await;
    let made = vec![artifact("notes.txt", "1/notes.txt")];
    store.checkpoint(fence, checkpoint(1), made).await.unwrap();
    assert_eq!(
        names(&outcome(store, fence.id).await.artifacts),
        Vec::<&str>::new()
    );
    assert_eq!(
        store.published(fence.id, Reach::All, None).await.unwrap(),
        None
    );
    assert_eq!(
        store
            .published(fence.id, Reach::All, Some("notes.txt"))
            .await
            .unwrap(),
        None
    );
    // But they are in use.
    assert_eq!(locations(store, fence.id).await, ["1/notes.txt"]);
    assert_eq!(names(&store.staged(fence).await.unwrap()), ["notes.txt"]);
}

pub async fn a_restart_drops_checkpoint_artifacts_and_stage(store: &dyn JobStore) {
    let first = running(store).await;
    let made = vec![artifact("notes.txt", "1/notes.txt")];
    store.checkpoint(first, checkpoint(2), made).await.unwrap();
    store.release(first).await.unwrap();

    let second = claimed(store).await.fence;
    store.restart(second, 5, "f2".to_owned()).await.unwrap();
    let found = record(store, second.id).await;
    assert_eq!(
        (found.state, found.stage, found.total_stages),
        (JobState::Running, 0, 5)
    );
    assert_eq!(
        (found.attempt, found.message.as_str()),
        (1, message::STARTING)
    );
    assert_eq!(locations(store, second.id).await, Vec::<String>::new());

    store.release(second).await.unwrap();
    // By a worker that has this version; others may have to wait before they take it.
    let newer = [WantedJob {
        fingerprint: "f2".to_owned(),
        ..wanted_job("render")
    }];
    let third = claim(store, &newer, Which::Others).await.unwrap();
    assert_eq!((third.total_stages, third.fingerprint.as_str()), (5, "f2"));
    assert_eq!(third.checkpoint, None);
}
