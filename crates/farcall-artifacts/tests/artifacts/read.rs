use std::{fs, os::unix::fs::symlink};

use super::*;

fn is_bad_location(outcome: &Result<ArtifactFile, ArtifactError>) -> bool {
    matches!(outcome, Err(ArtifactError::BadLocation { .. }))
}

#[test]
fn a_location_that_we_would_not_write_is_refused() {
    let store = Store::new();
    let artifact = store.write(job(1), 1, "a", b"abc");
    let secret = store.data.path().join("secret");
    put(&secret, b"abc");
    let absolute = secret.display().to_string();
    let (id, other) = (job(1), job(2));
    for location in [
        "",
        "../secret",
        &absolute,
        &format!("{id}/../../secret"),
        &format!("{id}/../{id}/1-a"),
        &format!("{other}/../{id}/1-a"),
        &format!("./{id}/1-a"),
        &format!("{id}//1-a"),
        &format!("{id}/1-a/"),
        &format!("{id}/01-a"),
        &format!("{id}/.1-a.part"),
        &format!("{id}/1-a\0"),
        &format!("{id}"),
    ] {
        let crooked = Artifact::new("a", "x/y", 3, artifact.sha256.clone(), location);
        assert!(is_bad_location(&store.open(&crooked)), "{location:?}");
    }
    assert!(store.open(&artifact).is_ok());
}

#[test]
fn a_link_in_place_of_the_file_is_refused() {
    let store = Store::new();
    let sibling = store.write(job(1), 1, "b", b"abc");
    let artifact = store.write(job(1), 1, "a", b"abc");
    let path = store.path_of(&artifact);
    let secret = store.data.path().join("secret");
    put(&secret, b"abc");
    for target in [secret, store.path_of(&sibling), "1-b".into()] {
        fs::remove_file(&path).unwrap();
        symlink(&target, &path).unwrap();
        assert!(is_bad_location(&store.open(&artifact)), "{target:?}");
    }
}

#[test]
fn a_link_in_place_of_the_folder_is_refused() {
    let store = Store::new();
    let artifact = store.write(job(1), 1, "a", b"abc");
    let folder = store.path_of(&artifact).parent().unwrap().to_owned();
    let moved = store.data.path().join("moved");
    fs::rename(&folder, &moved).unwrap();
    symlink(&moved, &folder).unwrap();
    assert!(is_bad_location(&store.open(&artifact)));
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let store = Store::new();
    let artifact = store.write(job(1), 1, "a", b"");
    let path = store.path_of(&artifact);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(is_bad_location(&store.open(&artifact)));
    fs::remove_dir(&path).unwrap();
    // Opening a pipe that nobody writes to would wait for ever.
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    assert!(is_bad_location(&store.open(&artifact)));
}

#[test]
fn a_file_that_is_gone_is_told_apart() {
    let store = Store::new();
    let artifact = store.write(job(1), 1, "a", b"abc");
    fs::remove_file(store.path_of(&artifact)).unwrap();
    let gone = |outcome| matches!(outcome, Err(ArtifactError::NotFound { .. }));
    assert!(gone(store.open(&artifact)));
    fs::remove_dir(store.path_of(&artifact).parent().unwrap()).unwrap();
    assert!(gone(store.open(&artifact)));
}

#[test]
fn a_file_of_another_length_is_refused() {
    let store = Store::new();
    let artifact = store.write(job(1), 1, "a", b"abc");
    put(&store.path_of(&artifact), b"ab");
    assert!(matches!(
        store.open(&artifact),
        Err(ArtifactError::WrongSize {
            expected: 3,
            found: 2,
            ..
        })
    ));
}

#[test]
fn an_open_file_outlives_its_name() {
    let store = Store::new();
    let artifact = store.write(job(1), 1, "a", b"abc");
    let file = store.open(&artifact).unwrap();
    fs::remove_file(store.path_of(&artifact)).unwrap();
    let bytes = runtime().block_on(file.body(0..file.size()).collect());
    assert_eq!(bytes.unwrap().to_bytes(), "abc");
}

#[test]
fn a_store_on_another_disk_is_reached_through_a_link() {
    let elsewhere = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let data = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    symlink(elsewhere.path(), data.path().join("artifacts")).unwrap();
    let artifacts = Artifacts::open(data.path()).unwrap();
    let store = Store { data, artifacts };
    let artifact = store.write(job(1), 1, "a", b"abc");
    assert_eq!(store.read(&artifact, 0..3), b"abc");
    assert!(elsewhere.path().join(&artifact.location).exists());
}
