//! Public identities of jobs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The identity of a job: 128 random bits as 32 lower-case hexadecimal digits.
///
/// It is random, and not ordered by time, so that it cannot be guessed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId([u8; 16]);

/// A text that is not a job id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job id is 32 hexadecimal digits")]
pub struct NotAJobId;

impl JobId {
    /// An id of these bits, which must come from a cryptographic random source.
    pub fn from_random(bits: [u8; 16]) -> Self {
        Self(bits)
    }

    /// Reads the form that [`Display`](fmt::Display) writes.
    ///
    /// # Errors
    /// [`NotAJobId`] for anything but 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, NotAJobId> {
        let digits = text.as_bytes();
        if digits.len() != 32 {
            return Err(NotAJobId);
        }
        let mut bits = [0; 16];
        for (bit, pair) in bits.iter_mut().zip(digits.chunks_exact(2)) {
            *bit = (value(pair[0])? << 4) | value(pair[1])?;
        }
        Ok(Self(bits))
    }
}

fn value(digit: u8) -> Result<u8, NotAJobId> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(NotAJobId),
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl TryFrom<String> for JobId {
    type Error = NotAJobId;

    fn try_from(text: String) -> Result<Self, NotAJobId> {
        Self::parse(&text)
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_what_it_writes() {
        let id = JobId::from_random([0xab; 16]);
        assert_eq!(JobId::parse(&id.to_string()), Ok(id));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "ab", &"A".repeat(32), &"g".repeat(32), &"0".repeat(33)] {
            assert_eq!(JobId::parse(text), Err(NotAJobId), "{text}");
        }
    }
}
