//! What holds for buckets alone.

use std::io::{self, Read};

use farcall_artifacts::ArtifactBody;
use farcall_core::problem::ErrorCode;
use url::Url;

use super::{places::TWO_PARTS, rig::Rig, s3::SECRET, *};

#[test]
fn a_whole_read_tells_that_an_object_was_changed() {
    for rig in [Rig::memory(), Rig::s3()] {
        let bytes = pattern(3_000_000);
        let artifact = rig.write(job(1), 1, "a", &bytes);
        rig.artifacts.remove_files(job(1)).unwrap();
        let mut other = bytes.clone();
        other[1_000_000] ^= 1;
        rig.write(job(1), 1, "a", &other);

        let (sent, error) = drain(&rig, rig.open(&artifact).unwrap().body(0..artifact.size));
        assert!(
            sent < artifact.size,
            "the client must not take it for whole"
        );
        assert_eq!(error.unwrap().kind(), io::ErrorKind::InvalidData);
        let mut reader = rig.artifacts.open_blocking(&artifact).unwrap();
        let read = io::copy(&mut reader, &mut io::sink());
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::InvalidData);
        // Parts have no checksum to be held against.
        assert!(rig.read(&artifact, 0..1_000_001).unwrap() == other[..1_000_001]);
    }
}

#[test]
fn a_read_goes_on_where_the_line_was_cut() {
    let rig = Rig::s3();
    let s3 = rig.s3.as_ref().unwrap();
    let bytes = pattern(3_000_000);
    let artifact = rig.write(job(1), 1, "a", &bytes);
    s3.cut_after(700_000);
    assert!(rig.read(&artifact, 0..u64::MAX).unwrap() == bytes);
    assert!(s3.cuts() >= 4, "{} cuts", s3.cuts());
    assert!(rig.read(&artifact, 5..2_500_000).unwrap() == bytes[5..2_500_000]);
}

#[test]
fn an_object_that_goes_while_it_is_sent_is_an_error_and_no_hang() {
    let rig = Rig::s3();
    let s3 = rig.s3.as_ref().unwrap();
    let artifact = rig.write(job(1), 1, "a", &pattern(3_000_000));
    let mut body = rig.open(&artifact).unwrap().body(0..artifact.size);
    s3.cut_after(700_000);
    let first = rig.runtime.block_on(body.frame()).unwrap().unwrap();
    fs::remove_file(s3.file(&format!("some/prefix/{}", artifact.location))).unwrap();
    let (rest, error) = drain(&rig, body);
    assert!(first.into_data().unwrap().len() as u64 + rest < artifact.size);
    assert!(error.is_some());
}

#[test]
fn an_asynchronous_stage_may_write_and_read_as_others_do() {
    let rig = Rig::s3();
    // As a job's own thread runs such a stage.
    rig.runtime.handle().block_on(async {
        let bytes = pattern(TWO_PARTS);
        let artifact = rig.write(job(1), 1, "a", &bytes);
        let mut reader = rig.artifacts.open_blocking(&artifact).unwrap();
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert!(read == bytes);
    });
}

#[test]
fn a_store_that_is_out_is_told_within_ten_seconds() {
    let rig = Rig::s3();
    let nobody = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1")];
    let artifacts = at(&rig, "s3://bucket", &nobody);
    let begun = std::time::Instant::now();
    let error = rig.runtime.block_on(artifacts.read(&some_artifact()));
    assert!(matches!(error, Err(ArtifactError::Store { .. })));
    assert!(begun.elapsed() < Duration::from_secs(15));
}

#[test]
fn a_store_that_refuses_is_told_at_once_and_without_secrets() {
    let rig = Rig::s3();
    let endpoint = &rig.s3.as_ref().unwrap().options[0].1;
    let signature = format!("sv=2021&sig={SECRET}");
    for (url, options) in [
        (
            "s3://bucket/prefix",
            vec![("AWS_ACCESS_KEY_ID", "somebody")],
        ),
        (
            "az://container/prefix",
            vec![
                ("AZURE_ENDPOINT", endpoint.as_str()),
                ("AZURE_ALLOW_HTTP", "true"),
                ("AZURE_STORAGE_ACCOUNT_NAME", "account"),
                ("AZURE_STORAGE_SAS_KEY", signature.as_str()),
            ],
        ),
    ] {
        let artifacts = at(&rig, url, &options);
        let unread = rig.runtime.block_on(artifacts.read(&some_artifact()));
        let unbegun = artifacts.create(job(1), 1, "a", "x/y").map(drop);
        let unchecked = rig.runtime.block_on(artifacts.check());
        for error in [
            unread.unwrap_err(),
            unbegun.unwrap_err(),
            unchecked.unwrap_err(),
        ] {
            assert!(matches!(error, ArtifactError::Store { .. }), "{error}");
            let all = format!("{error} {error:?} {artifacts:?}");
            assert!(!all.contains(SECRET), "{all}");
            let problem = error.into_problem();
            assert_eq!(problem.code(), ErrorCode::Internal);
            assert!(!problem.public_message().contains("bucket"), "{problem}");
        }
    }
}

#[test]
fn an_upload_that_fails_is_told_while_it_is_written() {
    let rig = Rig::s3();
    let mut sink = rig.begin(job(1), 1, "a").unwrap();
    sink.write_all(&pattern(TWO_PARTS)).unwrap();
    rig.wait_for_unfinished(1);
    // The server forgets the upload, as one does that a lifecycle rule ended.
    rig.s3.as_ref().unwrap().forget_uploads();
    let written = (0..9).try_for_each(|_| sink.write_all(&pattern(TWO_PARTS)));
    assert!(written.is_err());
    assert!(sink.write_all(b"more").is_err());
    assert!(sink.finish().is_err());
    assert_eq!(rig.sweep(&[]).unrecorded, 0);
}

#[test]
fn a_url_that_names_no_place_is_refused_with_its_reason() {
    let rig = Rig::memory();
    let _entered = rig.runtime.enter();
    for (url, reason) in [
        ("ftp://host/folder", "it is none of"),
        ("https://example.com/x", "it is none of"),
        ("s3://user:secret@bucket", "more than a bucket"),
        ("s3://bucket/prefix?token=secret", "more than a bucket"),
        ("file://host/folder", "no folder of this machine"),
    ] {
        let url: Url = url.parse().unwrap();
        let error = Artifacts::open_url(rig.data.path(), &url, []).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

/// The same server, reached by another URL or with other options.
fn at(rig: &Rig, url: &str, options: &[(&str, &str)]) -> Artifacts {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let own = rig.s3.as_ref().unwrap().options.iter().cloned();
    let options = own.chain(options.iter().map(owned));
    let _entered = rig.runtime.enter();
    Artifacts::open_url(rig.data.path(), &url.parse().unwrap(), options).unwrap()
}

fn some_artifact() -> Artifact {
    Artifact::new("a", "x/y", 3, "", format!("{}/1-a", job(1)))
}

/// How many bytes came, and what ended them.
fn drain(rig: &Rig, mut body: ArtifactBody) -> (u64, Option<io::Error>) {
    let mut sent = 0;
    while let Some(frame) = rig.runtime.block_on(body.frame()) {
        match frame {
            Ok(frame) => sent += frame.into_data().unwrap().len() as u64,
            Err(error) => return (sent, Some(error)),
        }
    }
    (sent, None)
}
