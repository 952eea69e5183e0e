//! Somebody who fetches a file all the time, before it is there and while its server goes away.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reqwest::{StatusCode, header};
use tokio::task::JoinHandle;

use crate::wait::until;

/// How long it waits for a server that is not there.
const PAUSE: Duration = Duration::from_millis(5);

/// The place of a server, which may be another one after each start; cheap to clone.
#[derive(Clone, Debug)]
pub struct Place(Arc<Mutex<String>>);

impl Place {
    /// That of the server at `origin`.
    pub fn new(origin: &str) -> Self {
        Self(Arc::new(Mutex::new(origin.to_owned())))
    }

    /// The next server is at `origin`.
    pub fn moves_to(&self, origin: &str) {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        origin.clone_into(&mut place);
    }

    fn origin(&self) -> String {
        let place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        place.clone()
    }
}

/// Looks until it is [asked](Self::end) what it saw.
#[derive(Debug)]
pub struct Onlooker {
    state: Arc<State>,
    looking: JoinHandle<Seen>,
}

#[derive(Debug, Default)]
struct State {
    /// It has seen all of it, and every part that it asks for.
    has_fetched: AtomicBool,
    /// It should leave.
    is_over: AtomicBool,
}

/// How often it saw what.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// All of the file.
    pub whole: u32,
    /// The part of it that it asked for.
    pub part: u32,
    /// That there is no such file.
    pub nothing: u32,
    /// No server, or one that went away while it answered.
    pub nobody: u32,
}

impl Onlooker {
    /// Fetches `path`, whose bytes are to be `expected`, from whoever serves at `place`: all of it,
    /// its beginning, its middle and its end, in turns.
    pub fn of(place: &Place, path: &str, expected: Vec<u8>) -> Self {
        let state = Arc::<State>::default();
        let looking = {
            let (place, path) = (place.clone(), path.to_owned());
            let state = Arc::clone(&state);
            tokio::spawn(async move { look(&place, &path, &expected, &state).await })
        };
        Self { state, looking }
    }

    /// Waits until it has fetched the file in every way, and returns what it saw, which was never
    /// anything else than the file or nothing.
    pub async fn end(self) -> Seen {
        until("somebody who has fetched a file", async || {
            let has_ended = self.looking.is_finished();
            (has_ended || self.state.has_fetched.load(Ordering::Relaxed)).then_some(())
        })
        .await;
        self.state.is_over.store(true, Ordering::Relaxed);
        self.looking.await.unwrap()
    }
}

async fn look(place: &Place, path: &str, expected: &[u8], state: &State) -> Seen {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (size, half) = (expected.len(), expected.len() / 2);
    let middle = format!("bytes={half}-");
    let all: (Option<&str>, &[u8]) = (None, expected);
    let ways = [
        all,
        (Some("bytes=0-9"), &expected[..10]),
        all,
        (Some(&*middle), &expected[half..]),
        all,
        (Some("bytes=-7"), &expected[size - 7..]),
    ];
    let mut seen = Seen::default();
    for (range, expected) in ways.iter().cycle() {
        if state.is_over.load(Ordering::Relaxed) {
            break;
        }
        let mut request = client.get(format!("{}{path}", place.origin()));
        if let Some(range) = range {
            request = request.header(header::RANGE, *range);
        }
        let answered = async {
            let response = request.send().await?;
            let status = response.status();
            Ok::<_, reqwest::Error>((status, response.bytes().await?))
        };
        let Ok((status, bytes)) = answered.await else {
            seen.nobody += 1;
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        match (status, range) {
            (StatusCode::OK, None) => seen.whole += 1,
            (StatusCode::PARTIAL_CONTENT, Some(_)) => seen.part += 1,
            (StatusCode::NOT_FOUND, _) => {
                let was_there = seen.whole + seen.part > 0;
                assert!(!was_there, "`{path}` was there, and is gone");
                seen.nothing += 1;
                continue;
            }
            _ => panic!("`{path}` with {range:?} was answered with {status}"),
        }
        let is_right = bytes == *expected;
        assert!(is_right, "`{path}` with {range:?} has other bytes");
        if seen.whole > 2 && seen.part > 2 {
            state.has_fetched.store(true, Ordering::Relaxed);
        }
    }
    seen
}
