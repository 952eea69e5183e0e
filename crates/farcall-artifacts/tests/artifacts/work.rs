use std::{fs, os::unix::fs::symlink};

use super::*;

#[test]
fn a_work_folder_is_there_again_with_what_was_left_in_it() {
    let store = Store::new();
    let path = store.artifacts.work_dir(job(1)).unwrap();
    assert!(path.is_absolute());
    put(&path.join("half"), b"abc");
    let reopened = Artifacts::open(store.data.path()).unwrap();
    assert_eq!(reopened.work_dir(job(1)).unwrap(), path);
    assert_eq!(fs::read(path.join("half")).unwrap(), b"abc");
}

#[test]
fn whether_something_was_left_is_seen_and_so_is_where() {
    let (here, elsewhere) = (Store::new(), Store::new());
    assert!(!here.artifacts.has_work(job(1)).unwrap());
    let path = here.artifacts.work_dir(job(1)).unwrap();
    assert!(!here.artifacts.has_work(job(1)).unwrap());
    put(&path.join("half"), b"abc");
    assert!(here.artifacts.has_work(job(1)).unwrap());

    let place = here.artifacts.work_place();
    assert_eq!(place.len(), 32);
    let again = Artifacts::open(here.data.path()).unwrap();
    assert_eq!(again.work_place(), place);
    assert_ne!(elsewhere.artifacts.work_place(), place);
}

#[test]
fn processes_that_open_a_folder_at_once_agree_where_they_are() {
    let data = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let opened = std::thread::scope(|scope| {
        let open = || {
            let artifacts = Artifacts::open(data.path()).unwrap();
            artifacts.work_place().to_owned()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        let places = threads.into_iter().map(|thread| thread.join().unwrap());
        places.collect::<std::collections::BTreeSet<_>>()
    });
    assert_eq!(opened.len(), 1, "{opened:?}");
}

#[test]
fn a_work_folder_goes_with_all_that_is_in_it() {
    let store = Store::new();
    let path = store.artifacts.work_dir(job(1)).unwrap();
    fs::create_dir_all(path.join("a/b")).unwrap();
    put(&path.join("a/b/c"), b"abc");
    store.artifacts.remove_work_dir(job(1)).unwrap();
    assert!(!path.exists());
    store.artifacts.remove_work_dir(job(1)).unwrap();
}

#[test]
fn links_of_a_work_folder_are_not_followed() {
    let store = Store::new();
    let elsewhere = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    put(&elsewhere.path().join("precious"), b"abc");
    let path = store.artifacts.work_dir(job(1)).unwrap();
    symlink(elsewhere.path(), path.join("link")).unwrap();
    store.artifacts.remove_work_dir(job(1)).unwrap();
    assert!(!path.exists());

    symlink(elsewhere.path(), &path).unwrap();
    assert!(store.artifacts.work_dir(job(1)).is_err());
    // Whether the link itself goes does not matter, what it points to must stay.
    let _ = store.artifacts.remove_work_dir(job(1));
    assert_eq!(tree(elsewhere.path()), ["precious"]);
}
