//! The process dies at each step of a write to a bucket; crash points need debug assertions.
#![cfg(debug_assertions)]

use std::{env, os::unix::process::ExitStatusExt, process::Command};

use farcall_artifacts::OBJECT_CRASH_POINTS;

use super::{places::TWO_PARTS, rig::Rig, *};

const DATA: &str = "FARCALL_TEST_DATA";

#[test]
fn a_killed_upload_leaves_the_whole_object_or_none() {
    let bytes = pattern(TWO_PARTS);
    let whole = Rig::memory().write(job(1), 1, "a", &bytes);
    for point in OBJECT_CRASH_POINTS {
        let rig = Rig::s3();
        let s3 = rig.s3.as_ref().unwrap();
        let ended = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "killed_upload::the_process_that_is_killed",
                "--ignored",
            ])
            .env("FARCALL_CRASH_AT", point)
            .env(DATA, rig.data.path())
            .envs(s3.options.clone())
            .output()
            .unwrap();
        assert_eq!(ended.status.signal(), Some(9), "`{point}` was not passed");

        let completed = *point == "artifacts.objects.completed";
        if completed {
            assert!(rig.read(&whole, 0..u64::MAX).unwrap() == bytes, "{point}");
        } else {
            let gone = matches!(rig.open(&whole), Err(ArtifactError::NotFound { .. }));
            assert!(gone, "{point}");
        }
        // What only the store's lifecycle rule removes; the first part may still be on its way.
        assert_eq!(s3.unfinished(), usize::from(!completed), "{point}");
        // No row was committed, so the object is a stray.
        assert_eq!(rig.sweep(&[]).unrecorded, u64::from(completed), "{point}");
        assert_eq!(rig.write(job(1), 1, "a", &bytes), whole);
    }
}

#[test]
#[ignore = "the test above starts it as a process of its own"]
fn the_process_that_is_killed() {
    let rig = Rig::memory();
    let _entered = rig.runtime.enter();
    let data = env::var_os(DATA).unwrap();
    let url = "s3://bucket/some/prefix".parse().unwrap();
    let artifacts = Artifacts::open_url(Path::new(&data), &url, env::vars()).unwrap();
    let mut sink = artifacts.create(job(1), 1, "a", "image/gif").unwrap();
    sink.write_all(&pattern(TWO_PARTS)).unwrap();
    sink.finish().unwrap();
}
