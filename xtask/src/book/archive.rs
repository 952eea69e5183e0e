//! Files of an example in one archive, the same bytes each time.
//!
//! A ZIP archive (APPNOTE.TXT 6.3) without compression: these are a few small files, and every system opens it.

use std::collections::BTreeMap;

/// A file of an archive.
pub(crate) struct Member {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_executable: bool,
}

/// 1980-01-01, the first day that the format knows; what is archived has no time of its own.
const DAY: u16 = (1 << 5) | 1;

/// Version 2.0: folders in names.
const VERSION: u16 = 20;

/// Names are UTF-8.
const UTF8: u16 = 1 << 11;

/// Writes the files by their paths.
///
/// # Panics
/// Above 4 GiB or 65,535 files, which the format cannot say without extensions.
pub(crate) fn zip(members: &BTreeMap<String, Member>) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (path, member) in members {
        let start = short(archive.len());
        let about = about(path, &member.bytes);
        archive.extend(0x0403_4b50_u32.to_le_bytes());
        archive.extend(&about);
        archive.extend(path.as_bytes());
        archive.extend(&member.bytes);

        directory.extend(0x0201_4b50_u32.to_le_bytes());
        // Made on Unix, so that the mode below counts.
        directory.extend((VERSION | 3 << 8).to_le_bytes());
        directory.extend(&about);
        // No comment, first disk, no attributes of DOS.
        directory.extend([0; 6]);
        let mode: u32 = if member.is_executable {
            0o100_755
        } else {
            0o100_644
        };
        directory.extend((mode << 16).to_le_bytes());
        directory.extend(start.to_le_bytes());
        directory.extend(path.as_bytes());
    }
    let start = short(archive.len());
    let count = u16::try_from(members.len()).expect("an example has few files");
    archive.extend(&directory);
    archive.extend(0x0605_4b50_u32.to_le_bytes());
    archive.extend([0; 4]);
    archive.extend(count.to_le_bytes());
    archive.extend(count.to_le_bytes());
    archive.extend(short(directory.len()).to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0; 2]);
    archive
}

/// What stands of a file before its bytes, and in the directory once more.
fn about(path: &str, bytes: &[u8]) -> Vec<u8> {
    let mut about = Vec::new();
    let size = short(bytes.len()).to_le_bytes();
    let name = u16::try_from(path.len()).expect("a path is short");
    about.extend(VERSION.to_le_bytes());
    about.extend(UTF8.to_le_bytes());
    // Stored as it is, at midnight.
    about.extend([0; 4]);
    about.extend(DAY.to_le_bytes());
    about.extend(checksum(bytes).to_le_bytes());
    about.extend(size);
    about.extend(size);
    about.extend(name.to_le_bytes());
    about.extend([0; 2]);
    about
}

fn short(length: usize) -> u32 {
    u32::try_from(length).expect("an example is small")
}

/// CRC-32, as ISO 3309 has it.
fn checksum(bytes: &[u8]) -> u32 {
    let mut rest = u32::MAX;
    for byte in bytes {
        rest ^= u32::from(*byte);
        for _ in 0..8 {
            rest = (rest >> 1) ^ (0xedb8_8320 & (rest & 1).wrapping_neg());
        }
    }
    !rest
}

#[test]
fn the_checksum_is_the_one_of_the_standard() {
    assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
}

#[test]
fn an_archive_leads_to_its_files() {
    let member = |text: &str, is_executable| Member {
        bytes: text.as_bytes().to_vec(),
        is_executable,
    };
    let members = BTreeMap::from([
        ("a/b.txt".to_owned(), member("one", false)),
        ("a/c.sh".to_owned(), member("three", true)),
    ]);
    let archive = zip(&members);
    let number = |at: usize| {
        let bytes = archive[at..at + 4].try_into().unwrap();
        usize::try_from(u32::from_le_bytes(bytes)).unwrap()
    };
    let end = archive.len() - 22;
    let (length, mut at) = (number(end + 12), number(end + 16));
    assert_eq!(at + length, end);
    for (path, member) in &members {
        assert_eq!(&archive[at..at + 4], b"PK\x01\x02");
        let start = number(at + 42);
        let name = start + 30..start + 30 + path.len();
        assert_eq!(&archive[name.clone()], path.as_bytes());
        assert_eq!(
            &archive[name.end..name.end + member.bytes.len()],
            member.bytes
        );
        at += 46 + path.len();
    }
    assert_eq!(at, end);
}
