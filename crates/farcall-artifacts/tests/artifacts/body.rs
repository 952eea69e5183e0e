use std::{
    fs, io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use farcall_artifacts::ArtifactBody;
use http_body::Body;
use proptest::prelude::*;

use super::*;

/// Two full chunks and some.
const SIZE: u64 = 700_001;

#[test]
fn any_range_gives_exactly_its_bytes() {
    let (store, artifact) = some_file();
    let all = store.read(&artifact, 0..SIZE);
    let at = |offset| usize::try_from(offset).unwrap();
    proptest!(|(start in 0..SIZE + 10, length in 0..SIZE + 10)| {
        let (from, to) = (start.min(SIZE), (start + length).min(SIZE));
        let body = store.open(&artifact).unwrap().body(start..start + length);
        prop_assert_eq!(body.size_hint().exact(), Some(to - from));
        prop_assert_eq!(body.is_end_stream(), from == to);
        let bytes = runtime().block_on(body.collect()).unwrap().to_bytes();
        prop_assert!(bytes == all[at(from)..at(to)]);
    });
}

#[test]
fn a_range_that_runs_backwards_is_empty() {
    let (store, artifact) = some_file();
    let range = Range { start: 9, end: 3 };
    assert!(store.open(&artifact).unwrap().body(range).is_end_stream());
}

#[test]
fn the_length_left_is_exact_after_every_frame() {
    let (store, artifact) = some_file();
    let mut body = store.open(&artifact).unwrap().body(1..SIZE);
    let mut left = SIZE - 1;
    while let Some(frame) = next(&mut body) {
        left -= frame.unwrap().len() as u64;
        assert_eq!(body.size_hint().exact(), Some(left));
    }
    assert_eq!(left, 0);
}

#[test]
fn frames_that_are_kept_do_not_change_when_buffers_are_used_again() {
    let (store, artifact) = some_file();
    let drained = store.read(&artifact, 0..SIZE);
    let mut body = store.open(&artifact).unwrap().body(0..SIZE);
    let mut frames = Vec::new();
    while let Some(frame) = next(&mut body) {
        frames.push(frame.unwrap());
        drop(store.read(&artifact, 0..SIZE));
    }
    assert!(frames.concat() == drained);
}

#[test]
fn a_file_that_is_cut_under_us_is_an_error_and_no_hang() {
    let store = Store::new();
    let artifact = store.write(job(1), 1, "a", &pattern(1_000_000));
    let mut body = store.open(&artifact).unwrap().body(0..artifact.size);
    let first = next(&mut body).unwrap().unwrap().len() as u64;
    assert!(first < artifact.size);
    let file = fs::File::options()
        .write(true)
        .open(store.path_of(&artifact));
    file.unwrap().set_len(first + 10).unwrap();

    let outcome = loop {
        match next(&mut body).expect("an error before the end") {
            Ok(rest) => assert_eq!(rest.len(), 10),
            Err(error) => break error,
        }
    };
    assert_eq!(outcome.kind(), io::ErrorKind::UnexpectedEof);
    assert!(next(&mut body).is_none());
}

#[cfg(target_os = "linux")]
#[test]
fn a_warm_file_never_leaves_the_async_thread() {
    let store = Store::new();
    let artifact = store.write(job(1), 1, "a", &pattern(3_000_000));
    let body = store.open(&artifact).unwrap().body(0..artifact.size);
    let (bytes, threads) = drain_and_count_threads(body);
    assert!(bytes == pattern(3_000_000));
    assert_eq!(threads, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_cold_file_is_read_on_a_blocking_thread() {
    let store = Store::new();
    let artifact = store.write(job(1), 1, "a", &pattern(3_000_000));
    let body = store.open(&artifact).unwrap().body(0..artifact.size);
    let file = fs::File::open(store.path_of(&artifact)).unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    let (bytes, threads) = drain_and_count_threads(body);
    assert!(bytes == pattern(3_000_000));
    assert!(threads > 0);
}

fn some_file() -> (Store, Artifact) {
    let store = Store::new();
    let bytes = pattern(usize::try_from(SIZE).unwrap());
    let artifact = store.write(job(1), 1, "a", &bytes);
    (store, artifact)
}

fn next(body: &mut ArtifactBody) -> Option<io::Result<bytes::Bytes>> {
    let frame = runtime().block_on(body.frame())?;
    Some(frame.map(|frame| frame.into_data().expect("only data")))
}

/// Drains `body` on a runtime of its own, and counts the threads that needed.
fn drain_and_count_threads(body: ArtifactBody) -> (Vec<u8>, usize) {
    let threads = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&threads);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .on_thread_start(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    let bytes = runtime.block_on(body.collect()).unwrap().to_bytes().into();
    drop(runtime);
    (bytes, threads.load(Ordering::SeqCst))
}
