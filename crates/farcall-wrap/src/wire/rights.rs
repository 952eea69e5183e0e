//! A message with a descriptor beside it (`SCM_RIGHTS` of unix(7)).

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use rustix::{
    cmsg_space,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
    },
};
use serde::de::DeserializeOwned;

use super::frame::Inbox;

/// Sends what fits of `bytes`, and the descriptor with the first of them; returns how many went.
pub(crate) fn send(
    socket: impl AsFd,
    bytes: &[u8],
    descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<usize> {
    let descriptors: Vec<_> = descriptor.into_iter().collect();
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    }
    // Whoever is gone is an error, not a signal.
    #[cfg(target_os = "linux")]
    let flags = SendFlags::NOSIGNAL;
    #[cfg(not(target_os = "linux"))]
    let flags = SendFlags::empty();
    Ok(sendmsg(
        socket,
        &[IoSlice::new(bytes)],
        &mut ancillary,
        flags,
    )?)
}

/// Sends all of `bytes`, waiting where the other side does not read.
pub(crate) fn send_all(
    socket: &UnixStream,
    mut bytes: &[u8],
    mut descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    while !bytes.is_empty() {
        let sent = uninterrupted(|| send(socket, bytes, descriptor))?;
        // It must not arrive twice.
        descriptor = None;
        bytes = &bytes[sent..];
    }
    Ok(())
}

/// Waits for a message, and for the descriptor beside it where there is one.
///
/// # Errors
/// Where the other side is gone, or says what is no message.
pub(crate) fn receive<T: DeserializeOwned>(
    socket: &UnixStream,
    inbox: &mut Inbox,
) -> io::Result<(T, Option<OwnedFd>)> {
    let mut descriptor = None;
    let mut chunk = vec![0; 64 << 10];
    loop {
        if let Some(message) = inbox.next()? {
            return Ok((message, descriptor));
        }
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let count = uninterrupted(|| {
            let mut buffers = [IoSliceMut::new(&mut chunk)];
            #[cfg(target_os = "linux")]
            let flags = RecvFlags::CMSG_CLOEXEC;
            #[cfg(not(target_os = "linux"))]
            let flags = RecvFlags::empty();
            Ok(recvmsg(socket, &mut buffers, &mut ancillary, flags)?.bytes)
        })?;
        if count == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                descriptor = descriptors.last().or(descriptor);
            }
        }
        inbox.push(&chunk[..count]);
    }
}

fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
