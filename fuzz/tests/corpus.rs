//! Every sample that is kept, and changed copies of it, with the compiler that everybody has.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::{fs, path::PathBuf};

use farcall_fuzz::{TARGETS, Target};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};

fn samples(target: &Target) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let folder = folder.join(target.name);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut samples: Vec<_> = entries
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .collect();
    samples.sort();
    assert!(!samples.is_empty(), "{} is empty", folder.display());
    samples
}

/// Some bytes of a sample are others, or there twice, or gone.
fn changed(samples: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<Index>(), any::<Option<u8>>(), any::<bool>());
    (select(samples), vec(change, 0..6)).prop_map(|(mut sample, changes)| {
        for (at, byte, inserts) in changes {
            let at = at.index(sample.len() + 1);
            match byte {
                Some(byte) if inserts || at == sample.len() => sample.insert(at, byte),
                Some(byte) => sample[at] = byte,
                None => {
                    let copied = sample[at..].to_vec();
                    sample.extend(copied);
                    sample.truncate(1 << 12);
                }
            }
        }
        sample
    })
}

#[test]
fn what_must_hold_holds_for_every_sample_and_its_changed_copies() {
    for target in TARGETS {
        let samples = samples(target);
        for sample in &samples {
            (target.run)(sample);
        }
        let mut runner = TestRunner::new(Config {
            cases: 2_000,
            ..Config::default()
        });
        let judged = runner.run(&changed(samples), |sample| {
            (target.run)(&sample);
            Ok(())
        });
        judged.unwrap_or_else(|found| panic!("{}: {found}", target.name));
    }
}
