//! Who is named, and which tokens open.

use std::{collections::BTreeSet, time::Duration};

use farcall_core::{clock::Timestamp, principal::Scope};
use futures_util::future::join_all;

use super::{
    RawDatabase, TestClock,
    fixture::{START, admitted, ci, enqueued, new_job, new_token, rights, unique_id},
};
use crate::{
    Caller, CallerName, JobStore, NewJob, NewToken, Reach, Revoked, Rights, StoreError, Token,
    TokenId, caller::REMEMBERED, limits::milliseconds,
};

const MINUTE: Duration = Duration::from_mins(1);

async fn only(store: &dyn JobStore) -> Caller {
    let callers = store.callers().await.unwrap().callers;
    let [caller] = callers.try_into().unwrap();
    caller
}

async fn token(store: &dyn JobStore, id: &TokenId) -> Token {
    let tokens = only(store).await.tokens;
    tokens.into_iter().find(|token| token.id == *id).unwrap()
}

/// The tokens that open at this moment.
async fn live(store: &dyn JobStore) -> Vec<TokenId> {
    let callers = store.callers().await.unwrap();
    let now = callers.edition.read_at;
    let tokens = callers.callers.into_iter().flat_map(|caller| caller.tokens);
    let live = tokens.filter(|token| !token.is_over(now));
    live.map(|token| token.id).collect()
}

pub async fn a_caller_comes_back_as_it_was_named(store: &dyn JobStore) {
    assert_eq!(store.callers().await.unwrap().callers, []);
    let id = admitted(store).await;
    let everything = Rights {
        scopes: BTreeSet::from(Scope::ALL),
        tools: None,
        max_open_jobs: None,
    };
    let other = CallerName::parse("a-b_9").unwrap();
    let second = NewToken {
        digest: [8; 32],
        lives_for: Some(MINUTE),
        ..new_token()
    };
    assert!(store.admit(&other, &everything, &second).await.unwrap());
    let [before, after] = store.callers().await.unwrap().callers.try_into().unwrap();
    assert_eq!((&before.name, &before.rights), (&other, &everything));
    assert_eq!((&after.name, &after.rights), (&ci(), &rights()));
    assert_eq!(
        after.tokens,
        [Token {
            id,
            digest: [7; 32],
            created_at: START,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        }]
    );
    let end = Timestamp(START.0 + milliseconds(MINUTE));
    assert_eq!(before.tokens[0].expires_at, Some(end));
    assert_eq!(before.tokens[0].digest, [8; 32]);
}

pub async fn a_name_with_a_token_that_is_not_over_is_taken(store: &dyn JobStore) {
    let id = admitted(store).await;
    let more = Rights {
        scopes: BTreeSet::from([Scope::Admin]),
        ..rights()
    };
    let again = store.admit(&ci(), &more, &new_token()).await.unwrap();
    assert!(!again);
    assert_eq!(only(store).await.rights, rights());
    assert_eq!(live(store).await, [id]);
}

pub async fn a_caller_whose_tokens_are_over_may_be_named_again(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    let first = admitted(store).await;
    store.revoke(&Revoked::Token(first.clone())).await.unwrap();
    clock.advance(1_000).await;
    let other = Rights {
        tools: None,
        max_open_jobs: None,
        ..rights()
    };
    let second = new_token();
    assert!(store.admit(&ci(), &other, &second).await.unwrap());
    let caller = only(store).await;
    assert_eq!((caller.rights, caller.created_at), (other, START));
    assert!(token(store, &first).await.revoked_at.is_some());
    assert_eq!(live(store).await, [second.id]);
}

pub async fn rights_that_are_none_are_refused(store: &dyn JobStore) {
    let none = Rights {
        scopes: BTreeSet::new(),
        ..rights()
    };
    let refused = store.admit(&ci(), &none, &new_token()).await;
    assert!(
        matches!(refused, Err(StoreError::Refused { .. })),
        "{refused:?}"
    );
    assert_eq!(store.callers().await.unwrap().callers, []);
}

pub async fn a_token_ends_when_its_time_is_over(store: &dyn JobStore, clock: &dyn TestClock) {
    let token = NewToken {
        lives_for: Some(MINUTE),
        ..new_token()
    };
    assert!(store.admit(&ci(), &rights(), &token).await.unwrap());
    clock.advance(59_999).await;
    assert_eq!(live(store).await, [token.id]);
    clock.advance(1).await;
    assert_eq!(live(store).await, []);
}

pub async fn an_overlap_shortens_a_life_and_never_lengthens_it(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    let first = admitted(store).await;
    let second = NewToken {
        lives_for: Some(2 * MINUTE),
        ..new_token()
    };
    assert!(store.rotate(&ci(), &second, MINUTE).await.unwrap());
    let end = Some(Timestamp(START.0 + milliseconds(MINUTE)));
    assert_eq!(token(store, &first).await.expires_at, end);
    let third = new_token();
    assert!(store.rotate(&ci(), &third, 3 * MINUTE).await.unwrap());
    assert_eq!(token(store, &first).await.expires_at, end);
    let in_order = [first, second.id.clone(), third.id.clone()];
    assert_eq!(live(store).await, in_order);
    clock.advance(60_000).await;
    assert_eq!(live(store).await, [second.id, third.id.clone()]);
    clock.advance(60_000).await;
    assert_eq!(live(store).await, [third.id]);
}

pub async fn a_rotation_without_overlap_ends_the_other_tokens_at_once(store: &dyn JobStore) {
    let first = admitted(store).await;
    let second = new_token();
    assert!(store.rotate(&ci(), &second, Duration::ZERO).await.unwrap());
    assert_eq!(live(store).await, [second.id]);
    assert_eq!(token(store, &first).await.revoked_at, Some(START));
}

pub async fn a_token_is_revoked_once_and_for_good(store: &dyn JobStore) {
    let first = admitted(store).await;
    let second = new_token();
    assert!(store.rotate(&ci(), &second, MINUTE).await.unwrap());
    let one = Revoked::Token(first.clone());
    assert_eq!(store.revoke(&one).await.unwrap(), 1);
    assert_eq!(store.revoke(&one).await.unwrap(), 0);
    assert_eq!(live(store).await, [second.id]);
    let third = new_token();
    assert!(store.rotate(&ci(), &third, MINUTE).await.unwrap());
    assert_eq!(store.revoke(&Revoked::Caller(ci())).await.unwrap(), 2);
    assert_eq!(live(store).await, []);
    // The caller has its name, and with it its jobs.
    assert_eq!(only(store).await.tokens.len(), 3);
}

pub async fn those_who_are_not_named_have_nothing_to_rotate_or_revoke(store: &dyn JobStore) {
    let rotated = store.rotate(&ci(), &new_token(), MINUTE).await.unwrap();
    assert!(!rotated);
    assert_eq!(store.revoke(&Revoked::Caller(ci())).await.unwrap(), 0);
    let unknown = Revoked::Token(new_token().id);
    assert_eq!(store.revoke(&unknown).await.unwrap(), 0);
    store.used(&new_token().id).await.unwrap();
    assert_eq!(store.callers().await.unwrap().callers, []);
}

pub async fn every_change_is_a_new_edition_and_a_use_is_none(store: &dyn JobStore) {
    let mut seen = BTreeSet::new();
    let mut edition = async || {
        let edition = store.callers_edition().await.unwrap();
        assert_eq!(store.callers().await.unwrap().edition, edition);
        seen.insert(edition.number)
    };
    assert!(edition().await);
    let first = admitted(store).await;
    assert!(edition().await);
    store.used(&first).await.unwrap();
    assert!(!edition().await);
    let rotated = store.rotate(&ci(), &new_token(), MINUTE).await.unwrap();
    assert!(rotated && edition().await);
    let one = Revoked::Token(first);
    assert_eq!(store.revoke(&one).await.unwrap(), 1);
    assert!(edition().await);
    assert_eq!(store.revoke(&one).await.unwrap(), 0);
    assert!(!edition().await);
    assert_eq!(store.revoke(&Revoked::Caller(ci())).await.unwrap(), 1);
    assert!(edition().await);
    admitted(store).await;
    assert!(edition().await);
}

pub async fn the_last_use_of_a_token_is_kept(store: &dyn JobStore, clock: &dyn TestClock) {
    let id = admitted(store).await;
    store.used(&id).await.unwrap();
    assert_eq!(token(store, &id).await.last_used_at, Some(START));
    clock.advance(1_000).await;
    store.used(&id).await.unwrap();
    let later = Some(Timestamp(START.0 + 1_000));
    assert_eq!(token(store, &id).await.last_used_at, later);
    clock.jump(-5_000).await;
    store.used(&id).await.unwrap();
    assert_eq!(token(store, &id).await.last_used_at, later);
}

pub async fn a_token_that_has_been_over_for_long_is_forgotten(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    let first = admitted(store).await;
    store.revoke(&Revoked::Token(first.clone())).await.unwrap();
    let long = u32::try_from(milliseconds(REMEMBERED)).unwrap();
    clock.advance(long - 1).await;
    let second = new_token();
    assert!(store.rotate(&ci(), &second, MINUTE).await.unwrap());
    assert_eq!(only(store).await.tokens.len(), 2);
    clock.advance(1).await;
    let third = new_token();
    assert!(store.rotate(&ci(), &third, MINUTE).await.unwrap());
    let ids: Vec<_> = only(store)
        .await
        .tokens
        .into_iter()
        .map(|token| token.id)
        .collect();
    assert_eq!(ids, [second.id, third.id]);
}

pub async fn what_is_revoked_at_one_door_is_over_at_the_other(
    one: &dyn JobStore,
    other: &dyn JobStore,
) {
    let id = admitted(one).await;
    let before = other.callers_edition().await.unwrap();
    assert_eq!(live(other).await, [id]);
    assert_eq!(other.revoke(&Revoked::Caller(ci())).await.unwrap(), 1);
    assert_ne!(one.callers_edition().await.unwrap().number, before.number);
    assert_eq!(live(one).await, []);
}

fn limited(limit: u32) -> NewJob {
    NewJob {
        max_open: Some(limit),
        ..new_job()
    }
}

pub async fn an_owner_has_no_more_open_jobs_than_it_may(store: &dyn JobStore) {
    // The jobs of others do not count.
    let foreign = NewJob {
        owner: "bob".to_owned(),
        ..new_job()
    };
    store.enqueue(foreign).await.unwrap();
    let first = enqueued(store).await;
    let keyed = NewJob {
        key: Some("k".to_owned()),
        ..limited(2)
    };
    store.enqueue(keyed.clone()).await.unwrap();
    let refused = store.enqueue(limited(2)).await;
    assert!(
        matches!(refused, Err(StoreError::TooManyOpen { limit: 2 })),
        "{refused:?}"
    );
    let again = NewJob {
        id: unique_id(),
        ..keyed
    };
    assert!(
        store.enqueue(again).await.unwrap().was_there.is_some(),
        "a repetition is no more"
    );
    store.enqueue(new_job()).await.unwrap();
    let refused = store.enqueue(limited(3)).await;
    assert!(
        matches!(refused, Err(StoreError::TooManyOpen { limit: 3 })),
        "{refused:?}"
    );
    store.cancel(first, Reach::All).await.unwrap();
    store.enqueue(limited(3)).await.unwrap();
}

pub async fn of_many_starts_at_two_doors_no_more_are_taken_in_than_may_be(
    one: &dyn JobStore,
    other: &dyn JobStore,
) {
    let starts = (0..32).map(|start| {
        let door = if start % 2 == 0 { one } else { other };
        door.enqueue(limited(5))
    });
    let starts = join_all(starts).await;
    assert_eq!(starts.iter().filter(|start| start.is_ok()).count(), 5);
    let refused = |start: &Result<_, _>| matches!(start, Err(StoreError::TooManyOpen { limit: 5 }));
    assert_eq!(starts.iter().filter(|start| refused(start)).count(), 27);
}

pub async fn it_keeps_names_and_what_is_over(store: &dyn JobStore, database: &dyn RawDatabase) {
    let id = admitted(store).await;
    store.revoke(&Revoked::Token(id)).await.unwrap();
    let short = NewToken {
        lives_for: Some(MINUTE),
        ..new_token()
    };
    assert!(store.rotate(&ci(), &short, MINUTE).await.unwrap());
    let before = store.callers().await.unwrap();
    for statement in [
        "DELETE FROM callers WHERE name <> $1",
        "UPDATE callers SET name = 'other' WHERE name <> $1",
        "UPDATE callers SET scopes = '{}' WHERE name <> $1",
        "UPDATE callers SET tools = '1' WHERE name <> $1",
        "UPDATE callers SET max_open_jobs = 0 WHERE name <> $1",
        "UPDATE tokens SET caller = 'other' WHERE id <> $1",
        "UPDATE tokens SET created_at = 1 WHERE id <> $1",
        "UPDATE tokens SET revoked_at = NULL WHERE id <> $1",
        "UPDATE tokens SET revoked_at = revoked_at + 1 WHERE id <> $1",
        "UPDATE tokens SET expires_at = expires_at + 1 WHERE id <> $1",
        "UPDATE tokens SET expires_at = NULL WHERE id <> $1",
        "UPDATE tokens SET digest = (SELECT digest FROM tokens WHERE id = $1)",
        "INSERT INTO callers (name, scopes, created_at) SELECT 'Ci', '[]', 1 WHERE $1 <> ''",
        "INSERT INTO callers (name, scopes, created_at) SELECT '', '[]', 1 WHERE $1 <> ''",
        "INSERT INTO tokens (id, caller, digest, created_at)
         SELECT 'aaaaaaaaaaaa', 'nobody', digest, 1 FROM tokens WHERE id <> $1",
        "INSERT INTO tokens (id, caller, digest, created_at)
         SELECT 'Aaaaaaaaaaaa', caller, digest, 1 FROM tokens WHERE id <> $1",
    ] {
        let answer = database.execute(statement, unique_id()).await;
        assert!(answer.is_err(), "{statement}: {answer:?}");
        assert_eq!(store.callers().await.unwrap(), before, "{statement}");
    }
}
