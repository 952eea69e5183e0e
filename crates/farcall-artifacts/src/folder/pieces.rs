//! A range of a file, piece by piece, for whoever lets the kernel send it.
//!
//! A piece is handed out when the kernel has it in memory, so that sending it waits for no disk. What
//! is not there is read once on a blocking thread.

use std::{
    fs::File,
    io,
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use rustix::io::Errno;
use tokio::task::JoinHandle;

use super::buffer::{Buffers, CHUNK};

/// The most bytes of a [`Piece`].
pub const PIECE: usize = CHUNK;

/// A part of a file that the kernel has in memory.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The file.
    pub file: Arc<File>,
    /// Where in it the part begins.
    pub offset: u64,
    /// How many bytes it has, at most [`PIECE`].
    pub length: usize,
}

/// A range of a file, in pieces; needs a tokio runtime.
#[derive(Debug)]
pub struct Pieces {
    file: Arc<File>,
    /// What is still to be handed out.
    rest: Range<u64>,
    buffers: Buffers,
    /// A read that waits for the disk on a blocking thread.
    waiting: Option<JoinHandle<Result<(), Errno>>>,
}

impl Pieces {
    pub(super) fn new(file: Arc<File>, range: Range<u64>, buffers: Buffers) -> Self {
        Self {
            file,
            rest: range,
            buffers,
            waiting: None,
        }
    }

    /// What is still to be handed out, in bytes.
    pub fn remaining(&self) -> u64 {
        self.rest.end - self.rest.start
    }

    /// The next piece; `None` after the last one.
    ///
    /// # Errors
    /// What the system says about a piece that has to be read.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Piece>>> {
        let length = usize::try_from(self.remaining()).map_or(PIECE, |rest| rest.min(PIECE));
        if length == 0 {
            return Poll::Ready(None);
        }
        let offset = self.rest.start;
        if self.waiting.is_none() && !is_in_memory(&self.file, offset, length) {
            let (file, mut chunk) = (Arc::clone(&self.file), self.buffers.take(length));
            // What it reads is not used: from now on the kernel has it.
            self.waiting = Some(tokio::task::spawn_blocking(move || {
                rustix::io::retry_on_intr(|| rustix::io::pread(&file, chunk.room(), offset))
                    .map(drop)
            }));
        }
        if let Some(waiting) = &mut self.waiting {
            let read = ready!(Pin::new(waiting).poll(context));
            self.waiting = None;
            let read = match read {
                Ok(read) => read.map_err(io::Error::from),
                Err(lost) => Err(io::Error::other(lost)),
            };
            if let Err(error) = read {
                self.rest.start = self.rest.end;
                return Poll::Ready(Some(Err(error)));
            }
        }
        self.rest.start += length as u64;
        Poll::Ready(Some(Ok(Piece {
            file: Arc::clone(&self.file),
            offset,
            length,
        })))
    }
}

/// Whether the kernel has the first and the last byte in memory: it reads ahead, so what is between
/// them is there as well. Where it cannot tell, it may as well wait while it sends.
#[cfg(target_os = "linux")]
fn is_in_memory(file: &File, offset: u64, length: usize) -> bool {
    use rustix::io::{ReadWriteFlags, preadv2};

    [offset, offset + length as u64 - 1].into_iter().all(|at| {
        let mut byte = [0];
        let room = &mut [io::IoSliceMut::new(&mut byte)];
        preadv2(file, room, at, ReadWriteFlags::NOWAIT) != Err(Errno::AGAIN)
    })
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_: &File, _: u64, _: usize) -> bool {
    false
}
