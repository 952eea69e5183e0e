use std::{fs, os::unix::fs::PermissionsExt};

use farcall_core::{artifact::hexadecimal, problem::ErrorCode};
use sha2::{Digest, Sha256};

use super::*;

const CHUNK: usize = 256 * 1024;

#[test]
fn what_was_written_is_read_back_whatever_its_size() {
    let store = Store::new();
    for (epoch, size) in (1..).zip([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 10 * 1024 * 1024]) {
        let bytes = pattern(size);
        let artifact = store.write(job(1), epoch, "a.gif", &bytes);
        assert_eq!(artifact.name, "a.gif");
        assert_eq!(artifact.media_type, "image/gif");
        assert_eq!(artifact.location, format!("{}/{epoch}-a.gif", job(1)));
        assert_eq!(artifact.size, size as u64);
        assert_eq!(artifact.sha256, hexadecimal(&Sha256::digest(&bytes)));
        assert!(store.read(&artifact, 0..size as u64) == bytes, "{size}");
    }
}

#[test]
fn small_pieces_make_the_same_file_as_one_large_one() {
    let store = Store::new();
    let bytes = pattern(300_001);
    let mut sink = store.artifacts.create(job(1), 1, "a", "x/y").unwrap();
    for piece in bytes.chunks(77) {
        sink.write_all(piece).unwrap();
    }
    sink.flush().unwrap();
    let artifact = sink.finish().unwrap();
    assert_eq!(artifact.sha256, hexadecimal(&Sha256::digest(&bytes)));
    assert!(store.read(&artifact, 0..u64::MAX) == bytes);
}

#[test]
fn nothing_is_visible_before_finish() {
    let store = Store::new();
    let finished = store.write(job(2), 1, "a", b"abc");
    let location = format!("{}/1-a", job(1));
    let expected = Artifact::new("a", "x/y", 3, finished.sha256.clone(), location);

    let mut sink = store.artifacts.create(job(1), 1, "a", "x/y").unwrap();
    sink.write_all(b"abc").unwrap();
    sink.flush().unwrap();
    assert!(matches!(
        store.open(&expected),
        Err(ArtifactError::NotFound { .. })
    ));
    assert_eq!(sink.finish().unwrap(), expected);
    assert_eq!(store.read(&expected, 0..3), b"abc");
}

#[test]
fn a_sink_that_is_dropped_leaves_no_file() {
    let store = Store::new();
    let mut sink = store.artifacts.create(job(1), 1, "a", "x/y").unwrap();
    sink.write_all(&pattern(1_000_000)).unwrap();
    drop(sink);
    assert_eq!(tree(&store.artifacts_path()), [job(1).to_string()]);
    store.write(job(1), 1, "a", b"again");
}

#[test]
fn one_attempt_cannot_write_a_name_twice() {
    let store = Store::new();
    let open = store.artifacts.create(job(1), 1, "a", "x/y").unwrap();
    let twice = |epoch| store.artifacts.create(job(1), epoch, "a", "x/y").err();
    assert!(matches!(twice(1), Some(ArtifactError::NameTaken { .. })));
    let first = open.finish().unwrap();

    let problem = twice(1).unwrap().into_problem();
    assert_eq!(problem.code(), ErrorCode::UserError);
    assert!(problem.public_message().contains("`a`"), "{problem}");
    assert!(twice(2).is_none(), "another attempt has a place of its own");
    assert_eq!(
        tree(&store.artifacts_path()),
        [job(1).to_string(), first.location]
    );
}

#[test]
fn a_name_that_is_a_path_is_refused() {
    let store = Store::new();
    for name in [
        "",
        ".",
        "..",
        "../a",
        "a/b",
        "/etc/passwd",
        ".a",
        "a\0",
        "a\nb",
    ] {
        let error = store
            .artifacts
            .create(job(1), 1, name, "x/y")
            .err()
            .unwrap();
        assert_eq!(
            error.into_problem().code(),
            ErrorCode::UserError,
            "{name:?}"
        );
    }
    assert!(store.artifacts.create(job(1), -1, "a", "x/y").is_err());
    assert!(tree(&store.artifacts_path()).is_empty());
}

#[test]
fn nobody_else_on_the_machine_can_read_it() {
    let store = Store::new();
    let artifact = store.write(job(1), 1, "a", b"abc");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = store.path_of(&artifact);
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);
    assert_eq!(mode(&store.artifacts_path()), 0o700);
    assert_eq!(mode(&store.data.path().join("work")), 0o700);
}

#[test]
fn a_job_folder_that_is_a_link_is_not_written_into() {
    let store = Store::new();
    let elsewhere = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let folder = store.artifacts_path().join(job(1).to_string());
    std::os::unix::fs::symlink(elsewhere.path(), folder).unwrap();
    assert!(store.artifacts.create(job(1), 1, "a", "x/y").is_err());
    assert!(tree(elsewhere.path()).is_empty());
}
