//! One connection of the load generator.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{Expected, Reader};

/// Sends its request, reads the answer, and starts again.
pub(crate) struct Connection<'a> {
    stream: TcpStream,
    request: &'a [u8],
    expected: Expected,
    reader: Reader,
    is_judged: bool,
    sent: Instant,
}

/// What one read brought.
#[derive(Default)]
pub(crate) struct Arrived {
    /// Bytes of bodies and heads.
    pub(crate) bytes: usize,
    /// How long the answer took, where this was the last of it.
    pub(crate) complete_after: Option<Duration>,
}

impl<'a> Connection<'a> {
    pub(crate) fn open(address: SocketAddr, request: &'a [u8], expected: Expected) -> Result<Self> {
        let stream = TcpStream::connect(address).context("the server takes no connection")?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let reader = match expected {
            Expected::Body(_) => Reader::keeping(),
            Expected::Length(_) => Reader::default(),
        };
        Ok(Self {
            stream,
            request,
            expected,
            reader,
            is_judged: false,
            sent: Instant::now(),
        })
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// A request is far smaller than the socket's buffer, so this never waits.
    pub(crate) fn send(&mut self) -> Result<()> {
        self.sent = Instant::now();
        self.stream
            .write_all(self.request)
            .context("the server does not take a request")
    }

    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> Result<Arrived> {
        let bytes = match self.stream.read(buffer) {
            Ok(0) => anyhow::bail!("the server closed a connection"),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Arrived::default()),
            Err(error) => return Err(error).context("an answer broke off"),
        };
        let complete_after = if self.reader.feed(&buffer[..bytes])? {
            let time = self.sent.elapsed();
            self.judge()?;
            self.reader = Reader::default();
            Some(time)
        } else {
            None
        };
        Ok(Arrived {
            bytes,
            complete_after,
        })
    }

    fn judge(&mut self) -> Result<()> {
        let status = self.reader.status();
        ensure!(
            status == 200,
            "an answer has the status {status}: {}",
            String::from_utf8_lossy(self.reader.body())
        );
        match self.expected {
            Expected::Length(length) => ensure!(
                self.reader.length() == length,
                "an answer has {} bytes, not {length}",
                self.reader.length()
            ),
            // Only the first answer was kept.
            Expected::Body(judge) if !self.is_judged => judge(self.reader.body())?,
            Expected::Body(_) => {}
        }
        self.is_judged = true;
        Ok(())
    }
}
