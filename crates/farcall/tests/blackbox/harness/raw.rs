//! HTTP byte by byte, for what no HTTP library would send.

use std::net::SocketAddr;

use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use super::{Client, Reply, soon};

/// Sends a request line with headers and a body; the server closes the connection afterwards.
///
/// Only what is given is sent, plus `Connection` and, for a body, its length.
pub(crate) async fn exchange(
    client: &Client,
    request_line: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut head = format!("{request_line} HTTP/1.1\r\nconnection: close\r\n").into_bytes();
    for (name, value) in headers {
        head.extend(format!("{name}: {value}\r\n").bytes());
    }
    if !body.is_empty() {
        head.extend(format!("content-length: {}\r\n", body.len()).bytes());
    }
    head.extend(b"\r\n");
    head.extend(body);
    let mut connection = Connection::open(client.address).await;
    connection.write(&head).await;
    let (method, target) = request_line.split_once(' ').unwrap();
    let reply = parsed(&connection.rest().await, method == "HEAD");
    let path = target.split('?').next().unwrap();
    reply.checked(
        &method.parse::<Method>().unwrap(),
        path,
        client.secret_path(),
    )
}

/// One TCP connection.
pub(crate) struct Connection(TcpStream);

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self(soon(TcpStream::connect(address)).await.unwrap())
    }

    /// One that takes so little at once that the server has to wait for it.
    pub(crate) async fn open_narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self(soon(socket.connect(address)).await.unwrap())
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        soon(self.0.write_all(bytes)).await.unwrap();
    }

    /// Everything until the other end closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        soon(self.0.read_to_end(&mut bytes)).await.unwrap();
        bytes
    }

    /// The next bytes, of which there must be some.
    pub(crate) async fn some(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 4096];
        let count = soon(self.0.read(&mut bytes)).await.unwrap();
        assert!(count > 0, "the connection was closed");
        bytes.truncate(count);
        bytes
    }

    /// Whether nothing is answered to `bytes`, because the connection is closed.
    pub(crate) async fn is_cut_after(&mut self, bytes: &[u8]) -> bool {
        // Whoever closes may do it before all is written, or read.
        let written = soon(self.0.write_all(bytes)).await;
        let read = soon(self.0.read(&mut [0])).await;
        written.is_err() || !read.is_ok_and(|count| count > 0)
    }

    /// Returns once there is something to read, and reads nothing.
    pub(crate) async fn readable(&self) {
        soon(self.0.readable()).await.unwrap();
    }

    /// Says that nothing more comes, and goes.
    pub(crate) async fn close(mut self) {
        soon(self.0.shutdown()).await.unwrap();
    }

    /// Goes without a word, as a machine does that has lost its power: whatever is sent to it now
    /// is answered with a reset.
    pub(crate) fn reset(self) {
        self.0.set_zero_linger().unwrap();
    }

    /// Whether nothing has come yet.
    pub(crate) fn is_silent(&self) -> bool {
        let nothing = self.0.try_read(&mut [0]);
        nothing.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

fn parsed(answer: &[u8], is_head: bool) -> Reply {
    let shown = String::from_utf8_lossy(answer).into_owned();
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {shown:?}"));
    let (head, body) = (&answer[..end], &answer[end + 4..]);
    let mut lines = std::str::from_utf8(head).unwrap().split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers: HeaderMap = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| {
            (
                name.parse::<HeaderName>().unwrap(),
                value.parse::<HeaderValue>().unwrap(),
            )
        })
        .collect();
    let is_chunked = headers
        .get("transfer-encoding")
        .is_some_and(|coding| coding == "chunked");
    Reply {
        status: status.parse().unwrap(),
        body: if is_chunked && !is_head {
            joined(body)
        } else {
            body.to_vec()
        },
        headers,
    }
}

fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = chunks.iter().position(|&byte| byte == b'\r').unwrap();
        let size = std::str::from_utf8(&chunks[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend(&chunks[end + 2..end + 2 + size]);
        chunks = &chunks[end + 2 + size + 2..];
    }
}
