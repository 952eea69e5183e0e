//! Conditional requests (RFC 9110 section 13). A file never changes, and its tag is its checksum.

use http::{HeaderMap, header};

/// Whether the caller insists on a file that this is not.
pub(super) fn is_another(headers: &HeaderMap, tag: &str) -> bool {
    let wanted = headers.get_all(header::IF_MATCH).iter();
    let mut wanted = wanted
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .peekable();
    wanted.peek().is_some()
        && !wanted.any(|wanted| matches!(wanted.trim(), "*") || wanted.trim() == tag)
}

/// Whether the caller has this very file already.
pub(super) fn is_unchanged(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut known = known
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    known.any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
    })
}

/// Whether a range counts: always, unless it was asked for on the condition of another file.
pub(super) fn range_applies(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get(header::IF_RANGE)
        .is_none_or(|condition| condition.as_bytes() == tag.as_bytes())
}
