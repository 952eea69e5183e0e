use std::fs;

use super::*;

#[test]
fn a_check_leaves_nothing() {
    let store = Store::new();
    check(&store).unwrap();
    assert!(tree(&store.artifacts_path()).is_empty());
}

#[test]
fn a_check_fails_where_nothing_can_be_written() {
    let store = Store::new();
    // Permissions do not stop root, a folder that is gone does.
    fs::remove_dir(store.artifacts_path()).unwrap();
    let error = check(&store).unwrap_err();
    assert!(matches!(error, ArtifactError::Io { .. }), "{error}");
}

#[test]
fn checks_do_not_get_in_each_others_way() {
    let store = Store::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| check(&store).unwrap());
        }
        // As another process that has the folder too.
        let path = store.data.path();
        scope.spawn(move || {
            for _ in 0..100 {
                let other = Artifacts::open(path).unwrap();
                runtime().block_on(other.check()).unwrap();
            }
        });
    });
    assert!(tree(&store.artifacts_path()).is_empty());
}

fn check(store: &Store) -> Result<(), ArtifactError> {
    runtime().block_on(store.artifacts.check())
}
