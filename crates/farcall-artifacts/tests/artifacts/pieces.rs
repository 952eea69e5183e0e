use std::{fs, future::poll_fn, os::unix::fs::FileExt};

use farcall_artifacts::{PIECE, Pieces};
use proptest::prelude::*;

use super::*;

/// Two full pieces and some.
const SIZE: u64 = 700_001;

fn at(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

/// What the pieces hold, read one after the other, and how many they are.
fn gathered(mut pieces: Pieces) -> (Vec<u8>, usize) {
    runtime().block_on(async {
        let (mut bytes, mut count) = (Vec::new(), 0);
        while let Some(piece) = poll_fn(|context| pieces.poll_next(context)).await {
            let piece = piece.unwrap();
            assert!((1..=PIECE).contains(&piece.length));
            let mut part = vec![0; piece.length];
            piece.file.read_exact_at(&mut part, piece.offset).unwrap();
            bytes.extend(part);
            count += 1;
        }
        assert_eq!(pieces.remaining(), 0);
        (bytes, count)
    })
}

#[test]
fn the_pieces_of_any_range_are_exactly_its_bytes() {
    let store = Store::new();
    let all = pattern(at(SIZE));
    let artifact = store.write(job(1), 1, "a", &all);
    proptest!(|(start in 0..SIZE + 10, length in 0..SIZE + 10)| {
        let (from, to) = (start.min(SIZE), (start + length).min(SIZE));
        let pieces = store.open(&artifact).unwrap().pieces(start..start + length).unwrap();
        prop_assert_eq!(pieces.remaining(), to - from);
        let (bytes, count) = gathered(pieces);
        prop_assert!(bytes == all[at(from)..at(to)]);
        prop_assert_eq!(count, bytes.len().div_ceil(PIECE));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn the_pieces_of_a_cold_file_are_in_memory_when_they_are_handed_out() {
    use rustix::io::{ReadWriteFlags, preadv2};

    let store = Store::new();
    let artifact = store.write(job(1), 1, "a", &pattern(3_000_000));
    let file = fs::File::open(store.path_of(&artifact)).unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    let mut pieces = store
        .open(&artifact)
        .unwrap()
        .pieces(0..artifact.size)
        .unwrap();
    runtime().block_on(async {
        while let Some(piece) = poll_fn(|context| pieces.poll_next(context)).await {
            let piece = piece.unwrap();
            let mut room = vec![0; piece.length];
            let room = &mut [std::io::IoSliceMut::new(&mut room)];
            let read = preadv2(&piece.file, room, piece.offset, ReadWriteFlags::NOWAIT);
            assert_eq!(read, Ok(piece.length));
        }
    });
}
