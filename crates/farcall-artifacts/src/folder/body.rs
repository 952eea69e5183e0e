//! Sends a file: the hot path of every download.
//!
//! A chunk is read on the async thread itself when the kernel has it in memory, which
//! is asked for with `RWF_NOWAIT`, and on a blocking thread when it has not. So warm
//! files cost no hop between threads, and no async thread ever waits for a disk.

use std::{
    fs::File,
    io,
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use rustix::io::Errno;
use tokio::task::JoinHandle;

use super::buffer::{Buffers, Chunk};

/// A range of a file as an HTTP body of known length; needs a tokio runtime.
#[derive(Debug)]
pub(crate) struct FileBody {
    file: Arc<File>,
    /// What is still to be sent.
    rest: Range<u64>,
    buffers: Buffers,
    /// A read that waits for the disk on a blocking thread.
    waiting: Option<JoinHandle<Result<Chunk, Errno>>>,
    /// Whether the file system can say that it would have to wait.
    can_tell: bool,
}

impl FileBody {
    pub(super) fn new(file: Arc<File>, range: Range<u64>, buffers: Buffers) -> Self {
        Self {
            file,
            rest: range,
            buffers,
            waiting: None,
            can_tell: cfg!(target_os = "linux"),
        }
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Chunk>> {
        if self.waiting.is_none() {
            let length = usize::try_from(self.rest.end - self.rest.start).unwrap_or(usize::MAX);
            let mut chunk = self.buffers.take(length);
            let outcome = if self.can_tell {
                fill_from_cache(&self.file, &mut chunk, self.rest.start)
            } else {
                Err(Errno::AGAIN)
            };
            match outcome {
                Ok(()) => return Poll::Ready(Ok(chunk)),
                Err(Errno::AGAIN) => {}
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => self.can_tell = false,
                Err(errno) => return Poll::Ready(Err(errno.into())),
            }
            let (file, offset) = (Arc::clone(&self.file), self.rest.start);
            self.waiting = Some(tokio::task::spawn_blocking(move || {
                fill_from_disk(&file, &mut chunk, offset).map(|()| chunk)
            }));
        }
        let Some(waiting) = &mut self.waiting else {
            return Poll::Pending;
        };
        let outcome = ready!(Pin::new(waiting).poll(context));
        self.waiting = None;
        Poll::Ready(match outcome {
            Ok(outcome) => outcome.map_err(io::Error::from),
            Err(lost) => Err(io::Error::other(lost)),
        })
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let outcome = ready!(self.poll_chunk(context)).and_then(|chunk| {
            if chunk.as_ref().is_empty() {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the artifact became shorter while it was sent",
                ));
            }
            Ok(chunk)
        });
        Poll::Ready(Some(match outcome {
            Ok(chunk) => {
                self.rest.start += chunk.as_ref().len() as u64;
                Ok(Frame::data(Bytes::from_owner(chunk)))
            }
            Err(error) => {
                self.rest.start = self.rest.end;
                Err(error)
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.end - self.rest.start)
    }
}

/// Reads what is in memory; `EAGAIN` where that is nothing.
#[cfg(target_os = "linux")]
fn fill_from_cache(file: &File, chunk: &mut Chunk, offset: u64) -> Result<(), Errno> {
    use rustix::io::{ReadWriteFlags, preadv2};

    let filled = uninterrupted(|| {
        let room = &mut [io::IoSliceMut::new(chunk.room())];
        preadv2(file, room, offset, ReadWriteFlags::NOWAIT)
    })?;
    chunk.set_filled(filled);
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn fill_from_cache(_: &File, _: &mut Chunk, _: u64) -> Result<(), Errno> {
    Err(Errno::AGAIN)
}

fn fill_from_disk(file: &File, chunk: &mut Chunk, offset: u64) -> Result<(), Errno> {
    let filled = uninterrupted(|| rustix::io::pread(file, chunk.room(), offset))?;
    chunk.set_filled(filled);
    Ok(())
}

fn uninterrupted<T>(mut read: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match read() {
            Err(Errno::INTR) => {}
            outcome => return outcome,
        }
    }
}
