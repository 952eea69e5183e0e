//! What callers fetch files with, and what these are called.

use std::collections::HashSet;

use farcall_artifacts::fuzzing::location;
use farcall_core::{artifact::media_type_of, id::JobId};
use farcall_server::fuzzing::{disposition, link_opens, range as bytes_of_range, signed_query};
use farcall_wrap::fuzzing::file_names;
use http::HeaderValue;

use crate::choice;

/// The most files that a job leaves.
const MOST: usize = 1_000;

/// A link opens its file where it says all that was signed, as it was signed; what stands beside it
/// changes nothing.
pub(crate) fn link(data: &[u8]) {
    let Ok(query) = str::from_utf8(data) else {
        return;
    };
    if link_opens(query) {
        let signed = signed_query();
        let is_whole = signed
            .split('&')
            .all(|part| query.split('&').any(|said| said == part));
        assert!(is_whole, "`{query}` opens a file");
    }
}

/// A part of a file lies within it.
pub(crate) fn range(data: &[u8]) {
    let (size, value) = choice(data);
    let (size, Ok(value)) = (size as u64, HeaderValue::from_bytes(value)) else {
        return;
    };
    let bytes = bytes_of_range(value, size);
    assert!(
        bytes.start <= bytes.end && bytes.end <= size,
        "{bytes:?} of {size}"
    );
}

/// An id is written in one way.
pub(crate) fn job_id(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    if let Ok(id) = JobId::parse(text) {
        assert_eq!(id.to_string(), text);
    }
}

/// Whatever programs call their files, each gets a name of its own, which leads nowhere, stands in a URL and
/// in a header as it is, and is no page to a browser. A location reads what it writes, and has such a name.
pub(crate) fn file_name(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let paths: Vec<_> = text.split('\n').take(MOST).collect();
    let names = file_names(&paths);
    assert_eq!(names.len(), paths.len());
    assert_eq!(
        names.iter().collect::<HashSet<_>>().len(),
        names.len(),
        "a name twice: {names:?}"
    );
    for name in &names {
        assert!(is_plain(name), "{name:?} is no plain name");
        let header = disposition(name);
        let sent = header.strip_prefix("attachment; filename=\"");
        let sent = sent.and_then(|rest| rest.strip_suffix('"'));
        assert!(sent.is_some_and(is_of_names), "{header:?}");
        let is_page = ["html", "xml", "svg", "script"];
        let media_type = media_type_of(name);
        assert!(
            !is_page.iter().any(|page| media_type.contains(page)),
            "{name} is {media_type}"
        );
    }
    for path in paths {
        if let Some((written, name)) = location(path) {
            assert_eq!(written, path);
            assert!(is_plain(&name), "{name:?} in {path:?}");
        }
    }
}

/// Whether this is one segment of a path for every system and every parser.
fn is_plain(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && is_of_names(name)
        && !name.starts_with('.')
        && !name.ends_with('.')
}

fn is_of_names(name: &str) -> bool {
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.bytes().all(is_of_names)
}
