//! What stands in front of a server, and does it wrong.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

/// What a relay does with what it carries.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// Tells the server that everybody has this token.
    Authorizing(&'static str),
    /// The same for files alone.
    AuthorizingFiles(&'static str),
    /// Ends a stream that says nothing for so long.
    Cutting(Duration),
    /// Sends whoever asks for a file to the same path at another port of this machine.
    FilesAt(u16),
    /// Calls the server by this name.
    Host(&'static str),
    /// Passes an answer on when all of it is there.
    Holding,
    /// Has nothing but `/mcp`.
    OnlyMcp,
    /// Has `/healthz` of the server at another port.
    ProbesOf(u16),
    /// Has no answer for who asks for the list of tools and sends no token.
    SilentToStrangers,
    /// Nothing.
    Through,
}

/// What lets nobody in.
const CHALLENGE: &str = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// The same, without saying why.
const REFUSAL: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Somebody who answers everything with the same; without a path.
pub(super) async fn answering(
    status: &'static str,
    headers: &'static str,
    body: &'static str,
) -> String {
    let (listener, origin) = listener().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answered(stream, status, headers, body));
        }
    });
    origin
}

/// Somebody who refuses everything, and keeps the heads of what was asked.
pub(super) async fn listening() -> (String, Arc<Mutex<String>>) {
    keeping(REFUSAL).await
}

/// Somebody who says of everything that it is alive, and keeps the heads of what was asked.
pub(super) async fn alive() -> (String, Arc<Mutex<String>>) {
    keeping(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{\"ok\": true}",
    )
    .await
}

async fn keeping(answer: &'static str) -> (String, Arc<Mutex<String>>) {
    let (listener, origin) = listener().await;
    let heard = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(kept_and_answered(stream, Arc::clone(&kept), answer));
        }
    });
    (origin, heard)
}

/// [`listening`] over TLS, which asks for a token; the port.
pub(super) async fn listening_secured(acceptor: TlsAcceptor) -> (u16, Arc<Mutex<String>>) {
    let (listener, _) = listener().await;
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, kept) = (acceptor.clone(), Arc::clone(&kept));
            tokio::spawn(async move {
                let stream = acceptor.accept(stream).await.ok()?;
                kept_and_answered(stream, kept, CHALLENGE).await
            });
        }
    });
    (port, heard)
}

async fn kept_and_answered(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    kept: Arc<Mutex<String>>,
    answer: &str,
) -> Option<()> {
    let (asked, _) = request(&mut stream).await?;
    kept.lock().unwrap().push_str(&asked);
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

/// Somebody who answers 530 over TLS; the port.
pub(super) async fn secured(acceptor: TlsAcceptor) -> u16 {
    let (listener, _) = listener().await;
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let stream = acceptor.accept(stream).await.ok()?;
                answered(stream, "530", "", "error code: 1033").await
            });
        }
    });
    port
}

/// Somebody who answers every first bytes with these, and hangs up.
pub(super) async fn saying(bytes: &'static [u8]) -> u16 {
    let (listener, _) = listener().await;
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut heard = vec![0; 16 << 10];
            let _ = stream.read(&mut heard).await;
            let _ = stream.write_all(bytes).await;
        }
    });
    port
}

/// Somebody whose answers are JSON, and end in the middle of it; without a path.
pub(super) async fn breaking_off() -> String {
    const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"jsonrpc\": ";
    let (listener, origin) = listener().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                request(&mut stream).await?;
                stream.write_all(ANSWER.as_bytes()).await.ok()?;
                stream.shutdown().await.ok()
            });
        }
    });
    origin
}

/// Somebody whose answers begin as streams and say nothing, for ever; without a path.
pub(super) async fn endless() -> String {
    let (listener, origin) = listener().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(whispering(stream));
        }
    });
    origin
}

async fn whispering(mut stream: TcpStream) -> Option<()> {
    const HEAD: &str =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    request(&mut stream).await?;
    stream.write_all(HEAD.as_bytes()).await.ok()?;
    let mut pace = tokio::time::interval(Duration::from_millis(200));
    loop {
        pace.tick().await;
        stream.write_all(b": here\n\n").await.ok()?;
    }
}

/// Somebody between a client and the server at `origin`; without a path.
pub(super) async fn relay(origin: &str, way: Way) -> String {
    let server: Arc<str> = origin.strip_prefix("http://").unwrap().into();
    let (listener, own) = listener().await;
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = Arc::clone(&server);
            tokio::spawn(async move { carried(client, &server, way).await });
        }
    });
    own
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, format!("http://{address}"))
}

async fn answered(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    status: &str,
    headers: &str,
    body: &str,
) -> Option<()> {
    request(&mut stream).await?;
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

/// Head and body of a request.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let body = bytes.split_off(end + 4);
    bytes.truncate(end);
    let head = String::from_utf8(bytes).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = body;
    while body.len() < length.unwrap_or(0) {
        stream.read_buf(&mut body).await.ok()?;
    }
    Some((head, body))
}

/// One request, and its answer.
async fn carried(mut client: TcpStream, server: &str, way: Way) -> Option<()> {
    let (head, body) = request(&mut client).await?;
    let mut lines: Vec<String> = head.lines().map(str::to_owned).collect();
    let is = |line: &str, name: &str| line.to_ascii_lowercase().starts_with(name);
    lines.retain(|line| !is(line, "connection:"));
    match way {
        Way::Host(name) => {
            lines.retain(|line| !is(line, "host:"));
            lines.push(format!("Host: {name}"));
        }
        Way::Authorizing(token) => {
            lines.retain(|line| !is(line, "authorization:"));
            lines.push(format!("Authorization: Bearer {token}"));
        }
        Way::AuthorizingFiles(token) => {
            if head.split(' ').nth(1)?.starts_with("/files/") {
                lines.retain(|line| !is(line, "authorization:"));
                lines.push(format!("Authorization: Bearer {token}"));
            }
        }
        Way::OnlyMcp if head.split(' ').nth(1)? != "/mcp" => {
            let none = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            client.write_all(none.as_bytes()).await.ok()?;
            return client.shutdown().await.ok();
        }
        Way::SilentToStrangers
            if String::from_utf8_lossy(&body).contains("tools/list")
                && !lines.iter().any(|line| is(line, "authorization:")) =>
        {
            // Until the client gives up.
            client.read_u8().await.ok()?;
        }
        Way::FilesAt(port) if head.split(' ').nth(1)?.starts_with("/files/") => {
            let path = head.split(' ').nth(1)?;
            let sent = format!(
                "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{port}{path}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            client.write_all(sent.as_bytes()).await.ok()?;
            return client.shutdown().await.ok();
        }
        Way::Cutting(_)
        | Way::FilesAt(_)
        | Way::Holding
        | Way::OnlyMcp
        | Way::ProbesOf(_)
        | Way::SilentToStrangers
        | Way::Through => {}
    }
    let probed = match way {
        Way::ProbesOf(port) if head.split(' ').nth(1)? == "/healthz" => {
            Some(format!("127.0.0.1:{port}"))
        }
        _ => None,
    };
    let server = probed.as_deref().unwrap_or(server);
    lines.push("Connection: close\r\n\r\n".to_owned());
    let mut upstream = TcpStream::connect(server).await.ok()?;
    upstream
        .write_all(lines.join("\r\n").as_bytes())
        .await
        .ok()?;
    upstream.write_all(&body).await.ok()?;
    let (mut kept, mut begun) = (Vec::new(), String::new());
    loop {
        let mut piece = Vec::with_capacity(16 << 10);
        let read = upstream.read_buf(&mut piece);
        let is_stream = begun.to_ascii_lowercase().contains("text/event-stream");
        let read = if let Way::Cutting(limit) = way
            && is_stream
        {
            timeout(limit, read).await.ok()?
        } else {
            // A client that is gone is no reason to keep the server's stream.
            let mut gone = [0; 1];
            tokio::select! {
                read = read => read,
                _ = client.peek(&mut gone) => return None,
            }
        };
        if read.ok()? == 0 {
            break;
        }
        if begun.len() < 4 << 10 {
            begun.push_str(&String::from_utf8_lossy(&piece));
        }
        if matches!(way, Way::Holding) {
            kept.append(&mut piece);
        } else {
            client.write_all(&piece).await.ok()?;
        }
    }
    client.write_all(&kept).await.ok()?;
    client.shutdown().await.ok()
}
