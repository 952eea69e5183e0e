//! What a running job asks its caller.

use std::collections::BTreeMap;

use farcall_core::{job::state::JobState, question::Question};
use serde_json::{Value, json};

use super::{
    TestClock,
    fixture::{claimed, record, running, standing, success, unique_id, worker_lost},
};
use crate::{JobStore, Reach, StoreError};

fn questions() -> [(String, Question); 2] {
    [
        ("colour".to_owned(), Question::form("Which colour?")),
        ("folders".to_owned(), Question::roots()),
    ]
}

fn answers(pairs: &[(&str, Value)]) -> BTreeMap<String, Value> {
    let owned = |(key, value): &(&str, Value)| ((*key).to_owned(), value.clone());
    pairs.iter().map(owned).collect()
}

pub async fn a_question_is_open_until_it_is_answered(store: &dyn JobStore) {
    let fence = running(store).await;
    let id = fence.id;
    for _ in 0..2 {
        assert_eq!(store.ask(fence, &questions()).await.unwrap(), answers(&[]));
        assert!(record(store, id).await.is_asking);
        assert_eq!(store.questions(id, Reach::All).await.unwrap(), questions());
    }
    let one = answers(&[("colour", json!({"action": "accept"})), ("other", json!(1))]);
    assert!(store.answer(id, Reach::All, &one).await.unwrap());
    assert_eq!(
        store.questions(id, Reach::All).await.unwrap(),
        questions()[1..]
    );
    assert!(record(store, id).await.is_asking);
    // The first answer counts.
    let again = answers(&[("colour", json!(2)), ("folders", json!(3))]);
    assert!(store.answer(id, Reach::All, &again).await.unwrap());
    assert!(!record(store, id).await.is_asking);
    let all = answers(&[
        ("colour", json!({"action": "accept"})),
        ("folders", json!(3)),
    ]);
    assert_eq!(store.ask(fence, &questions()).await.unwrap(), all);
    assert_eq!(store.questions(id, Reach::All).await.unwrap(), []);
}

pub async fn an_answer_outlives_the_attempt_but_not_the_program(store: &dyn JobStore) {
    let fence = running(store).await;
    store.ask(fence, &questions()).await.unwrap();
    let one = answers(&[("colour", json!("red"))]);
    store.answer(fence.id, Reach::All, &one).await.unwrap();
    worker_lost(store).await;
    let waiting = record(store, fence.id).await;
    assert_eq!(
        (waiting.state, waiting.is_asking),
        (JobState::Queued, false)
    );
    assert_eq!(store.questions(fence.id, Reach::All).await.unwrap(), []);

    let again = claimed(store).await.fence;
    assert_eq!(store.ask(again, &questions()).await.unwrap(), one);
    assert!(record(store, fence.id).await.is_asking);
    store.restart(again, 3, "f2".to_owned()).await.unwrap();
    assert!(!record(store, fence.id).await.is_asking);
    assert_eq!(store.ask(again, &questions()).await.unwrap(), answers(&[]));
    store.succeed(again, success()).await.unwrap();
    assert!(!record(store, fence.id).await.is_asking);
}

pub async fn a_question_and_an_answer_are_news_and_nothing_else_is(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    let fence = running(store).await;
    let both = questions();
    let [colour, folders] = [
        answers(&[("colour", json!(1))]),
        answers(&[("folders", json!(2))]),
    ];
    let mut last = record(store, fence.id).await.updated_at;
    let mut is_news = async |expected: bool, what: &str| {
        let updated_at = record(store, fence.id).await.updated_at;
        assert_eq!(updated_at > last, expected, "{what}");
        last = updated_at;
        clock.advance(1_000).await;
    };
    clock.advance(1_000).await;
    for (asked, expected, what) in [
        (&both[..1], true, "the first question"),
        (&both[..1], false, "the same question"),
        (&both[..], true, "one more, while one is open"),
    ] {
        store.ask(fence, asked).await.unwrap();
        is_news(expected, what).await;
    }
    for (answers, expected, what) in [
        (&colour, true, "an answer, while one is open"),
        (&colour, false, "the same answer"),
        (
            &answers(&[("other", json!(3))]),
            false,
            "an answer to nothing",
        ),
        (&folders, true, "the last answer"),
    ] {
        store.answer(fence.id, Reach::All, answers).await.unwrap();
        is_news(expected, what).await;
    }
    store.ask(fence, &both).await.unwrap();
    is_news(false, "what was answered before").await;
}

pub async fn answers_that_nobody_waits_for_are_dropped(store: &dyn JobStore) {
    let late = answers(&[("colour", json!("red"))]);
    for state in JobState::ALL {
        let id = standing(store, state).await;
        assert!(
            store.answer(id, Reach::All, &late).await.unwrap(),
            "{state}"
        );
        assert_eq!(store.questions(id, Reach::All).await.unwrap(), []);
        if state == JobState::Queued {
            store.cancel(id, Reach::All).await.unwrap();
        }
    }
    assert!(!store.answer(unique_id(), Reach::All, &late).await.unwrap());
    let fence = running(store).await;
    let long = [("k".repeat(129), Question::roots())];
    let answer = store.ask(fence, &long).await;
    assert!(
        matches!(answer, Err(StoreError::Refused { .. })),
        "{answer:?}"
    );
    assert!(!record(store, fence.id).await.is_asking);
}
