//! Buffers that were cleared once and are used again.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The length of a full chunk in bytes.
///
/// Measured through hyper on a loopback connection: 64 KiB gives 2.7 GiB/s, 128 KiB 3.0,
/// 256 KiB 3.4 and 512 KiB 3.4. hyper holds two of them for a client that stopped reading.
pub(super) const CHUNK: usize = 256 * 1024;

/// How many full chunks are kept for the next download: 8 MiB.
const SPARE: usize = 32;

/// Spare chunks, shared by all downloads; cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Buffers(Arc<Mutex<Vec<Box<[u8]>>>>);

impl Buffers {
    /// A chunk that takes `length` bytes, at most [`CHUNK`].
    pub(super) fn take(&self, length: usize) -> Chunk {
        let length = length.min(CHUNK);
        let spare = if length == CHUNK {
            self.lock().pop()
        } else {
            None
        };
        Chunk {
            bytes: spare.unwrap_or_else(|| vec![0; length].into_boxed_slice()),
            filled: 0,
            home: self.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Box<[u8]>>> {
        // A list of buffers is whole whatever happened to who held it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Buffers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Buffers").finish_non_exhaustive()
    }
}

/// A buffer on its way: filled from the file, sent, and given back when dropped.
pub(super) struct Chunk {
    bytes: Box<[u8]>,
    filled: usize,
    home: Buffers,
}

impl Chunk {
    /// The room to read into.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Says that the first `filled` bytes hold data.
    pub(super) fn set_filled(&mut self, filled: usize) {
        self.filled = filled;
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Chunk of {} bytes", self.filled)
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if self.bytes.len() == CHUNK {
            let mut spare = self.home.lock();
            if spare.len() < SPARE {
                spare.push(std::mem::take(&mut self.bytes));
            }
        }
    }
}
