//! A network before a server that can fall silent or break, or lead to another one.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Carries every byte on.
    Well,
    /// Keeps its connections and carries nothing.
    Silent,
}

/// Stands before a server; it is gone when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    server: watch::Sender<SocketAddr>,
    // Each change of it breaks the connections that there are.
    breaks: watch::Sender<()>,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// One before the server that listens at `server`.
    pub async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("there is a free port");
        let address = listener.local_addr().expect("it listens");
        let (state, breaks) = (watch::Sender::new(State::Well), watch::Sender::new(()));
        let server = watch::Sender::new(server);
        let (well, leads_to, broken) = (state.subscribe(), server.subscribe(), breaks.clone());
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (well, mut broken) = (well.clone(), broken.subscribe());
                let server = *leads_to.borrow();
                tokio::spawn(async move {
                    tokio::select! {
                        () = carry(client, server, well) => {}
                        _ = broken.changed() => {}
                    }
                });
            }
        });
        Self {
            address,
            state,
            server,
            breaks,
            listening,
        }
    }

    /// Where it listens itself.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Carries nothing from now on, and keeps its connections.
    pub fn fall_silent(&self) {
        self.state.send_replace(State::Silent);
    }

    /// Carries everything again, also what it has held back.
    pub fn recover(&self) {
        self.state.send_replace(State::Well);
    }

    /// Leads to another server from now on, and ends the connections that there are.
    pub fn lead_to(&self, server: SocketAddr) {
        self.server.send_replace(server);
        self.break_connections();
    }

    /// Ends the connections that there are.
    pub fn break_connections(&self) {
        self.breaks.send_replace(());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn carry(client: TcpStream, server: SocketAddr, state: watch::Receiver<State>) {
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    tokio::select! {
        () = one_way(from_client, to_server, state.clone()) => {}
        () = one_way(from_server, to_client, state) => {}
    }
}

async fn one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if state.wait_for(|state| *state == State::Well).await.is_err()
            || to.write_all(&buffer[..length]).await.is_err()
        {
            return;
        }
    }
}
