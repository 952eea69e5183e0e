//! `farcall keys`, on each engine.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use farcall_core::clock::{Clock, ManualClock, SystemClock, Timestamp};
use farcall_jobs::links::key_id;
use farcall_store::{JobStore, SqliteStore};
use serde_json::Value;

use crate::{
    harness::{farcall, shows},
    jobs::place::{Place, on_each_engine},
};

/// What the store has for `purpose`, as hexadecimal digits and as an id.
async fn kept(store: &dyn JobStore, purpose: &str) -> Vec<(String, String)> {
    let live = store.secrets(purpose).await.unwrap().live;
    let both = live.iter().map(|secret| {
        let digits = farcall_core::artifact::hexadecimal(&secret.value);
        (digits, key_id(&secret.value))
    });
    both.collect()
}

/// The keys that a server has made an hour ago in this folder.
async fn made_an_hour_ago(folder: &Path) {
    let clock = ManualClock::at(Timestamp(SystemClock.now().0 - 3_600_000));
    let store = SqliteStore::attach(folder, Arc::new(clock)).await.unwrap();
    for (name, byte) in [("links", 1), ("request-state", 2)] {
        store.make_secret(name, [byte; 32]).await.unwrap();
    }
    store.close().await;
}

on_each_engine! {
    async fn before_there_is_a_server_there_are_no_keys(place: &Place) {
        shows!(place.keys(&["list"]).run().await, @r"
        exit 0
        ---- stdout
        ---- stderr
        there are no keys yet; the first server of this store makes them
        ");
        shows!(place.keys(&["list", "--json"]).run().await, @r#"
        exit 0
        ---- stdout
        {"keys":[]}
        ---- stderr
        "#);
        assert!(kept(place.store.as_ref(), "links").await.is_empty());
    }

    async fn a_rotation_of_none_makes_the_first_which_sign_at_once(place: &Place) {
        shows!(place.keys(&["rotate"]).run().await, @r"
        exit 0
        ---- stdout
        links: [JOB] signs, and no other is accepted
        request-state: [JOB] signs, and no other is accepted
        ---- stderr
        before the next time, wait for FARCALL_LINK_LIFETIME, and an hour at least: it ends what the previous keys have signed
        ");
        shows!(place.keys(&["list"]).run().await, @r"
        exit 0
        ---- stdout
        PURPOSE        KEY       AGE STATE
        links          [JOB]  [SPAN] signs
        request-state  [JOB]  [SPAN] signs
        ---- stderr
        ");
    }

    async fn a_second_rotation_within_a_minute_is_refused_and_changes_nothing(place: &Place) {
        place.keys(&["rotate"]).run().await;
        let store = place.store.as_ref();
        let before = [kept(store, "links").await, kept(store, "request-state").await];
        shows!(place.keys(&["rotate"]).run().await, @r"
        exit 1
        ---- stdout
        ---- stderr
        error: there is a key that was made [SPAN] ago, and servers may not sign with it yet
        hint: do it again in [SPAN]; where a key was stolen, `keys rotate --now` ends all that are there
        ");
        let after = [kept(store, "links").await, kept(store, "request-state").await];
        assert_eq!(after, before);
    }

    async fn a_rotation_at_once_is_never_too_soon_and_leaves_nothing_else(place: &Place) {
        let mut seen = BTreeSet::new();
        for _ in 0..3 {
            let ended = place.keys(&["rotate", "--now", "--json"]).run().await;
            let said: Value = serde_json::from_str(&ended.stdout).unwrap();
            let [links, state] = &said["keys"].as_array().unwrap()[..] else {
                panic!("{ended}");
            };
            for (key, purpose) in [(links, "links"), (state, "request-state")] {
                let kept = kept(place.store.as_ref(), purpose).await;
                let [(digits, id)] = &kept[..] else { panic!("{kept:?}") };
                assert_eq!((&key["purpose"], &key["id"]), (&purpose.into(), &id.as_str().into()));
                assert_eq!((&key["state"], &key["signs_from"]), (&"signs".into(), &Value::Null));
                assert!(seen.insert(digits.clone()), "a key came twice");
                assert!(!ended.to_string().contains(digits.as_str()));
            }
        }
        shows!(place.keys(&["rotate", "--now"]).run().await, @r"
        exit 0
        ---- stdout
        links: [JOB] signs, and no other is accepted
        request-state: [JOB] signs, and no other is accepted
        ---- stderr
        servers take them up within seconds; then no earlier link opens anything, and each result has new ones
        ");
    }
}

#[tokio::test]
async fn a_rotation_says_what_signs_when_and_until_when_the_others_are_accepted() {
    let place = Place::sqlite().await;
    made_an_hour_ago(place.folder.path()).await;
    shows!(place.keys(&["rotate"]).run().await, @r"
    exit 0
    ---- stdout
    links: [JOB] signs from [TIME] on; [JOB] signs until then, and is accepted until the next rotation
    request-state: [JOB] signs from [TIME] on; [JOB] signs until then, and is accepted until the next rotation
    ---- stderr
    before the next time, wait for FARCALL_LINK_LIFETIME, and an hour at least: it ends what the previous keys have signed
    ");
    shows!(place.keys(&["list"]).run().await, @r"
    exit 0
    ---- stdout
    PURPOSE        KEY       AGE STATE
    links          [JOB]  [SPAN] signs in [SPAN]
    links          [JOB]  [SPAN] signs
    request-state  [JOB]  [SPAN] signs in [SPAN]
    request-state  [JOB]  [SPAN] signs
    ---- stderr
    ");
    let ended = place.keys(&["list", "--json"]).run().await;
    let said: Value = serde_json::from_str(&ended.stdout).unwrap();
    let [next, signs] = [&said["keys"][0], &said["keys"][1]];
    assert_eq!(
        (&next["state"], &signs["state"]),
        (&"next".into(), &"signs".into())
    );
    assert_eq!(signs["id"], key_id(&[1; 32]));
    let at = |value: &Value| {
        let at: jiff::Timestamp = value.as_str().unwrap().parse().unwrap();
        at.as_millisecond()
    };
    assert_eq!(at(&next["signs_from"]) - at(&next["made_at"]), 30_000);
    place.store.close().await;
}

#[tokio::test]
async fn what_has_signed_is_shown_as_accepted() {
    let place = Place::sqlite().await;
    let clock = ManualClock::at(Timestamp(SystemClock.now().0 - 60_000));
    let beside = SqliteStore::attach(place.folder.path(), Arc::new(clock)).await;
    let beside = beside.unwrap();
    made_an_hour_ago(place.folder.path()).await;
    let overlapping = farcall_store::Rotation::Overlapping(std::time::Duration::ZERO);
    let rotation = beside.rotate_secrets(&[("links", [3; 32])], overlapping);
    assert!(rotation.await.unwrap());
    beside.close().await;
    shows!(place.keys(&["list"]).run().await, @r"
    exit 0
    ---- stdout
    PURPOSE        KEY       AGE STATE
    links          [JOB]  [SPAN] signs
    links          [JOB]  [SPAN] accepted
    request-state  [JOB]  [SPAN] signs
    ---- stderr
    ");
    place.store.close().await;
}

#[tokio::test]
async fn where_keys_are_made_from_a_secret_both_verbs_say_so() {
    let place = Place::sqlite().await;
    let typed = |verb: &[&str]| {
        let secret = "a secret of 32 characters or more!";
        place.keys(verb).variable("FARCALL_SECRET", secret)
    };
    let refused = typed(&["rotate"]).run().await;
    shows!(refused, @r#"
    exit 2
    ---- stdout
    ---- stderr
    error: `FARCALL_SECRET` is set: keys are made from it, and those in the store sign nothing
    hint: to change it, see "Links to files" in docs/guide/operate.md; or unset it, for servers as well
    "#);
    for verb in [&["list"][..], &["rotate", "--now"]] {
        assert_eq!(typed(verb).run().await.to_string(), refused.to_string());
    }
    assert!(kept(place.store.as_ref(), "links").await.is_empty());
    place.store.close().await;
}

#[test]
fn where_there_is_no_store_none_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for verb in ["list", "rotate"] {
        let typed = farcall(["keys", verb]).variable("FARCALL_DATA_DIR", data.to_str().unwrap());
        let ended = typed.ended();
        assert_eq!(ended.exit, 2, "{ended}");
        assert!(
            ended.stderr.contains("there is no job store in the folder"),
            "{ended}"
        );
    }
    assert!(!data.exists());
}
