//! Every character, and the one that not every database can hold.

use std::collections::BTreeMap;

use farcall_core::{artifact::Artifact, job::state::JobState, question::Question};
use serde_json::{Value, json};

use super::fixture::{
    artifact, checkpoint, claimed, failure, new_job, outcome, record, report, running,
};
use crate::{JobError, JobStore, NewJob, Reach, Report, StoreError, Success};

/// Of every plane of Unicode, and whatever means something to a database or a terminal.
const ANYTHING: &str = "é ß 漢 \u{1d11e} \u{2ebf0} \u{e0100} \u{f0000} \u{10ffff} \u{feff}\u{202e}\
                        \u{7f}\u{1}\u{1b}[0m \r\n\t ' \" \\ ` % _ $1 ?1 '; DROP TABLE jobs; --";

/// NUL is a character of JSON like any other.
fn anything() -> Value {
    json!({ ANYTHING: [ANYTHING, "a\0b", "\0", ""], "\0": null })
}

pub async fn every_character_comes_back_where_it_was_put(store: &dyn JobStore) {
    let Value::Object(arguments) = anything() else {
        unreachable!("an object")
    };
    let job = NewJob {
        owner: ANYTHING.to_owned(),
        arguments: arguments.clone(),
        key: Some(ANYTHING.to_owned()),
        ..new_job()
    };
    let id = store.enqueue(job).await.unwrap().record.id;
    let reach = Reach::Owner(ANYTHING);
    assert_eq!(store.order(id).await.unwrap().unwrap().arguments, arguments);
    let claim = claimed(store).await;
    assert_eq!(claim.arguments, arguments);

    let fence = claim.fence;
    let said = Report {
        message: ANYTHING.to_owned(),
        log: vec![ANYTHING.to_owned()],
        ..report(1)
    };
    store.report(fence, said).await.unwrap();
    let shown = store.record(id, reach).await.unwrap().unwrap();
    assert_eq!(shown.message, ANYTHING);
    let page = store.log(id, reach, 1, 9).await.unwrap().unwrap();
    assert_eq!(page.lines[0].text, ANYTHING);

    let question = (ANYTHING.to_owned(), Question::form(ANYTHING));
    let asked = [question];
    store.ask(fence, &asked).await.unwrap();
    assert_eq!(store.questions(id, reach).await.unwrap(), asked);
    let answers = BTreeMap::from([(ANYTHING.to_owned(), anything())]);
    assert!(store.answer(id, reach, &answers).await.unwrap());
    assert_eq!(store.ask(fence, &asked).await.unwrap(), answers);

    let mut kept = checkpoint(1);
    kept.value = anything();
    store.checkpoint(fence, kept.clone(), vec![]).await.unwrap();
    store.release(fence).await.unwrap();
    let again = claimed(store).await;
    assert_eq!(again.checkpoint, Some(kept));

    let success = Success {
        value: Some(anything()),
        artifacts: vec![artifact(ANYTHING, ANYTHING)],
    };
    store.succeed(again.fence, success).await.unwrap();
    let found = outcome(store, id).await;
    assert_eq!(found.value, Some(anything()));
    assert_eq!(found.artifacts, [artifact(ANYTHING, ANYTHING)]);
    let file = store.published(id, reach, Some(ANYTHING)).await.unwrap();
    assert_eq!(file.unwrap().owner, ANYTHING);
}

pub async fn in_what_people_read_another_character_stands_for_nul(store: &dyn JobStore) {
    const SAID: &str = "a\0b\0";
    const SHOWN: &str = "a\u{fffd}b\u{fffd}";
    let fence = running(store).await;
    let said = Report {
        message: SAID.to_owned(),
        log: vec![SAID.to_owned(), "plain".to_owned()],
        ..report(1)
    };
    store.report(fence, said).await.unwrap();
    assert_eq!(record(store, fence.id).await.message, SHOWN);
    let page = store
        .log(fence.id, Reach::All, 1, 9)
        .await
        .unwrap()
        .unwrap();
    let lines: Vec<_> = page.lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(lines, [SHOWN, "plain"]);

    let soon = std::time::Duration::ZERO;
    store.retry(fence, soon, SAID.to_owned()).await.unwrap();
    assert_eq!(record(store, fence.id).await.message, SHOWN);
    let fence = claimed(store).await.fence;
    let error = JobError {
        message: SAID.to_owned(),
        ..failure()
    };
    store.fail(fence, error).await.unwrap();
    let failed = record(store, fence.id).await;
    assert_eq!(failed.state, JobState::Failed);
    assert_eq!(failed.error.unwrap().message, SHOWN);
}

pub async fn a_name_with_a_nul_is_refused(store: &dyn JobStore) {
    let refused = |answer: Result<(), StoreError>| {
        let is_refused = matches!(answer, Err(StoreError::Refused { .. }));
        assert!(is_refused, "{answer:?}");
    };
    let nul = || "a\0b".to_owned();
    let names: [fn(&mut NewJob, String); 4] = [
        |job, nul| job.owner = nul,
        |job, nul| job.job = nul,
        |job, nul| job.fingerprint = nul,
        |job, nul| job.key = Some(nul),
    ];
    for name in names {
        let mut job = new_job();
        name(&mut job, nul());
        refused(store.enqueue(job).await.map(|_| ()));
    }

    let fence = running(store).await;
    let question = (nul(), Question::form("?"));
    refused(store.ask(fence, &[question]).await.map(|_| ()));
    assert!(!record(store, fence.id).await.is_asking);
    let texts: [fn(&mut Artifact, String); 3] = [
        |artifact, nul| artifact.name = nul,
        |artifact, nul| artifact.media_type = nul,
        |artifact, nul| artifact.location = nul,
    ];
    for name in texts {
        let mut artifact = artifact("film.gif", "1/film.gif");
        name(&mut artifact, nul());
        refused(store.checkpoint(fence, checkpoint(1), vec![artifact]).await);
    }
    assert_eq!(record(store, fence.id).await.stage, 0);
}

pub async fn nothing_is_found_by_a_name_with_a_nul(store: &dyn JobStore) {
    let fence = running(store).await;
    let question = ("size".to_owned(), Question::form("?"));
    store
        .ask(fence, std::slice::from_ref(&question))
        .await
        .unwrap();
    let answers = BTreeMap::from([
        ("size\0".to_owned(), json!(1)),
        ("other".to_owned(), json!(2)),
    ]);
    assert!(store.answer(fence.id, Reach::All, &answers).await.unwrap());
    let open = store.questions(fence.id, Reach::All).await.unwrap();
    assert_eq!(open, [question]);

    let file = vec![artifact("film.gif", "1/film.gif")];
    let success = Success {
        value: None,
        artifacts: file,
    };
    store.succeed(fence, success).await.unwrap();
    let named = store.published(fence.id, Reach::All, Some("film.gif\0"));
    assert_eq!(named.await.unwrap(), None);
}
