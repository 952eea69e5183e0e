//! Messages as bytes: four of length, the least first, then JSON.

use std::io;

use serde::{Serialize, de::DeserializeOwned};

/// The longest message. Linux takes 6 MiB of arguments and environment at most, which JSON may
/// write as four times as many.
const LONGEST: usize = 32 << 20;

/// A message as it travels.
///
/// # Errors
/// Where it is longer than what the other side would take.
pub(crate) fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = bytes.len() - 4;
    if length > LONGEST {
        return Err(io::Error::from(io::ErrorKind::ArgumentListTooLong));
    }
    let length = u32::try_from(length).map_err(io::Error::other)?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    Ok(bytes)
}

/// Bytes that arrived, of which messages are made.
#[derive(Debug)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    longest: usize,
}

impl Default for Inbox {
    fn default() -> Self {
        Self::up_to(LONGEST)
    }
}

impl Inbox {
    /// One that takes no message of more than `longest` bytes.
    pub(crate) fn up_to(longest: usize) -> Self {
        let bytes = Vec::new();
        Self { bytes, longest }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message, once it is there as a whole.
    ///
    /// # Errors
    /// Where it is too long, or no message.
    pub(crate) fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let Some((length, rest)) = self.bytes.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*length) as usize;
        if length > self.longest {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        let Some(message) = rest.get(..length) else {
            return Ok(None);
        };
        let message = serde_json::from_slice(message)?;
        self.bytes.drain(..4 + length);
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_whole_however_they_are_cut() {
        let mut bytes = encode(&"first").unwrap();
        bytes.extend(encode(&vec![1, 2]).unwrap());
        let mut inbox = Inbox::default();
        let (last, others) = bytes.split_last().unwrap();
        for byte in others {
            inbox.push(&[*byte]);
        }
        assert_eq!(inbox.next::<String>().unwrap().unwrap(), "first");
        assert!(inbox.next::<Vec<u8>>().unwrap().is_none());
        inbox.push(&[*last]);
        assert_eq!(inbox.next::<Vec<u8>>().unwrap().unwrap(), [1, 2]);
    }

    #[test]
    fn a_length_that_nobody_sends_is_refused_before_it_is_awaited() {
        for (mut inbox, length) in [(Inbox::default(), u32::MAX), (Inbox::up_to(3), 4)] {
            inbox.push(&length.to_le_bytes());
            assert!(inbox.next::<String>().is_err(), "{length}");
        }
    }
}
