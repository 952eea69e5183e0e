//! An S3 server in the process of the tests, and the line to it, which can be cut.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use hyper_util::rt::TokioIo;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
};

pub(crate) const SECRET: &str = "a-secret-that-nobody-may-print";

/// The server; its objects are files of `folder`.
pub(crate) struct S3 {
    pub(crate) folder: TempDir,
    pub(crate) options: Vec<(String, String)>,
    line: Arc<Line>,
}

/// What a test does to the bytes on their way to the client.
#[derive(Default)]
struct Line {
    /// After so many bytes of one answer the line is cut; 0 leaves it whole.
    cut_after: AtomicI64,
    cuts: AtomicUsize,
}

impl S3 {
    /// Serves one bucket called `bucket` on a free port of this machine.
    pub(crate) async fn start() -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::create_dir(folder.path().join("bucket")).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single("test", SECRET));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let line = Arc::new(Line::default());
        let accepting = Arc::clone(&line);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, near) = tokio::io::duplex(64 * 1024);
                let service = service.clone();
                tokio::spawn(async move {
                    let http = hyper::server::conn::http1::Builder::new();
                    // A line that was cut is what the test wanted.
                    let _ = http.serve_connection(TokioIo::new(server), service).await;
                });
                tokio::spawn(Arc::clone(&accepting).carry(client, near));
            }
        });
        let endpoint = format!("http://{address}");
        let options = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_PROFILE", "not for us"),
        ];
        Self {
            folder,
            options: options
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            line,
        }
    }

    /// Cuts each connection from now on after `bytes` bytes to the client; 0 cuts none.
    pub(crate) fn cut_after(&self, bytes: i64) {
        self.line.cut_after.store(bytes, Ordering::SeqCst);
    }

    /// How often the line was cut.
    pub(crate) fn cuts(&self) -> usize {
        self.line.cuts.load(Ordering::SeqCst)
    }

    /// Uploads that were begun, and neither completed nor aborted.
    pub(crate) fn unfinished(&self) -> usize {
        self.uploads().len()
    }

    pub(crate) fn forget_uploads(&self) {
        for upload in self.uploads() {
            fs::remove_file(upload).unwrap();
        }
    }

    fn uploads(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let uploads = names.filter(|name| name.starts_with(".upload-"));
        uploads.map(|name| self.folder.path().join(name)).collect()
    }

    /// The file of an object.
    pub(crate) fn file(&self, key: &str) -> PathBuf {
        self.folder.path().join("bucket").join(Path::new(key))
    }
}

impl Line {
    async fn carry(self: Arc<Self>, client: TcpStream, server: tokio::io::DuplexStream) {
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = tokio::io::split(server);
        let up = async { copy(&mut from_client, &mut to_server).await.map(drop) };
        let down = async {
            let mut carried = 0;
            let mut piece = vec![0; 16 * 1024];
            loop {
                let length = from_server.read(&mut piece).await?;
                if length == 0 {
                    return Ok(());
                }
                to_client.write_all(&piece[..length]).await?;
                carried += i64::try_from(length).unwrap();
                let limit = self.cut_after.load(Ordering::SeqCst);
                if limit > 0 && carried >= limit {
                    self.cuts.fetch_add(1, Ordering::SeqCst);
                    return Ok::<_, std::io::Error>(());
                }
            }
        };
        // Whoever ends first takes the whole connection along.
        tokio::select! {
            _ = up => {}
            _ = down => {}
        }
    }
}
