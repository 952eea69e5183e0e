//! A server of a test's own, and the clients that call it.

use std::{net::SocketAddr, ops::Deref, sync::Arc};

use farcall::App;
use farcall_cli::{Failure, Ready, Running};
use farcall_config::{Config, Source};
use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;

use super::{Events, Operator, Reply, Rpc, rpc::Era, soon};

/// An `App` and the environment it is started in.
pub(crate) struct Setup {
    app: App,
    environment: Vec<(String, String)>,
    folder: Option<TempDir>,
}

impl Setup {
    pub(crate) fn new(app: App) -> Self {
        Self {
            app,
            environment: Vec::new(),
            folder: None,
        }
    }

    /// Takes up the data of an earlier server.
    pub(crate) fn in_folder(mut self, folder: TempDir) -> Self {
        self.folder = Some(folder);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Serves on a free port of this machine, with a data folder of its own.
    pub(crate) async fn start(self) -> Server {
        let folder = self.folder.unwrap_or_else(|| {
            let mut fresh = tempfile::Builder::new();
            fresh.prefix("farcall-blackbox-").tempdir().unwrap()
        });
        let data_dir = folder.path().to_str().unwrap();
        let mut environment = vec![
            ("MCP_PORT", "0"),
            ("FARCALL_DATA_DIR", data_dir),
            ("FARCALL_LINGER", "0s"),
        ];
        let own = self.environment.iter();
        environment.extend(own.map(|(name, value)| (name.as_str(), value.as_str())));
        let config = Config::read(&Source::from_pairs(environment)).unwrap();
        let ready = Ready::prepare(self.app, &config).await.unwrap();
        let client = Client {
            address: ready.address,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            token: None,
            secret_path: data_dir.into(),
        };
        let metrics = ready.metrics_address();
        let database = self.environment.into_iter();
        let mut database = database.filter(|(name, _)| name == "FARCALL_DATABASE_URL");
        Server {
            client,
            running: ready.start(),
            metrics,
            folder,
            database: database.next().map(|(_, url)| url),
        }
    }
}

/// A server that runs until it is dropped or stopped; dereferences to a client without a token.
pub(crate) struct Server {
    client: Client,
    running: Running,
    metrics: Option<SocketAddr>,
    folder: TempDir,
    database: Option<String>,
}

impl Server {
    /// Whoever names its callers.
    pub(crate) async fn operator(&self) -> Operator {
        let folder = self.folder.path().to_str().unwrap();
        Operator::at(folder, self.database.as_deref()).await
    }

    /// The same server at the address at which metrics are read.
    pub(crate) fn at_its_metrics(&self) -> Client {
        let address = self.metrics.expect("metrics have no address of their own");
        Client {
            address,
            ..self.client.clone()
        }
    }

    /// Offers what `app` does from now on.
    pub(crate) fn exchange(&self, app: &App) -> Result<(), Failure> {
        self.running.exchange(app).map(drop)
    }

    /// Stops it in order.
    pub(crate) async fn stop(self) {
        soon(self.running.stop()).await;
    }

    /// Goes on in a new audit log.
    pub(crate) fn reopen_audit(&self) {
        self.running.reopen_audit();
    }

    /// Stops it without waiting for what it does, and leaves its data.
    pub(crate) async fn cut(self) -> TempDir {
        self.running.hurry().cancel();
        soon(self.running.stop()).await;
        self.folder
    }
}

impl Deref for Server {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Somebody who calls the server.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    http: reqwest::Client,
    token: Option<String>,
    secret_path: Arc<str>,
}

impl Client {
    /// The same server, called with a bearer token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// What must never be in an answer: the path of the data folder.
    pub(crate) fn secret_path(&self) -> &str {
        &self.secret_path
    }

    /// A request of MCP as clients of 2026-07-28 send it.
    pub(crate) fn rpc(&self, method: &str, params: Value) -> Rpc {
        Rpc::new(self.clone(), Era::Modern, method, params)
    }

    /// A request of MCP as clients of 2025-11-25 send it.
    pub(crate) fn legacy(&self, method: &str, params: Value) -> Rpc {
        Rpc::new(self.clone(), Era::Legacy, method, params)
    }

    /// Calls a tool.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Reply {
        self.tool(tool, arguments).send().await
    }

    /// A call of a tool that can be changed before it is sent.
    pub(crate) fn tool(&self, tool: &str, arguments: Value) -> Rpc {
        let params = serde_json::json!({"name": tool, "arguments": arguments});
        self.rpc("tools/call", params)
    }

    /// A plain HTTP request.
    pub(crate) fn http(&self, method: Method, path: &str) -> Http {
        let url = format!("http://{}{path}", self.address);
        let mut builder = self.http.request(method.clone(), url);
        if let Some(token) = &self.token {
            builder = builder.bearer_auth(token);
        }
        Http {
            builder,
            client: self.clone(),
            method,
            path: path.to_owned(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.http(Method::GET, path).send().await
    }
}

/// An HTTP request that is being put together.
pub(crate) struct Http {
    builder: reqwest::RequestBuilder,
    client: Client,
    method: Method,
    path: String,
}

impl Http {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<reqwest::Body>) -> Self {
        self.builder = self.builder.body(body);
        self
    }

    /// The whole answer.
    pub(crate) async fn send(self) -> Reply {
        let (client, method, path) = (self.client.clone(), self.method.clone(), self.path.clone());
        let response = soon(self.response()).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = soon(response.bytes()).await.unwrap();
        let reply = Reply {
            status: status.as_u16(),
            headers,
            body: body.to_vec(),
        };
        reply.checked(&method, &path, client.secret_path())
    }

    /// The answer as it comes, event by event.
    pub(crate) async fn events(self) -> Events {
        Events::new(soon(self.response()).await)
    }

    async fn response(self) -> reqwest::Response {
        self.builder.send().await.unwrap()
    }
}
