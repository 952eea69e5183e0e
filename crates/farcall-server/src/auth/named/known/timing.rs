//! What the time that a look takes tells about whether there is a token of some id: measured as dudect does
//! (Reparaz, Balasch and Verbauwhede, 2017), by Welch's t of two classes of calls in random order.

use std::{hint::black_box, time::Instant};

use farcall_core::principal::Scope;
use farcall_store::{Rights, SECRET, TokenId};

use super::*;

/// How many tokens are known, and how many ids nobody has are tried.
const TOKENS: u32 = 1_000;

/// How many calls are measured.
const CALLS: usize = 40_000;

/// The slowest tenth is left out: there the machine did something else meanwhile.
const KEPT: usize = CALLS / 10 * 9;

/// What dudect calls a leak.
const BOUND: f64 = 10.0;

fn id(kind: char, number: u32) -> TokenId {
    TokenId::parse(&format!("{kind}{number:011}")).unwrap()
}

fn known() -> Known {
    let token = |number| Token {
        id: id('k', number),
        digest: Sha256::digest(number.to_be_bytes()).into(),
        created_at: Timestamp(0),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    let caller = Caller {
        name: CallerName::parse("ci").unwrap(),
        rights: Rights {
            scopes: [Scope::Call].into(),
            tools: None,
            max_open_jobs: None,
        },
        created_at: Timestamp(0),
        tokens: (0..TOKENS).map(token).collect(),
    };
    let edition = Edition {
        number: 1,
        read_at: Timestamp(0),
    };
    let callers = Callers {
        edition,
        callers: vec![caller],
    };
    Known::new(callers, &Known::default())
}

/// Tokens with ids of one kind, and a secret that is nobody's.
fn guesses(kind: char) -> Vec<String> {
    let secret = "0".repeat(SECRET);
    let guess = |number| id(kind, number).with(&secret);
    (0..TOKENS).map(guess).collect()
}

/// Calls in seconds, and whether there is a token of its id.
fn measured(known: &Known) -> Vec<(f64, bool)> {
    let (wrong, unknown) = (guesses('k'), guesses('u'));
    let mut chance = vec![0; 4 * CALLS];
    getrandom::fill(&mut chance).unwrap();
    let (chances, []) = chance.as_chunks::<4>() else {
        unreachable!("four times as many")
    };
    let calls = chances.iter().map(|chance| {
        let chance = u32::from_ne_bytes(*chance);
        let is_known = chance >> 31 == 1;
        let guesses = if is_known { &wrong } else { &unknown };
        let token = &guesses[usize::try_from(chance % TOKENS).unwrap()];
        let begun = Instant::now();
        let holder = black_box(known.holder(black_box(token), Timestamp(1)));
        let took = begun.elapsed().as_secs_f64();
        assert!(holder.is_none());
        (took, is_known)
    });
    calls.collect()
}

/// Welch's t of the calls of both kinds, without the slowest of them all.
fn t(mut calls: Vec<(f64, bool)>) -> f64 {
    calls.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    calls.truncate(KEPT);
    let [(one, one_spread), (other, other_spread)] = [true, false].map(|kind| {
        let took: Vec<_> = calls
            .iter()
            .filter(|call| call.1 == kind)
            .map(|call| call.0)
            .collect();
        let count: f64 = took.iter().map(|_| 1.0).sum();
        let mean = took.iter().sum::<f64>() / count;
        let squares = took.iter().map(|took| (took - mean).powi(2));
        (mean, squares.sum::<f64>() / (count - 1.0) / count)
    });
    (one - other) / (one_spread + other_spread).sqrt()
}

/// PROMISES 3.2. What leaks would do so each time; what the machine does beside it does not.
#[test]
fn an_unknown_id_takes_as_long_as_a_wrong_secret() {
    let known = known();
    let times = [(); 3].map(|()| t(measured(&known)).abs());
    println!("|t| {times:?}");
    let least = times.into_iter().fold(f64::INFINITY, f64::min);
    assert!(least < BOUND, "|t| {times:?}");
}
