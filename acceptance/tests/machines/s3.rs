//! An S3 server in the process of the tests.

use std::{fs, path::Path};

use hyper_util::rt::TokioIo;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;

/// The name of the one bucket.
const BUCKET: &str = "bucket";

const KEY: (&str, &str) = ("test", "known-to-tests-only");

/// Serves a bucket with its objects in `folder`, and returns how servers reach it.
pub(crate) async fn serve(folder: &Path) -> Vec<(&'static str, String)> {
    fs::create_dir_all(folder.join(BUCKET)).unwrap();
    let mut service = S3ServiceBuilder::new(FileSystem::new(folder).unwrap());
    service.set_auth(SimpleAuth::from_single(KEY.0, KEY.1));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let http = hyper::server::conn::http1::Builder::new();
                // A client that was killed is what the test wanted.
                let _ = http.serve_connection(TokioIo::new(client), service).await;
            });
        }
    });
    vec![
        ("FARCALL_ARTIFACTS_URL", format!("s3://{BUCKET}/cakes")),
        ("AWS_ENDPOINT_URL", format!("http://{address}")),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
        ("AWS_ACCESS_KEY_ID", KEY.0.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", KEY.1.to_owned()),
    ]
}
