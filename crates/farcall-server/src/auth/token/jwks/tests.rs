//! When keys are fetched, and which of them count.

use std::{
    collections::VecDeque,
    sync::{
        Mutex as Lock,
        atomic::{AtomicUsize, Ordering},
    },
};

use farcall_core::clock::ManualClock;
use serde_json::json;
use tokio::sync::Semaphore;

use super::*;

/// A source that answers what a test says, when it lets it.
#[derive(Clone)]
struct Fake(Arc<State>);

struct State {
    answers: Lock<VecDeque<Option<Value>>>,
    asked: AtomicUsize,
    open: Semaphore,
}

#[async_trait]
impl Source for Fake {
    async fn fetch(&self) -> Result<Bytes, NoAnswer> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        self.0.open.acquire().await.unwrap().forget();
        let answer = self.0.answers.lock().unwrap().pop_front().flatten();
        let answer = answer.ok_or_else(|| NoAnswer::because("it is away"))?;
        Ok(answer.to_string().into())
    }
}

impl Fake {
    /// Answers these sets in turn, `None` for being away, then is away for good.
    fn answering(answers: impl IntoIterator<Item = Option<Value>>) -> Self {
        let fake = Self::closed(answers);
        fake.0.open.add_permits(1_000);
        fake
    }

    /// The same, but hangs until it is opened.
    fn closed(answers: impl IntoIterator<Item = Option<Value>>) -> Self {
        Self(Arc::new(State {
            answers: Lock::new(answers.into_iter().collect()),
            asked: AtomicUsize::new(0),
            open: Semaphore::new(0),
        }))
    }

    fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    async fn until_asked(&self, times: usize) {
        while self.asked() < times {
            tokio::task::yield_now().await;
        }
    }
}

fn rsa(id: &str) -> Value {
    json!({"kty": "RSA", "kid": id, "n": "AQAB", "e": "AQAB", "alg": "RS256", "use": "sig"})
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "among answers that may be missing"
)]
fn set(ids: &[&str]) -> Option<Value> {
    let keys: Vec<_> = ids.iter().map(|id| rsa(id)).collect();
    Some(json!({ "keys": keys }))
}

fn keys(fake: &Fake) -> (Arc<Keys>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    (Keys::new(fake.clone(), clock.clone()), clock)
}

async fn knows(keys: &Arc<Keys>, id: &str) -> Result<bool, NoKeys> {
    let algorithm = Algorithm::named("RS256").unwrap();
    Ok(keys.find(id, algorithm).await?.is_some())
}

const SECOND: u32 = 1_000;
const MINUTE: u32 = 60 * SECOND;
const HOUR: u32 = 60 * MINUTE;

#[tokio::test]
async fn keys_are_fetched_at_the_first_token_and_then_hold_for_an_hour() {
    let fake = Fake::answering([set(&["a"]), set(&["b"])]);
    let (keys, clock) = keys(&fake);
    assert_eq!(fake.asked(), 0);
    assert_eq!(knows(&keys, "a").await, Ok(true));
    clock.advance(HOUR - 1);
    assert_eq!((knows(&keys, "a").await, fake.asked()), (Ok(true), 1));
    clock.advance(1);
    // It was withdrawn meanwhile, and opens nothing from now on.
    assert_eq!((knows(&keys, "a").await, fake.asked()), (Ok(false), 2));
    assert_eq!((knows(&keys, "b").await, fake.asked()), (Ok(true), 2));
}

#[tokio::test]
async fn a_flood_of_unknown_keys_costs_one_fetch_a_minute() {
    let fake = Fake::answering([set(&["a"]), set(&["a", "b"])]);
    let (keys, clock) = keys(&fake);
    for minute in 0..3 {
        let flood = (0..500).map(|number| {
            let keys = Arc::clone(&keys);
            tokio::spawn(async move { knows(&keys, &format!("x{number}")).await })
        });
        for answer in flood.collect::<Vec<_>>() {
            assert_eq!(answer.await.unwrap(), Ok(false));
        }
        assert_eq!(fake.asked(), minute + 1);
        assert_eq!(knows(&keys, "a").await, Ok(true));
        assert_eq!(
            knows(&keys, "b").await,
            Ok(minute > 0),
            "rotated within a minute"
        );
        clock.advance(MINUTE - 1);
        assert_eq!(
            (knows(&keys, "y").await, fake.asked()),
            (Ok(false), minute + 1)
        );
        clock.advance(1);
    }
}

#[tokio::test]
async fn the_last_keys_hold_while_their_source_is_down() {
    let broken = [
        None,
        Some(json!("no set")),
        Some(json!({"keys": []})),
        Some(json!({"keys": [{"kty": "oct", "kid": "a", "k": "AAAA"}]})),
        set(&["b"]),
    ];
    let fake = Fake::answering([set(&["a"])].into_iter().chain(broken));
    let (keys, clock) = keys(&fake);
    assert_eq!(knows(&keys, "a").await, Ok(true));
    clock.advance(30 * HOUR);
    for asked in 2..=5 {
        for _ in 0..10 {
            assert_eq!((knows(&keys, "a").await, fake.asked()), (Ok(true), asked));
        }
        clock.advance(MINUTE);
    }
    assert_eq!(knows(&keys, "a").await, Ok(false));
    assert_eq!(knows(&keys, "b").await, Ok(true));
}

#[tokio::test]
async fn without_any_keys_nothing_is_said_and_they_are_looked_for_soon_again() {
    let fake = Fake::answering([None, set(&["a"])]);
    let (keys, clock) = keys(&fake);
    for _ in 0..10 {
        assert_eq!((knows(&keys, "a").await, fake.asked()), (Err(NoKeys), 1));
    }
    clock.advance(5 * SECOND);
    assert_eq!((knows(&keys, "a").await, fake.asked()), (Ok(true), 2));
    // From now on the pause is the long one.
    clock.advance(MINUTE - 1);
    assert_eq!((knows(&keys, "b").await, fake.asked()), (Ok(false), 2));
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_take_the_fetch_with_it() {
    let fake = Fake::closed([set(&["a"])]);
    let (keys, _) = keys(&fake);
    let leaving = tokio::spawn({
        let keys = Arc::clone(&keys);
        async move { knows(&keys, "x").await }
    });
    fake.until_asked(1).await;
    leaving.abort();
    assert!(leaving.await.unwrap_err().is_cancelled());
    fake.0.open.add_permits(1);
    assert_eq!((knows(&keys, "a").await, fake.asked()), (Ok(true), 1));
}

#[tokio::test]
async fn one_caller_waits_for_newer_keys_and_the_others_use_the_old_ones() {
    let fake = Fake::closed([set(&["a"]), None]);
    fake.0.open.add_permits(1);
    let (keys, clock) = keys(&fake);
    assert_eq!(knows(&keys, "a").await, Ok(true));
    clock.advance(HOUR);
    let first = tokio::spawn({
        let keys = Arc::clone(&keys);
        async move { knows(&keys, "a").await }
    });
    fake.until_asked(2).await;
    // Nobody has let the source answer.
    assert_eq!(knows(&keys, "a").await, Ok(true));
    fake.0.open.add_permits(1);
    assert_eq!(first.await.unwrap(), Ok(true));
}

#[tokio::test]
async fn a_key_is_for_what_its_set_says() {
    let other = |change: Value| {
        let mut key = rsa("k");
        key.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        json!({"keys": [rsa("a"), key]})
    };
    for (change, counts) in [
        (json!({}), true),
        (json!({"alg": null}), true),
        (json!({"alg": "RS512"}), false),
        (json!({"alg": "of the future"}), false),
        (json!({"use": "enc"}), false),
        (json!({"key_ops": ["verify"]}), true),
        (json!({"key_ops": ["sign"]}), false),
        (json!({"kty": "oct", "k": "AAAA", "alg": "HS256"}), false),
        (
            json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "alg": "EdDSA"}),
            false,
        ),
        (json!({"kty": "of the future"}), false),
        (json!({"n": "%"}), false),
        (json!({"kid": 5}), false),
    ] {
        let fake = Fake::answering([Some(other(change.clone()))]);
        let (keys, _) = keys(&fake);
        assert_eq!(knows(&keys, "k").await, Ok(counts), "{change}");
        assert_eq!(knows(&keys, "a").await, Ok(true), "{change}");
    }
}

#[tokio::test]
async fn no_more_than_so_many_keys_are_kept() {
    let ids: Vec<_> = (0..=MOST).map(|number| number.to_string()).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let fake = Fake::answering([set(&ids)]);
    let (keys, _) = keys(&fake);
    assert_eq!(knows(&keys, ids[MOST - 1]).await, Ok(true));
    assert_eq!(knows(&keys, ids[MOST]).await, Ok(false));
}
