//! The room on the disk, and what is kept of it for the day on which there is none left.
//!
//! The ballast is a file of no meaning beside the database. What must be written on a full disk, the
//! end of a job first of all, gets as much of it as it needs; it is put back when there is room again.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// The name of the ballast.
const FILE: &str = "ballast";

/// How large it is, in bytes.
///
/// Measured with the schema of version 2, as growth of the log: an ending that has a commit of its
/// own takes 16 to 28 KiB and a hundred of them 1.8 MiB; a beat 4 KiB; the deletion of a hundred
/// ordinary jobs 0.4 MiB, that of one job with as much log, arguments and checkpoint as there may be
/// 1.4 MiB. After 4 MiB SQLite moves the log into the database file and begins it anew.
const SIZE: u64 = 4 << 20;

/// On a small file system it is this part of all.
const SHARE: u64 = 8;

/// How much is given up at once. Whoever has filled the disk may be faster than we are, and should
/// not get all of it.
const PIECE: u64 = 256 << 10;

/// The room on the disk of one folder; its clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Room {
    folder: PathBuf,
    ballast: PathBuf,
    is_ours: bool,
    min_free: Arc<AtomicU64>,
}

impl Room {
    /// That of the folder that this process has.
    pub(super) fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            ballast: folder.join(FILE),
            is_ours: true,
            min_free: Arc::default(),
        }
    }

    /// That of a folder that another process has, and looks after.
    pub(super) fn beside(folder: &Path) -> Self {
        Self {
            is_ours: false,
            ..Self::of(folder)
        }
    }

    /// Whether this process has the folder.
    pub(super) fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// From now on, less than so many bytes are too few.
    pub(super) fn keep_free(&self, bytes: u64) {
        self.min_free.store(bytes, Ordering::Relaxed);
    }

    /// Whether there is too little; not where that cannot be told.
    pub(super) fn is_short(&self) -> bool {
        let min_free = self.min_free.load(Ordering::Relaxed);
        self.free().is_ok_and(|free| free < min_free)
    }

    /// How many bytes this user can still write.
    fn free(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.folder)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Gives a piece of the ballast up; `false` where there is none left.
    pub(super) fn give_up_a_piece(&self) -> bool {
        #[cfg(debug_assertions)]
        if farcall_core::planted!("no-ballast") {
            return false;
        }
        // One that cannot be given up is none.
        self.shrink().unwrap_or(false)
    }

    fn shrink(&self) -> io::Result<bool> {
        let file = OpenOptions::new().write(true).open(&self.ballast)?;
        let size = file.metadata()?.len();
        if size == 0 {
            return Ok(false);
        }
        file.set_len(size.saturating_sub(PIECE))?;
        // A journaling file system hands freed blocks out again once it has written down that
        // they are free.
        file.sync_all()?;
        Ok(true)
    }

    /// Makes the ballast whole where something of it is missing, and as much again stays free.
    ///
    /// # Errors
    /// What the system says; what could be written is ballast too.
    pub(super) fn put_back(&self) -> io::Result<()> {
        let disk = rustix::fs::statvfs(&self.folder)?;
        let size = SIZE.min(disk.f_blocks.saturating_mul(disk.f_frsize) / SHARE);
        let there = match self.ballast.metadata() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            found => found.map_or(0, |found| found.len()),
        };
        let missing = size.saturating_sub(there);
        if missing == 0 || self.free()? < missing + size {
            return Ok(());
        }
        let mut options = OpenOptions::new();
        let mut file = options
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.ballast)?;
        fill(&mut file, missing)?;
        file.sync_all()
    }
}

/// Writes `missing` bytes that take room everywhere: to reserve it without writing is not possible
/// on every file system, and some store what is regular in no room at all.
fn fill(file: &mut File, mut missing: u64) -> io::Result<()> {
    let mut number = 0x2545_f491_4f6c_dd1d_u64;
    let mut block = vec![0; 64 << 10];
    while missing > 0 {
        for bytes in block.chunks_exact_mut(8) {
            number ^= number << 13;
            number ^= number >> 7;
            number ^= number << 17;
            bytes.copy_from_slice(&number.to_ne_bytes());
        }
        let length = usize::try_from(missing).unwrap_or(usize::MAX);
        let length = length.min(block.len());
        file.write_all(&block[..length])?;
        missing -= length as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    fn room() -> (tempfile::TempDir, Room) {
        let folder = tempfile::tempdir().unwrap();
        let room = Room::of(folder.path());
        (folder, room)
    }

    #[test]
    fn it_takes_real_room_and_is_nobody_elses() {
        let (_folder, room) = room();
        room.put_back().unwrap();
        let file = room.ballast.metadata().unwrap();
        assert_eq!(file.len(), SIZE);
        assert!(file.blocks() * 512 >= SIZE, "{} blocks", file.blocks());
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn it_is_given_up_piece_by_piece_and_made_whole_again() {
        let (_folder, room) = room();
        assert!(!room.give_up_a_piece(), "there is none yet");
        room.put_back().unwrap();
        assert!(room.give_up_a_piece());
        assert_eq!(room.ballast.metadata().unwrap().len(), SIZE - PIECE);
        room.put_back().unwrap();
        assert_eq!(room.ballast.metadata().unwrap().len(), SIZE);
        for _ in 0..SIZE / PIECE {
            assert!(room.give_up_a_piece());
        }
        assert!(!room.give_up_a_piece());
        assert_eq!(room.ballast.metadata().unwrap().len(), 0);
    }
}
