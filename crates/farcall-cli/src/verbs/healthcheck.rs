//! `healthcheck`: whether the server of this machine or container is alive, for images without curl.
//!
//! It runs every few seconds beside the server, so it is one plain request without a client library: no proxy of the
//! environment comes between, and nothing that it does not need is loaded.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream, ToSocketAddrs as _},
    path::Path,
    time::{Duration, Instant},
};

use farcall_config::{Http, Source, variables};

use crate::{
    Failure,
    terminal::{print, printable, quoted},
};

/// The longest answer that is read; the right one is a fraction of it.
const LONGEST: usize = 4096;

/// What `healthcheck` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
It asks for /healthz, on this machine where the server is bound to every address. It reads the variables that are named
above, and no farcall.toml.

Exit status: 0 the server is alive, 1 it is not, 2 usage or configuration")]
pub struct Flags {
    /// Address of the server [env: MCP_HOST] [default: 127.0.0.1]
    #[arg(long)]
    pub host: Option<String>,
    /// Port of the server [env: MCP_PORT] [default: 8900]
    #[arg(long)]
    pub port: Option<u16>,
    /// Seconds that it may take, 1 to 60
    #[arg(long, value_name = "SECONDS", default_value_t = 3, allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub timeout: u64,
}

pub(crate) fn healthcheck(flags: Flags) -> Result<(), Failure> {
    let usage = |error: farcall_config::ConfigError| Failure::usage(error.to_string());
    let mut source = Source::from_environment(Path::new(".")).map_err(usage)?;
    if let Some(host) = flags.host {
        source.set(&variables::MCP_HOST, host);
    }
    if let Some(port) = flags.port {
        source.set(&variables::MCP_PORT, port.to_string());
    }
    let http = Http::alone(&source).map_err(usage)?;
    let host = http.host.trim_matches(['[', ']']);
    let host = match host {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    };
    let shown = quoted(host);
    let deadline = Instant::now() + Duration::from_secs(flags.timeout);
    let failed = |reason: &dyn std::fmt::Display| {
        Failure::failed(format!(
            "the server at `{shown}:{}` is not alive: {reason}",
            http.port
        ))
    };
    let addresses = (host, http.port)
        .to_socket_addrs()
        .map_err(|error| failed(&error))?;
    let mut last = failed(&"its name has no address");
    for address in addresses {
        match answer(address, deadline) {
            Ok(answer) if is_fine(&answer) => {
                print(&format!("http://{address}/healthz: alive"));
                return Ok(());
            }
            Ok(answer) => {
                let line = answer.lines().next().unwrap_or_default();
                last = failed(&format!("it answered `{}`", printable(line)));
            }
            Err(error) => last = failed(&error),
        }
    }
    Err(last)
}

/// All of the answer, as far as it is read.
fn answer(address: SocketAddr, deadline: Instant) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
    stream.set_write_timeout(Some(left(deadline)?))?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut buffer = [0; 512];
    // A limit for each read would let somebody who sends a byte at a time keep it for ever.
    while answer.len() < LONGEST {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(late()),
            Err(error) => return Err(error),
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        Err(late())
    } else {
        Ok(left)
    }
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "it did not answer in time")
}

fn is_fine(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return false;
    };
    head.starts_with("HTTP/1.1 200 ") && body.trim() == "{\"ok\": true}"
}
