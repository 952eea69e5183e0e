//! A store that breaks off, more often than the one over HTTP makes up for by itself.

use std::{collections::VecDeque, fmt, sync::Mutex};

use async_trait::async_trait;
use futures_util::{TryStreamExt, stream};
use object_store::{
    CopyOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, memory::InMemory,
};

use super::*;

const SIZE: usize = 1_000_000;

/// What becomes of one answer.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// Nothing is wrong with it.
    Whole,
    /// It ends after so many bytes as if that were all.
    Short(usize),
    /// It breaks after so many bytes.
    Broken(usize),
    /// The object is not found.
    Gone,
}

#[derive(Debug)]
struct Moody {
    within: InMemory,
    answers: Mutex<VecDeque<Answer>>,
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
        self.within.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let answer = self.answers.lock().unwrap().pop_front();
        let mut got = self.within.get_opts(path, options).await?;
        let bytes = |got: GetResult| async { got.bytes().await };
        let broken = || object_store::Error::Generic {
            store: "Moody",
            source: "the line was cut".into(),
        };
        let (meta, range) = (got.meta.clone(), got.range.clone());
        let attributes = got.attributes.clone();
        let chunks = match answer.expect("one answer less") {
            Answer::Whole => return Ok(got),
            Answer::Gone => {
                return Err(object_store::Error::NotFound {
                    path: path.to_string(),
                    source: "gone".into(),
                });
            }
            Answer::Short(length) => vec![Ok(bytes(got).await?.slice(..length))],
            Answer::Broken(length) => {
                vec![Ok(bytes(got).await?.slice(..length)), Err(broken())]
            }
        };
        got = GetResult {
            payload: GetResultPayload::Stream(stream::iter(chunks).boxed()),
            meta,
            range,
            attributes,
            extensions: object_store::Extensions::default(),
        };
        Ok(got)
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

/// What a read of `range` comes to where the store gives these answers.
async fn read(range: Range<u64>, answers: &[Answer]) -> io::Result<Vec<u8>> {
    let bytes = all();
    let within = InMemory::new();
    let path = Path::from("a");
    within.put(&path, bytes.clone().into()).await.unwrap();
    let object = Object {
        store: Arc::new(Moody {
            within,
            answers: Mutex::new(answers.iter().copied().collect()),
        }),
        path,
        size: SIZE as u64,
        sha256: hexadecimal(&Sha256::digest(&bytes)).into(),
    };
    let chunks: Vec<Bytes> = object.chunks(range).try_collect().await?;
    assert!(chunks.iter().all(|chunk| chunk.len() <= CHUNK));
    Ok(chunks.concat())
}

fn all() -> Vec<u8> {
    (0..=250).cycle().take(SIZE).collect()
}

#[tokio::test]
async fn a_broken_answer_is_gone_on_with_at_the_byte_where_it_broke() {
    use Answer::{Broken, Short, Whole};

    let whole = 0..SIZE as u64;
    for answers in [
        vec![Whole],
        vec![Broken(1), Broken(300_000), Whole],
        vec![Short(500_000), Whole],
        vec![Broken(0), Broken(0), Broken(0), Whole],
        // Each brings it further, so it does not count as hopeless.
        [vec![Broken(100_000); 9], vec![Whole]].concat(),
    ] {
        let read = read(whole.clone(), &answers).await.unwrap();
        assert!(read == all(), "{answers:?}");
    }
    let part = read(7..900_000, &[Broken(10), Whole]).await.unwrap();
    assert!(part == all()[7..900_000]);
}

#[tokio::test]
async fn a_store_that_only_breaks_is_given_up() {
    let whole = 0..SIZE as u64;
    for answers in [
        vec![Answer::Broken(0); 4],
        vec![Answer::Short(0); 4],
        vec![
            Answer::Broken(9),
            Answer::Broken(0),
            Answer::Broken(0),
            Answer::Broken(0),
        ],
        vec![Answer::Broken(9), Answer::Gone],
    ] {
        assert!(read(whole.clone(), &answers).await.is_err(), "{answers:?}");
    }
}
