//! Secrets that servers share: made once, and exchanged for others.

use std::time::Duration;

use futures_util::future::join_all;

use super::{
    RawDatabase, TestClock,
    fixture::{START, secrets, unique_id},
};
use crate::{JobStore, Rotation};

const APART: Duration = Duration::from_mins(1);

const OVERLAPPING: Rotation = Rotation::Overlapping(APART);

pub async fn a_secret_is_made_once(store: &dyn JobStore) {
    assert!(secrets(store, "links").await.is_empty());
    store.make_secret("links", [1; 32]).await.unwrap();
    store.make_secret("links", [2; 32]).await.unwrap();
    store.make_secret("state", [3; 32]).await.unwrap();
    assert_eq!(secrets(store, "links").await, [[1; 32]]);
    assert_eq!(secrets(store, "state").await, [[3; 32]]);
    let read = store.secrets("links").await.unwrap();
    assert_eq!((read.live[0].made_at, read.read_at), (START, START));
}

pub async fn a_rotation_leaves_the_newest_two(store: &dyn JobStore, clock: &dyn TestClock) {
    store.make_secret("links", [1; 32]).await.unwrap();
    let rotated = async |byte| {
        let fresh = [("links", [byte; 32])];
        store.rotate_secrets(&fresh, OVERLAPPING).await.unwrap()
    };
    clock.advance(59_999).await;
    assert!(!rotated(2).await);
    assert_eq!(secrets(store, "links").await, [[1; 32]]);
    clock.advance(1).await;
    assert!(rotated(2).await && !rotated(3).await);
    clock.advance(60_000).await;
    assert_eq!(secrets(store, "links").await, [[2; 32], [1; 32]]);
    assert!(rotated(3).await);
    assert_eq!(secrets(store, "links").await, [[3; 32], [2; 32]]);
    let read = store.secrets("links").await.unwrap();
    let times = read.live.iter().map(|secret| secret.made_at.0 - START.0);
    assert_eq!(times.collect::<Vec<_>>(), [120_000, 60_000]);
    assert_eq!(read.read_at.0 - START.0, 120_000);
    // It is made once more by nobody.
    store.make_secret("links", [4; 32]).await.unwrap();
    assert_eq!(secrets(store, "links").await, [[3; 32], [2; 32]]);
    // A clock that is set back ends nothing before its time.
    clock.jump(-3_600_000).await;
    assert!(!rotated(5).await);
    assert_eq!(secrets(store, "links").await, [[3; 32], [2; 32]]);
}

pub async fn a_rotation_at_once_leaves_the_new_secret_alone(store: &dyn JobStore) {
    for byte in 1..4 {
        let fresh = [("links", [byte; 32]), ("state", [byte; 32])];
        assert!(
            store
                .rotate_secrets(&fresh, Rotation::AtOnce)
                .await
                .unwrap()
        );
        assert_eq!(secrets(store, "links").await, [[byte; 32]]);
    }
    assert_eq!(secrets(store, "state").await, [[3; 32]]);
    assert!(secrets(store, "other").await.is_empty());
}

pub async fn a_rotation_of_several_names_is_one_step(store: &dyn JobStore, clock: &dyn TestClock) {
    store.make_secret("links", [1; 32]).await.unwrap();
    clock.advance(60_000).await;
    store.make_secret("state", [2; 32]).await.unwrap();
    // It is too soon for one of them, whichever comes first.
    let (links, state) = (("links", [3; 32]), ("state", [4; 32]));
    for fresh in [[links, state], [state, links]] {
        assert!(!store.rotate_secrets(&fresh, OVERLAPPING).await.unwrap());
        assert_eq!(secrets(store, "links").await, [[1; 32]]);
        assert_eq!(secrets(store, "state").await, [[2; 32]]);
    }
    clock.advance(60_000).await;
    let fresh = [links, state];
    assert!(store.rotate_secrets(&fresh, OVERLAPPING).await.unwrap());
    assert_eq!(secrets(store, "links").await, [[3; 32], [1; 32]]);
    assert_eq!(secrets(store, "state").await, [[4; 32], [2; 32]]);
}

pub async fn of_many_rotations_at_two_doors_one_takes_place(
    store: &dyn JobStore,
    second: &dyn JobStore,
) {
    let rotations = (1..17).map(async |byte| {
        let door = if byte % 2 == 0 { store } else { second };
        let fresh = [("links", [byte; 32]), ("state", [byte; 32])];
        let happened = door.rotate_secrets(&fresh, OVERLAPPING).await.unwrap();
        happened.then_some([byte; 32])
    });
    let happened = join_all(rotations).await;
    let happened: Vec<_> = happened.into_iter().flatten().collect();
    assert_eq!(happened.len(), 1);
    for door in [store, second] {
        assert_eq!(secrets(door, "links").await, happened);
        assert_eq!(secrets(door, "state").await, happened);
    }
}

pub async fn rotations_at_once_at_two_doors_leave_one_secret(
    store: &dyn JobStore,
    second: &dyn JobStore,
) {
    let rotations = (1..17).map(async |byte| {
        let door = if byte % 2 == 0 { store } else { second };
        let fresh = [("links", [byte; 32]), ("state", [byte; 32])];
        assert!(door.rotate_secrets(&fresh, Rotation::AtOnce).await.unwrap());
        door.make_secret("links", [byte; 32]).await.unwrap();
    });
    join_all(rotations).await;
    let left = secrets(store, "links").await;
    assert_eq!(left.len(), 1);
    assert_eq!(secrets(second, "links").await, left);
    assert_eq!(secrets(second, "state").await, left);
}

pub async fn it_keeps_them_as_they_are(store: &dyn JobStore, database: &dyn RawDatabase) {
    for byte in 1..4 {
        let fresh = [("links", [byte; 32])];
        let rotation = Rotation::Overlapping(Duration::ZERO);
        assert!(store.rotate_secrets(&fresh, rotation).await.unwrap());
    }
    for statement in [
        "UPDATE secrets SET made_at = 1 WHERE name <> $1",
        "UPDATE secrets SET value = (SELECT max(value) FROM secrets) WHERE name <> $1",
        "UPDATE secrets SET name = $1",
        // Neither one that is gone, nor one that is there, nor one that will come.
        "INSERT INTO secrets (name, number, made_at, value)
         SELECT name, 1, made_at, value FROM secrets WHERE number = 3 AND name <> $1",
        "INSERT INTO secrets (name, number, made_at, value)
         SELECT name, 2, made_at, value FROM secrets WHERE number = 3 AND name <> $1",
        "INSERT INTO secrets (name, number, made_at, value)
         SELECT name, 9, made_at, value FROM secrets WHERE number = 3 AND name <> $1",
        "DELETE FROM secrets WHERE number = 3 AND name <> $1",
        "DELETE FROM secrets WHERE name <> $1",
    ] {
        let answer = database.execute(statement, unique_id()).await;
        assert!(answer.is_err(), "{statement}: {answer:?}");
    }
    assert_eq!(secrets(store, "links").await, [[3; 32], [2; 32]]);
    let oldest = "DELETE FROM secrets WHERE number = 2 AND name <> $1";
    assert_eq!(database.execute(oldest, unique_id()).await, Ok(1));
    assert_eq!(secrets(store, "links").await, [[3; 32]]);
}
