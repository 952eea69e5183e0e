//! A store that says that it has kept what it was sent, and has not.

use std::sync::atomic::AtomicU64;

use farcall_core::id::JobId;
use tokio::runtime::Runtime;

use super::{
    super::moody::{Answer, Moody},
    *,
};

#[test]
fn a_file_is_only_there_once_the_store_has_shown_it_as_long_as_it_was_sent() {
    for size in [3, PART + 1] {
        assert!(write(size, Answer::Whole).is_ok(), "{size}");
        for lie in [Answer::Gone, Answer::Longer] {
            assert!(write(size, lie).is_err(), "{size} {lie:?}");
        }
    }
}

#[test]
fn an_upload_of_whose_end_nothing_was_heard_is_there_if_all_of_it_is_found() {
    let elsewhere = Path::from("elsewhere");
    let runtime = Runtime::new().unwrap();
    let write = |found: &[Answer]| {
        let store = runtime.block_on(Moody::losing_ends(&elsewhere, found));
        write_to(store, &runtime, PART + 1)
    };
    assert!(write(&[Answer::Whole, Answer::Whole]).is_ok());
    for lie in [Answer::Gone, Answer::Longer] {
        assert!(write(&[lie]).is_err(), "{lie:?}");
    }
}

/// Writes `size` bytes to a store that answers so when it is asked for them.
fn write(size: usize, found: Answer) -> Result<Artifact, Problem> {
    let runtime = Runtime::new().unwrap();
    let elsewhere = Path::from("elsewhere");
    let store = runtime.block_on(Moody::holding(&elsewhere, Vec::new(), &[found]));
    write_to(store, &runtime, size)
}

fn write_to(store: Arc<Moody>, runtime: &Runtime, size: usize) -> Result<Artifact, Problem> {
    let location = Location::new(JobId::from_random([1; 16]), 1, "a").unwrap();
    let objects = Objects {
        store,
        signer: None,
        prefix: Path::default(),
        name: "moody:".into(),
        runtime: runtime.handle().clone(),
        begun: Arc::default(),
        instance: 0,
        checks: Arc::new(AtomicU64::new(0)),
    };
    let mut sink = objects.create(location, "x/y").unwrap();
    sink.write_all(&vec![7; size]).unwrap();
    sink.finish()
}
