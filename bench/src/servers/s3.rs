//! An S3 server in this process, whose objects are files of a folder.

use std::{fs, net::SocketAddr, path::Path};

use anyhow::{Context, Result};
use hyper_util::rt::TokioIo;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};

const USER: &str = "bench";
const SECRET: &str = "of-no-value";
const BUCKET: &str = "files";

/// It ends with this value.
pub(crate) struct S3 {
    address: SocketAddr,
    _folder: TempDir,
    _runtime: Runtime,
}

impl S3 {
    /// Serves one bucket on a free port.
    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        runtime.spawn(serve(listener, service(folder.path())?));
        Ok(Self {
            address,
            _folder: folder,
            _runtime: runtime,
        })
    }

    /// What tells a farcall server to keep its files here.
    pub(crate) fn variables(&self) -> [(&'static str, String); 5] {
        [
            ("FARCALL_ARTIFACTS_URL", format!("s3://{BUCKET}/artifacts")),
            ("AWS_ENDPOINT_URL", format!("http://{}", self.address)),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", USER.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
        ]
    }
}

fn service(folder: &Path) -> Result<s3s::service::S3Service> {
    fs::create_dir(folder.join(BUCKET))?;
    let objects = FileSystem::new(folder)
        .ok()
        .context("the folder cannot hold objects")?;
    let mut service = S3ServiceBuilder::new(objects);
    service.set_auth(SimpleAuth::from_single(USER, SECRET));
    Ok(service.build())
}

async fn serve(listener: TcpListener, service: s3s::service::S3Service) {
    while let Ok((client, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            let http = hyper::server::conn::http1::Builder::new();
            // Whoever leaves in the middle of an answer is told by what it measured.
            let _ = http.serve_connection(TokioIo::new(client), service).await;
        });
    }
}
