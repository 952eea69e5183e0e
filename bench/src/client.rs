//! A small blocking HTTP client, for everything that is not measured.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::load::Reader;

/// One keep-alive connection.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        Ok(Self {
            stream,
            buffer: vec![0; 256 << 10],
        })
    }

    /// Sends `request`, and returns the answer with its head and body.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> Result<Reader> {
        self.stream.write_all(request)?;
        let mut reader = Reader::keeping();
        loop {
            let length = self.stream.read(&mut self.buffer)?;
            ensure!(length > 0, "the server closed the connection");
            if reader.feed(&self.buffer[..length])? {
                return Ok(reader);
            }
        }
    }

    /// The same, where only success will do.
    pub(crate) fn succeed(&mut self, request: &[u8]) -> Result<Reader> {
        let answer = self.exchange(request).context("a request failed")?;
        ensure!(
            (200..300).contains(&answer.status()),
            "a request was answered with {}: {}",
            answer.status(),
            String::from_utf8_lossy(answer.body())
        );
        Ok(answer)
    }
}
