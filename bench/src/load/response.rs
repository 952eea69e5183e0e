//! Reads HTTP/1.1 answers as they arrive, and keeps of them what is asked for.

use anyhow::{Context, Result, bail, ensure};

/// The answer that a connection is waiting for.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    state: State,
    /// The head, where it did not come in one piece or is to be kept.
    head: Vec<u8>,
    status: u16,
    /// Bytes of the body so far.
    length: u64,
    /// Whether head and body are kept.
    keeps: bool,
    body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    Body(u64),
    ChunkLength(u64),
    Chunk(u64),
    /// The line after the last chunk; trailers are not expected.
    LastLine,
    Done,
}

impl Reader {
    /// A reader that keeps what it reads.
    pub(crate) fn keeping() -> Self {
        Self {
            keeps: true,
            ..Self::default()
        }
    }

    /// Takes what has arrived; `true` where that was the last of the answer.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Result<bool> {
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Head => self.feed_head(bytes)?,
                State::Body(left) => {
                    let rest = self.take(bytes, left);
                    let left = left - (bytes.len() - rest.len()) as u64;
                    self.state = if left == 0 {
                        State::Done
                    } else {
                        State::Body(left)
                    };
                    rest
                }
                State::ChunkLength(length) => self.feed_chunk_length(length, bytes)?,
                State::Chunk(left) => {
                    let rest = self.take_chunk(bytes, left);
                    let left = left - (bytes.len() - rest.len()) as u64;
                    self.state = if left == 0 {
                        State::ChunkLength(0)
                    } else {
                        State::Chunk(left)
                    };
                    rest
                }
                State::LastLine => {
                    if bytes[0] == b'\n' {
                        self.state = State::Done;
                    }
                    &bytes[1..]
                }
                State::Done => bail!("the server sent more than one answer"),
            };
        }
        Ok(self.state == State::Done)
    }

    /// The status of the answer that is complete.
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// The length of its body.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Its body, where it is kept.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The value of a header, where the head is kept.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let head = std::str::from_utf8(&self.head).ok()?;
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    fn feed_head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        let before = self.head.len();
        if before == 0
            && !self.keeps
            && let Some(end) = end_of_head(bytes)
        {
            self.begin(&bytes[..end])?;
            return Ok(&bytes[end..]);
        }
        self.head.extend_from_slice(bytes);
        let Some(end) = end_of_head(&self.head) else {
            ensure!(
                self.head.len() < 64 << 10,
                "the head of an answer never ends"
            );
            return Ok(&[]);
        };
        self.head.truncate(end);
        let head = std::mem::take(&mut self.head);
        self.begin(&head)?;
        self.head = head;
        Ok(&bytes[end - before..])
    }

    fn begin(&mut self, head: &[u8]) -> Result<()> {
        let digits = head.get(9..12).context("an answer has no status")?;
        self.status = std::str::from_utf8(digits)?.parse()?;
        self.state = State::Body(0);
        for line in head.split(|&byte| byte == b'\n').skip(1) {
            // Nearly every line can be told apart by its first letter.
            match line.first() {
                Some(b'c' | b'C') if has_name(line, b"content-length:") => {
                    let value = std::str::from_utf8(&line[15..])?.trim();
                    self.state = State::Body(value.parse()?);
                }
                Some(b't' | b'T') if has_name(line, b"transfer-encoding:") => {
                    self.state = State::ChunkLength(0);
                }
                _ => {}
            }
        }
        if self.state == State::Body(0) {
            self.state = State::Done;
        }
        Ok(())
    }

    fn feed_chunk_length<'a>(&mut self, mut length: u64, bytes: &'a [u8]) -> Result<&'a [u8]> {
        for (index, byte) in bytes.iter().enumerate() {
            match byte {
                b'\r' => {}
                b'\n' => {
                    // The line's end counts as part of the chunk.
                    self.state = if length == 0 {
                        State::LastLine
                    } else {
                        State::Chunk(length + 2)
                    };
                    return Ok(&bytes[index + 1..]);
                }
                digit => {
                    let digit = char::from(*digit)
                        .to_digit(16)
                        .context("a chunk has no length")?;
                    length = length * 16 + u64::from(digit);
                }
            }
        }
        self.state = State::ChunkLength(length);
        Ok(&[])
    }

    fn take<'a>(&mut self, bytes: &'a [u8], left: u64) -> &'a [u8] {
        let (taken, rest) =
            bytes.split_at(bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
        self.length += taken.len() as u64;
        if self.keeps {
            self.body.extend_from_slice(taken);
        }
        rest
    }

    /// The last two bytes of a chunk are its line's end.
    fn take_chunk<'a>(&mut self, bytes: &'a [u8], left: u64) -> &'a [u8] {
        let rest = self.take(bytes, left.saturating_sub(2));
        let after = left - (bytes.len() - rest.len()) as u64;
        if after > 2 {
            return rest;
        }
        &rest[rest.len().min(usize::try_from(after).unwrap_or(2))..]
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|start| start + 4)
}

fn has_name(line: &[u8], name: &[u8]) -> bool {
    line.len() >= name.len() && line[..name.len()].eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &[u8], piece: usize) -> (u16, u64, Vec<u8>) {
        let mut reader = Reader::keeping();
        let mut is_done = false;
        for bytes in answer.chunks(piece) {
            assert!(!is_done);
            is_done = reader.feed(bytes).unwrap();
        }
        assert!(is_done);
        (reader.status(), reader.length(), reader.body().to_vec())
    }

    #[test]
    fn answers_are_read_in_pieces_of_any_size() {
        let plain = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhello";
        let chunked = b"HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\nA\r\nlo world, \r\n1\r\nx\r\n0\r\n\r\n";
        let empty = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
        for piece in 1..90 {
            assert_eq!(read(plain, piece), (200, 5, b"hello".to_vec()));
            assert_eq!(read(chunked, piece), (404, 14, b"hello world, x".to_vec()));
            assert_eq!(read(empty, piece), (202, 0, Vec::new()));
        }
    }
}
