use std::{fs, os::unix::fs::symlink};

use super::*;

#[test]
fn a_sweep_removes_what_a_crash_left_and_keeps_what_is_recorded() {
    let store = Store::new();
    let kept = store.write(job(1), 1, "a", b"abc");
    let unrecorded = store.write(job(1), 2, "a", b"abc");
    let alone = store.write(job(2), 1, "a", b"abc");
    let part = format!("{}/.3-a.part", job(1));
    put(&store.artifacts_path().join(&part), b"ab");
    let looks_like_a_part = store.write(job(1), 1, "b.part", b"abc");
    put(&store.artifacts_path().join(".check-7"), b"");
    let working = store.artifacts.work_dir(job(3)).unwrap();
    let over = store.artifacts.work_dir(job(4)).unwrap();
    for folder in [&working, &over] {
        fs::create_dir(folder.join("frames")).unwrap();
        put(&folder.join("frames/1"), b"abc");
    }

    let keep = HashSet::from([kept.location.clone(), looks_like_a_part.location.clone()]);
    let unfinished = HashSet::from([job(3)]);
    let swept = store.sweep(&keep, &unfinished);
    assert_eq!(swept.parts, 2);
    assert_eq!(swept.unrecorded, 2);
    assert_eq!(swept.folders, 1);
    assert_eq!(swept.work_dirs, 1);
    assert_eq!(swept.failed, 0);

    assert_eq!(store.read(&kept, 0..3), b"abc");
    assert_eq!(store.read(&looks_like_a_part, 0..3), b"abc");
    assert!(!store.path_of(&unrecorded).exists());
    assert!(!store.path_of(&alone).parent().unwrap().exists());
    assert!(!store.artifacts_path().join(part).exists());
    assert!(working.join("frames/1").exists());
    assert!(!over.exists());

    let again = store.sweep(&keep, &unfinished);
    assert_eq!(again, Swept::default());
}

#[test]
fn a_sweep_leaves_alone_what_it_would_not_write() {
    let store = Store::new();
    let elsewhere = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    put(&elsewhere.path().join("1-a"), b"abc");
    let kept = store.write(job(1), 1, "a", b"abc");
    let root = store.artifacts_path();
    let folder = root.join(job(1).to_string());
    put(&root.join("README"), b"");
    put(&root.join(".check-"), b"");
    put(&root.join(job(8).to_string()), b"a file, not a folder");
    fs::create_dir(root.join("lost+found")).unwrap();
    put(&folder.join("notes"), b"");
    put(&folder.join("01-a"), b"");
    put(&folder.join(".part"), b"");
    fs::create_dir(folder.join("2-folder")).unwrap();
    symlink(elsewhere.path().join("1-a"), folder.join("3-link")).unwrap();
    symlink(elsewhere.path(), root.join(job(9).to_string())).unwrap();
    let work = store.data.path().join("work");
    put(&work.join("README"), b"");
    symlink(elsewhere.path(), work.join(job(9).to_string())).unwrap();
    let before = (tree(&root), tree(&work));

    let keep = HashSet::from([kept.location]);
    let swept = store.sweep(&keep, &HashSet::new());
    assert_eq!(swept, Swept::default());
    assert_eq!((tree(&root), tree(&work)), before);
    assert_eq!(tree(elsewhere.path()), ["1-a"]);
}
