//! What holds for every place: a folder, memory, and S3 as a server speaks it.

use std::io::Read;

use farcall_artifacts::Needed;
use farcall_core::artifact::hexadecimal;
use sha2::{Digest, Sha256};

use super::{rig::Rig, *};

/// One part of an upload and a byte.
pub(crate) const TWO_PARTS: usize = (8 << 20) + 1;

macro_rules! on_every_place {
    ($($test:ident)*) => {
        mod folder { $(#[test] fn $test() { super::$test(&super::Rig::folder()); })* }
        mod memory { $(#[test] fn $test() { super::$test(&super::Rig::memory()); })* }
        mod s3 { $(#[test] fn $test() { super::$test(&super::Rig::s3()); })* }
    };
}

on_every_place! {
    what_was_written_is_read_back_whatever_its_size
    any_range_gives_exactly_its_bytes
    nothing_is_visible_before_finish
    a_sink_that_is_dropped_leaves_nothing
    one_attempt_cannot_write_a_name_twice
    a_name_or_a_location_that_is_a_path_is_refused
    a_file_of_another_length_is_refused
    the_files_of_a_job_go_together
    strays_go_and_what_is_needed_stays
    what_is_young_is_no_stray_yet
    a_sweep_at_start_keeps_what_is_recorded
    work_folders_are_local_and_go_with_their_job
    a_check_passes_and_leaves_nothing
}

fn what_was_written_is_read_back_whatever_its_size(rig: &Rig) {
    for (epoch, size) in (1..).zip([0, 1, 300_000, TWO_PARTS - 1, TWO_PARTS, 20_000_000]) {
        let bytes = pattern(size);
        let artifact = rig.write(job(1), epoch, "a.gif", &bytes);
        assert_eq!(artifact.media_type, "image/gif");
        assert_eq!(artifact.location, format!("{}/{epoch}-a.gif", job(1)));
        assert_eq!(artifact.size, size as u64);
        assert_eq!(artifact.sha256, hexadecimal(&Sha256::digest(&bytes)));
        assert!(rig.read(&artifact, 0..u64::MAX).unwrap() == bytes, "{size}");

        let mut all = Vec::new();
        let mut reader = rig.artifacts.open_blocking(&artifact).unwrap();
        reader.read_to_end(&mut all).unwrap();
        assert!(all == bytes, "{size}");
    }
}

fn any_range_gives_exactly_its_bytes(rig: &Rig) {
    const SIZE: u64 = 700_001;
    let all = pattern(usize::try_from(SIZE).unwrap());
    let artifact = rig.write(job(1), 1, "a", &all);
    let at = |offset| usize::try_from(offset).unwrap();
    let config = proptest::test_runner::Config::with_cases(64);
    proptest::proptest!(config, |(start in 0..SIZE + 10, length in 0..SIZE + 10)| {
        let (from, to) = (start.min(SIZE), (start + length).min(SIZE));
        let bytes = rig.read(&artifact, start..start + length).unwrap();
        proptest::prop_assert!(bytes == all[at(from)..at(to)]);
    });
    let backwards = Range { start: 9, end: 3 };
    assert_eq!(rig.read(&artifact, backwards).unwrap(), b"");
}

fn nothing_is_visible_before_finish(rig: &Rig) {
    let bytes = pattern(TWO_PARTS);
    let finished = rig.write(job(2), 1, "a", &bytes);
    let location = format!("{}/1-a", job(1));
    let expected = Artifact::new(
        "a",
        "image/gif",
        finished.size,
        finished.sha256.clone(),
        location,
    );

    let mut sink = rig.begin(job(1), 1, "a").unwrap();
    sink.write_all(&bytes).unwrap();
    sink.flush().unwrap();
    assert!(is_gone(&rig.open(&expected)));
    assert_eq!(sink.finish().unwrap(), expected);
    assert!(rig.read(&expected, 0..u64::MAX).unwrap() == bytes);
}

fn a_sink_that_is_dropped_leaves_nothing(rig: &Rig) {
    for size in [3, TWO_PARTS] {
        let mut sink = rig.begin(job(1), 1, "a").unwrap();
        sink.write_all(&pattern(size)).unwrap();
        rig.wait_for_unfinished(usize::from(size == TWO_PARTS));
        drop(sink);
        rig.wait_for_unfinished(0);
        let swept = rig.sweep(&[]);
        assert_eq!((swept.parts, swept.unrecorded), (0, 0));
    }
    rig.write(job(1), 1, "a", b"again");
}

fn one_attempt_cannot_write_a_name_twice(rig: &Rig) {
    let open = rig.begin(job(1), 1, "a").unwrap();
    let is_taken = |epoch| {
        matches!(
            rig.begin(job(1), epoch, "a").err(),
            Some(ArtifactError::NameTaken { .. })
        )
    };
    assert!(is_taken(1));
    open.finish().unwrap();
    assert!(is_taken(1));
    assert!(!is_taken(2), "another attempt has a place of its own");
}

fn a_name_or_a_location_that_is_a_path_is_refused(rig: &Rig) {
    for name in ["", ".", "..", "../a", "a/b", "/etc/passwd", ".a", "a\0"] {
        assert!(rig.begin(job(1), 1, name).is_err(), "{name:?}");
    }
    assert!(rig.begin(job(1), -1, "a").is_err());
    let artifact = rig.write(job(1), 1, "a", b"abc");
    let id = job(1);
    for location in [
        "",
        "../secret",
        "/etc/passwd",
        &format!("{id}/../{id}/1-a"),
        &format!("./{id}/1-a"),
        &format!("{id}//1-a"),
        &format!("{id}/01-a"),
        &format!("{id}"),
    ] {
        let crooked = Artifact::new("a", "x/y", 3, artifact.sha256.clone(), location);
        let bad = |error| matches!(error, ArtifactError::BadLocation { .. });
        assert!(rig.open(&crooked).is_err_and(bad), "{location:?}");
        assert!(rig.artifacts.open_blocking(&crooked).is_err_and(bad));
    }
}

fn a_file_of_another_length_is_refused(rig: &Rig) {
    let mut artifact = rig.write(job(1), 1, "a", b"abc");
    artifact.size = 2;
    let wrong = |error| {
        matches!(
            error,
            ArtifactError::WrongSize {
                expected: 2,
                found: 3,
                ..
            }
        )
    };
    assert!(rig.open(&artifact).is_err_and(wrong));
    assert!(rig.artifacts.open_blocking(&artifact).is_err_and(wrong));
}

fn the_files_of_a_job_go_together(rig: &Rig) {
    let gone =
        [(1, "a"), (1, "b"), (2, "a")].map(|(epoch, name)| rig.write(job(1), epoch, name, b"abc"));
    let neighbour = rig.write(job(2), 1, "a", b"abc");
    rig.runtime.block_on(rig.artifacts.remove(job(1))).unwrap();
    for artifact in &gone {
        assert!(is_gone(&rig.open(artifact)), "{}", artifact.location);
    }
    assert_eq!(rig.read(&neighbour, 0..9).unwrap(), b"abc");

    rig.artifacts.remove_files(job(2)).unwrap();
    assert!(is_gone(&rig.open(&neighbour)));
    rig.artifacts.remove_files(job(2)).unwrap();
}

fn strays_go_and_what_is_needed_stays(rig: &Rig) {
    let write = |number, epoch, name| rig.write(job(number), epoch, name, b"abc");
    let published = write(1, 2, "published");
    let staged = write(2, 1, "staged");
    let running = write(2, 3, "about-to-be-recorded");
    let strays = [
        write(1, 2, "never-published"),
        write(2, 2, "of-an-earlier-claim"),
        write(3, 1, "of-a-job-that-is-gone"),
    ];
    let swept = rig.strays(
        Duration::ZERO,
        &[needed(1, true, 2, &published), needed(2, false, 3, &staged)],
    );
    assert_eq!((swept.parts, swept.unrecorded, swept.failed), (0, 3, 0));
    for stray in &strays {
        assert!(is_gone(&rig.open(stray)), "{}", stray.location);
    }
    for artifact in [&published, &staged, &running] {
        assert_eq!(rig.read(artifact, 0..9).unwrap(), b"abc");
    }
}

fn what_is_young_is_no_stray_yet(rig: &Rig) {
    let stray = rig.write(job(1), 1, "a", b"abc");
    let swept = rig.strays(Duration::from_mins(1), &[]);
    assert_eq!((swept.unrecorded, swept.failed), (0, 0));
    assert_eq!(rig.read(&stray, 0..9).unwrap(), b"abc");
    assert_eq!(rig.strays(Duration::ZERO, &[]).unrecorded, 1);
}

fn a_sweep_at_start_keeps_what_is_recorded(rig: &Rig) {
    let kept = rig.write(job(1), 1, "a", b"abc");
    let strays = [1, 2].map(|number| rig.write(job(number), 2, "a", b"abc"));
    assert_eq!(rig.sweep(&[&kept]).unrecorded, 2);
    assert_eq!(rig.read(&kept, 0..9).unwrap(), b"abc");
    for stray in &strays {
        assert!(is_gone(&rig.open(stray)));
    }
    assert_eq!(rig.sweep(&[&kept]), Swept::default());
}

fn work_folders_are_local_and_go_with_their_job(rig: &Rig) {
    let dirs = [1, 2, 3].map(|number| rig.artifacts.work_dir(job(number)).unwrap());
    let file = Artifact::new("a", "x/y", 0, "", "");
    let swept = rig.strays(
        Duration::ZERO,
        &[needed(1, false, 1, &file), needed(2, true, 1, &file)],
    );
    assert_eq!(swept.work_dirs, 2);
    assert_eq!(dirs.map(|dir| dir.exists()), [true, false, false]);
}

fn a_check_passes_and_leaves_nothing(rig: &Rig) {
    rig.runtime.block_on(rig.artifacts.check()).unwrap();
    assert_eq!(rig.sweep(&[]), Swept::default());
}

fn needed(number: u8, is_over: bool, epoch: i64, artifact: &Artifact) -> Needed {
    Needed {
        job: job(number),
        is_over,
        epoch,
        locations: vec![artifact.location.clone()],
    }
}

fn is_gone<T>(outcome: &Result<T, ArtifactError>) -> bool {
    matches!(outcome, Err(ArtifactError::NotFound { .. }))
}
