//! The server's end of the socket to a shim.

use std::{
    io,
    os::{fd::BorrowedFd, unix},
    sync::{Mutex, PoisonError},
};

use tokio::{io::Interest, net::UnixStream};

use crate::wire::{
    Order, Report,
    frame::{Inbox, encode},
    rights,
};

/// While it is open, the shim lets its program live.
pub(super) struct Control {
    socket: UnixStream,
    inbox: Mutex<Inbox>,
}

impl Control {
    /// A control, and what becomes the shim's standard input.
    pub(super) fn pair() -> io::Result<(Self, unix::net::UnixStream)> {
        let (ours, theirs) = unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let control = Self {
            socket: UnixStream::from_std(ours)?,
            inbox: Mutex::default(),
        };
        Ok((control, theirs))
    }

    /// Sends the first message, and a descriptor beside it.
    pub(super) async fn hand_over(
        &self,
        mut bytes: &[u8],
        mut descriptor: Option<BorrowedFd<'_>>,
    ) -> io::Result<()> {
        while !bytes.is_empty() {
            let write = || rights::send(&self.socket, bytes, descriptor);
            let sent = self.socket.async_io(Interest::WRITABLE, write).await?;
            // It must not arrive twice.
            descriptor = None;
            bytes = &bytes[sent..];
        }
        Ok(())
    }

    /// Sends an order without waiting. One that does not fit is dropped: then the shim has not read many
    /// others either, as it does only while it is stopped or has nothing left to look after.
    pub(super) fn order(&self, order: Order) {
        // The kernel takes a message of this size as a whole, or not at all.
        if let Ok(bytes) = encode(&order) {
            let _ = self.socket.try_write(&bytes);
        }
    }

    /// Waits for the next report; may be dropped and called again.
    ///
    /// # Errors
    /// Where the shim is gone, or says what is no report.
    pub(super) async fn report(&self) -> io::Result<Report> {
        let mut chunk = [0; 4096];
        loop {
            {
                let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(report) = inbox.next()? {
                    return Ok(report);
                }
                match self.socket.try_read(&mut chunk) {
                    Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
                    Ok(count) => {
                        inbox.push(&chunk[..count]);
                        continue;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
            self.socket.readable().await?;
        }
    }
}
