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
