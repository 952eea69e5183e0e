//! A store that breaks off, more often than the client over HTTP makes up for by itself.

use futures_util::TryStreamExt;

use super::{
    super::moody::{Answer, Moody},
    *,
};

const SIZE: usize = 1_000_000;

/// What a read of `range` comes to where the store gives these answers.
async fn read(range: Range<u64>, answers: &[Answer]) -> io::Result<Vec<u8>> {
    let bytes = all();
    let path = Path::from("a");
    let object = Object {
        store: Moody::holding(&path, bytes.clone(), answers).await,
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
