//! Lets the kernel send files: their bytes never come into this process.
//!
//! What hyper gets as the body of a download is a stand-in, bytes that are only counted. The stream
//! below hyper knows them by their place in memory, and has the kernel send the next piece of a file
//! instead. So heads, lengths and order stay hyper's affair. A copy less in each direction is half of
//! what a download costs; `docs/benchmarks.md` has the numbers (G5c).

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use farcall_artifacts::{PIECE, Piece, Pieces};
use http_body::{Body, Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
};

/// Whether the kernel can send files here.
pub(crate) const IS_POSSIBLE: bool = cfg!(target_os = "linux");

/// What stands in a response for the bytes of a file. It is never read, so it takes no memory.
static STAND_IN: LazyLock<Box<[u8]>> = LazyLock::new(|| vec![0; PIECE].into_boxed_slice());

/// The pieces of files that one connection has to send, in the order of their stand-ins.
#[derive(Clone, Default)]
pub(crate) struct Outlet(Arc<Mutex<VecDeque<Piece>>>);

impl Outlet {
    /// Takes a piece, and returns what stands for it.
    fn stand_in(&self, piece: Piece) -> Bytes {
        let bytes = Bytes::from_static(&STAND_IN[..piece.length]);
        self.pieces().push_back(piece);
        bytes
    }

    fn pieces(&self) -> MutexGuard<'_, VecDeque<Piece>> {
        // A list of pieces is whole whatever happened to who held it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_stand_in(bytes: &[u8]) -> bool {
    !bytes.is_empty() && STAND_IN.as_ptr_range().contains(&bytes.as_ptr())
}

/// A range of a file as the body of a response on the connection of an [`Outlet`], where it must
/// come to hyper unchanged.
pub(crate) struct FileBody {
    pieces: Pieces,
    outlet: Outlet,
}

impl FileBody {
    pub(crate) fn new(pieces: Pieces, outlet: Outlet) -> Self {
        Self { pieces, outlet }
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = ready!(self.pieces.poll_next(context));
        Poll::Ready(piece.map(|piece| Ok(Frame::data(self.outlet.stand_in(piece?)))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.pieces.remaining())
    }
}

/// A connection on which stand-ins become what they stand for.
pub(crate) struct FileSender {
    stream: TcpStream,
    outlet: Outlet,
}

impl FileSender {
    pub(crate) fn new(stream: TcpStream, outlet: Outlet) -> Self {
        Self { stream, outlet }
    }

    /// Sends up to `most` bytes of the next piece.
    fn poll_send(&self, context: &mut Context<'_>, most: usize) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(context))?;
            let mut pieces = self.outlet.pieces();
            let Some(piece) = pieces.front_mut() else {
                return Poll::Ready(Err(io::Error::other("a stand-in stands for nothing")));
            };
            let most = most.min(piece.length);
            let hand_over = || send(&self.stream, piece, most);
            match self.stream.try_io(Interest::WRITABLE, hand_over) {
                Ok(0) => {
                    return Poll::Ready(Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the artifact became shorter while it was sent",
                    )));
                }
                Ok(sent) => {
                    piece.offset += sent as u64;
                    piece.length -= sent;
                    if piece.length == 0 {
                        pieces.pop_front();
                    }
                    return Poll::Ready(Ok(sent));
                }
                // The readiness was one of before.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn send(stream: &TcpStream, piece: &Piece, most: usize) -> io::Result<usize> {
    use rustix::io::Errno;

    let mut offset = piece.offset;
    match rustix::fs::sendfile(stream, &*piece.file, Some(&mut offset), most) {
        // Not every file system can.
        Err(Errno::INVAL | Errno::NOSYS) => copy(stream, piece, most),
        sent => Ok(sent?),
    }
}

#[cfg(not(target_os = "linux"))]
fn send(stream: &TcpStream, piece: &Piece, most: usize) -> io::Result<usize> {
    copy(stream, piece, most)
}

/// The same through this process.
fn copy(stream: &TcpStream, piece: &Piece, most: usize) -> io::Result<usize> {
    let mut bytes = vec![0; most.min(64 << 10)];
    let read = rustix::io::pread(&*piece.file, &mut bytes, piece.offset)?;
    Ok(rustix::io::write(stream, &bytes[..read])?)
}

impl AsyncRead for FileSender {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for FileSender {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if is_stand_in(bytes) {
            self.poll_send(context, bytes.len())
        } else {
            Pin::new(&mut self.stream).poll_write(context, bytes)
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match bytes.iter().position(|slice| is_stand_in(slice)) {
            Some(0) => self.poll_send(context, bytes[0].len()),
            Some(first) => Pin::new(&mut self.stream).poll_write_vectored(context, &bytes[..first]),
            None => Pin::new(&mut self.stream).poll_write_vectored(context, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        // Else hyper would copy what it is given, and with it the stand-ins.
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
