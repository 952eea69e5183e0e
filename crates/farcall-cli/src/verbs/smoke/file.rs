//! The file at the end of a job: fetched, and held against what the result says about it.

use farcall_core::artifact::hexadecimal;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use super::report::FileReport;
use crate::{
    Failure,
    client::{Endpoint, download::Download, one_line, without_query},
};

/// Fetches the file at `url`, and holds it against what `result` says about it; its size in bytes.
pub(in crate::verbs) async fn fetched(
    endpoint: &Endpoint,
    url: &str,
    result: &Value,
) -> Result<u64, Failure> {
    let file = fetch(endpoint, url, result).await?;
    check(&file, url, result)?;
    Ok(file.size)
}

/// Fetches the file at `url`; whether it is the one that `result` describes is in the report.
pub(super) async fn fetch(
    endpoint: &Endpoint,
    url: &str,
    result: &Value,
) -> Result<FileReport, Failure> {
    let mut download = Download::open(endpoint, url).await?;
    let (mut size, mut hash) = (0, Sha256::new());
    let most = described(url, result).and_then(|artifact| artifact["size"].as_u64());
    while let Some(chunk) = download.chunk().await? {
        size += chunk.as_ref().len() as u64;
        hash.update(chunk);
        // It is another file already, and may have no end.
        if most.is_some_and(|most| size > most) {
            break;
        }
    }
    let mut report = FileReport {
        url: Url::parse(url).map_or_else(|_| url.to_owned(), |url| without_query(&url)),
        size,
        sha256: hexadecimal(&hash.finalize()),
        ok: true,
    };
    report.ok = fault(&report, described(url, result)).is_none();
    Ok(report)
}

/// What is wrong with the file, one sentence.
pub(super) fn check(file: &FileReport, url: &str, result: &Value) -> Result<(), Failure> {
    match fault(file, described(url, result)) {
        None => Ok(()),
        Some(fault) => Err(Failure::failed(fault)
            .hint("is there a cache or a proxy on the way that changes what it carries?")),
    }
}

/// The artifact at `url`, else the first one. Servers of the guide describe none.
fn described<'a>(url: &str, result: &'a Value) -> Option<&'a Value> {
    let artifacts = result["artifacts"].as_array()?;
    let same = artifacts.iter().find(|artifact| artifact["url"] == url);
    same.or_else(|| artifacts.first())
}

fn fault(file: &FileReport, artifact: Option<&Value>) -> Option<String> {
    let Some(artifact) = artifact else {
        return (file.size == 0).then(|| "the downloaded file is empty".to_owned());
    };
    let (size, sha256) = (&artifact["size"], &artifact["sha256"]);
    if *size != file.size {
        return Some(format!(
            "the downloaded file has {} bytes, the result says {size}",
            file.size
        ));
    }
    if *sha256 != file.sha256.as_str() {
        let said = sha256.as_str().unwrap_or("nothing");
        return Some(format!(
            "the sha256 of the downloaded file is {}, the result says {}",
            file.sha256,
            one_line(said)
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file() -> FileReport {
        FileReport {
            url: "http://a/files/1".to_owned(),
            size: 3,
            sha256: "ab".to_owned(),
            ok: true,
        }
    }

    #[test]
    fn size_and_checksum_are_compared() {
        let judge = |size: u64, sha256: &str| {
            let result = json!({"artifacts": [
                {"url": "http://a/files/1/other", "size": 0, "sha256": ""},
                {"url": "http://a/files/1", "size": size, "sha256": sha256},
            ]});
            check(&file(), "http://a/files/1", &result)
        };
        assert!(judge(3, "ab").is_ok());
        assert!(judge(4, "ab").unwrap_err().message.contains('4'));
        assert!(judge(3, "cd").unwrap_err().message.contains("cd"));
    }

    #[test]
    fn a_file_that_nobody_describes_is_not_empty() {
        assert!(check(&file(), "http://a/files/1", &json!({})).is_ok());
        let empty = FileReport { size: 0, ..file() };
        assert!(check(&empty, "http://a/files/1", &json!({})).is_err());
    }
}
