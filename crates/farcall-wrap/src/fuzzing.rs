//! Parsers that are nobody's business but this crate's, for the targets of `fuzz`.

use serde_json::Value;

use crate::{lines::Lines, wire::frame::Inbox};

/// The lines that a program printed, which came in these pieces.
pub fn lines(pieces: &[&[u8]]) -> Vec<String> {
    let mut lines = Lines::default();
    let ended: Vec<_> = pieces.iter().flat_map(|piece| lines.push(piece)).collect();
    let all = ended.into_iter().chain(lines.finish());
    all.map(|line| line.text).collect()
}

/// How many messages the other side of the shim's socket sent, up to the first that is none.
pub fn messages(bytes: &[u8]) -> usize {
    let mut inbox = Inbox::default();
    inbox.push(bytes);
    std::iter::from_fn(|| inbox.next::<Value>().ok().flatten()).count()
}
