//! A server that keeps what it is sent, byte for byte, and answers what it is told to.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// All before the body, byte for byte.
    pub(crate) head: Vec<u8>,
    /// The first line, without its end.
    pub(crate) line: String,
    /// Names in small letters, in order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Listens on a port of its own until it is dropped.
pub(crate) struct Probe {
    pub(crate) port: u16,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    answers: Mutex<VecDeque<Option<Vec<u8>>>>,
    otherwise: Mutex<Option<Vec<u8>>>,
    connections: AtomicUsize,
}

impl Probe {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let serving = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self {
            port,
            shared,
            serving,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The next answer, as it goes over the wire.
    pub(crate) fn answer(&self, answer: impl Into<Vec<u8>>) {
        let answer = Some(answer.into());
        self.shared.answers.lock().unwrap().push_back(answer);
    }

    /// The next request is received, and never answered.
    pub(crate) fn silence(&self) {
        self.shared.answers.lock().unwrap().push_back(None);
    }

    /// What is answered where there is no next answer; `{}` as JSON unless this is called.
    pub(crate) fn otherwise(&self, answer: impl Into<Vec<u8>>) {
        *self.shared.otherwise.lock().unwrap() = Some(answer.into());
    }

    pub(crate) fn answer_json(&self, value: &serde_json::Value) {
        self.answer(json("200 OK", &value.to_string()));
    }

    /// What has been received since this was last asked.
    pub(crate) fn received(&self) -> Vec<Received> {
        std::mem::take(&mut *self.shared.received.lock().unwrap())
    }

    /// The one request that has been received since this was last asked.
    pub(crate) fn only(&self) -> Received {
        let received = self.received();
        assert_eq!(received.len(), 1, "{received:#?}");
        received.into_iter().next().unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn otherwise(&self) -> Vec<u8> {
        let otherwise = self.otherwise.lock().unwrap().clone();
        otherwise.unwrap_or_else(|| json("200 OK", "{}").into_bytes())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// An answer with a JSON body.
pub(crate) fn json(status: &str, body: &str) -> String {
    with("application/json", status, body)
}

/// An answer with this body.
pub(crate) fn with(media_type: &str, status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            while let Some(received) = receive(&mut stream).await {
                shared.received.lock().unwrap().push(received);
                let next = shared.answers.lock().unwrap().pop_front();
                let answer = match next {
                    Some(Some(answer)) => answer,
                    Some(None) => std::future::pending().await,
                    None => shared.otherwise(),
                };
                if stream.get_mut().write_all(&answer).await.is_err() {
                    return;
                }
                // What says no length ends with the connection.
                let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
                if !head.contains("content-length") {
                    return;
                }
            }
        });
    }
}

async fn receive(stream: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut head = Vec::new();
    let line = read_line(stream, &mut head).await?;
    let mut headers = Vec::new();
    loop {
        let header = read_line(stream, &mut head).await?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').unwrap_or((&header, ""));
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Received {
        head,
        line,
        headers,
        body,
    })
}

/// A line without its end, which is added to `head` with it.
async fn read_line(stream: &mut BufReader<TcpStream>, head: &mut Vec<u8>) -> Option<String> {
    let start = head.len();
    stream.read_until(b'\n', head).await.ok()?;
    let line = head[start..].strip_suffix(b"\r\n")?;
    Some(String::from_utf8_lossy(line).into_owned())
}
