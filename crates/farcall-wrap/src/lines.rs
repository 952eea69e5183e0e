//! Output of programs, line by line.

use crate::text;

/// The longest line, in bytes; a longer one is taken in pieces of this length.
const MAX_LINE: usize = 8 << 10;

/// Makes lines of bytes as they come. A carriage return ends a line too, as bars of progress use it.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    line: Vec<u8>,
    /// A line feed would be the second half of the end of a line.
    is_after_return: bool,
}

/// A line without its end, [clean](text::clean).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) text: String,
    /// Whether a carriage return ended it, so that on a terminal the next one takes its place.
    pub(crate) is_overwritten: bool,
}

impl Lines {
    /// The lines that end in `bytes`.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        for &byte in bytes {
            let was_after_return = std::mem::replace(&mut self.is_after_return, byte == b'\r');
            match byte {
                b'\n' if was_after_return => {}
                b'\n' | b'\r' => lines.push(self.taken(byte == b'\r')),
                _ => {
                    self.line.push(byte);
                    if self.line.len() == MAX_LINE {
                        lines.push(self.taken(false));
                    }
                }
            }
        }
        lines
    }

    /// What has come since the last line ended.
    pub(crate) fn finish(&mut self) -> Option<Line> {
        (!self.line.is_empty()).then(|| self.taken(false))
    }

    fn taken(&mut self, is_overwritten: bool) -> Line {
        let text = text::clean(&text::of_bytes(&self.line, false));
        self.line.clear();
        Line {
            text,
            is_overwritten,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(chunks: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let pushed: Vec<_> = chunks.iter().flat_map(|chunk| lines.push(chunk)).collect();
        let all = pushed.into_iter().chain(lines.finish());
        all.map(|line| line.text).collect()
    }

    #[test]
    fn line_feeds_carriage_returns_and_both_end_a_line() {
        assert_eq!(texts(&[b"a\nb\rc\r\nd"]), ["a", "b", "c", "d"]);
        assert_eq!(texts(&[b"a\r", b"\nb"]), ["a", "b"]);
        assert_eq!(texts(&[b"\n\n"]), ["", ""]);
        assert_eq!(
            texts(&["ü".as_bytes().split_at(1).0, "ü\n".as_bytes().split_at(1).1]),
            ["ü"]
        );
    }

    #[test]
    fn a_line_that_is_overwritten_says_so() {
        let lines = Lines::default().push(b"10 %\rdone\n");
        assert!(lines[0].is_overwritten && !lines[1].is_overwritten);
    }

    #[test]
    fn a_line_without_an_end_is_taken_in_pieces() {
        let mut lines = Lines::default();
        let pieces = lines.push(&vec![b'x'; 3 * MAX_LINE + 1]);
        assert!(pieces.iter().all(|piece| piece.text.len() == MAX_LINE));
        assert_eq!((pieces.len(), lines.finish().unwrap().text.len()), (3, 1));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_bytes_are_cut(bytes: Vec<u8>, at: prop::sample::Index) {
            let at = at.index(bytes.len() + 1);
            prop_assert_eq!(texts(&[&bytes]), texts(&[&bytes[..at], &bytes[at..]]));
        }
    }
}
