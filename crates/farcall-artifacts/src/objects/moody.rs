//! A store that does not keep its word, for tests: over HTTP much of this would be made up for
//! before we see it.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream, stream::BoxStream};
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
    memory::InMemory, path::Path,
};

/// What becomes of one answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// Nothing is wrong with it.
    Whole,
    /// It ends after so many bytes as if that were all.
    Short(usize),
    /// It breaks after so many bytes.
    Broken(usize),
    /// The object is not found.
    Gone,
    /// The object is said to have a byte more.
    Longer,
}

/// Keeps objects in memory, and answers as it was told to.
#[derive(Debug)]
pub(super) struct Moody {
    within: InMemory,
    answers: Mutex<VecDeque<Answer>>,
    /// Whether the answer to the end of an upload is lost.
    loses_ends: bool,
}

impl Moody {
    /// Loses the answers to the ends of uploads, which are kept all the same.
    pub(super) async fn losing_ends(path: &Path, answers: &[Answer]) -> Arc<Self> {
        let moody = Self::holding(path, Vec::new(), answers).await;
        Arc::new(Self {
            loses_ends: true,
            ..Arc::into_inner(moody).unwrap()
        })
    }

    /// Holds `bytes` at `path`, and gives these answers in turn.
    pub(super) async fn holding(path: &Path, bytes: Vec<u8>, answers: &[Answer]) -> Arc<Self> {
        let within = InMemory::new();
        let put = within.put_opts(path, bytes.into(), PutOptions::default());
        put.await.unwrap();
        Arc::new(Self {
            within,
            answers: Mutex::new(answers.iter().copied().collect()),
            loses_ends: false,
        })
    }
}

impl fmt::Display for Moody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Moody")
    }
}

#[async_trait]
impl ObjectStore for Moody {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.within.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self.within.put_multipart_opts(path, options).await?;
        Ok(if self.loses_ends {
            Box::new(Endless(upload))
        } else {
            upload
        })
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let got = self.within.get_opts(path, options).await?;
        // What is not there is not there; only then is there an answer to give.
        let answer = self.answers.lock().unwrap().pop_front();
        let (mut meta, range, attributes) =
            (got.meta.clone(), got.range.clone(), got.attributes.clone());
        let broken = object_store::Error::Generic {
            store: "Moody",
            source: "the line was cut".into(),
        };
        let chunks = match answer.expect("one answer less") {
            Answer::Whole => return Ok(got),
            Answer::Gone => {
                return Err(object_store::Error::NotFound {
                    path: path.to_string(),
                    source: "gone".into(),
                });
            }
            Answer::Longer => {
                meta.size += 1;
                vec![]
            }
            Answer::Short(length) => vec![Ok(got.bytes().await?.slice(..length))],
            Answer::Broken(length) => {
                vec![Ok(got.bytes().await?.slice(..length)), Err(broken)]
            }
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::iter(chunks).boxed()),
            meta,
            range,
            attributes,
            extensions: object_store::Extensions::default(),
        })
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.within.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.within.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.within.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.within.copy_opts(from, to, options).await
    }
}

/// An upload of whose end nobody hears.
#[derive(Debug)]
struct Endless(Box<dyn MultipartUpload>);

#[async_trait]
impl MultipartUpload for Endless {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.0.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.0.complete().await?;
        Err(object_store::Error::NotFound {
            path: "upload".to_owned(),
            source: "there is no such upload any more".into(),
        })
    }

    async fn abort(&mut self) -> Result<()> {
        self.0.abort().await
    }
}
