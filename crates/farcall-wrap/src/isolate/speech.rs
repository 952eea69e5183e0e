//! Messages on a pipe: JSON, one a line, none longer than it may be.

use serde::{Serialize, de::DeserializeOwned};

use super::LONGEST;

/// A message as it is written.
pub(super) fn line(message: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

/// Makes messages of bytes as they come.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    bytes: Vec<u8>,
}

impl Hearing {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message that has come as a whole.
    ///
    /// # Errors
    /// Where it is none, or longer than one may be: what is wrong with it.
    pub(super) fn next<T: DeserializeOwned>(&mut self) -> Option<Result<T, String>> {
        let too_long = || Some(Err(format!("it is longer than {LONGEST} bytes")));
        let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') else {
            return if self.bytes.len() > LONGEST {
                too_long()
            } else {
                None
            };
        };
        let line: Vec<_> = self.bytes.drain(..=end).collect();
        if line.len() > LONGEST {
            return too_long();
        }
        let message = serde_json::from_slice(&line);
        Some(message.map_err(|error| format!("it is no message: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn messages_are_heard_however_they_are_cut() {
        let bytes = [line(&json!({"a": "\n"})).unwrap(), line(&json!(2)).unwrap()].concat();
        for at in 0..bytes.len() {
            let mut hearing = Hearing::default();
            let mut heard = Vec::new();
            for part in [&bytes[..at], &bytes[at..]] {
                hearing.push(part);
                while let Some(message) = hearing.next::<Value>() {
                    heard.push(message.unwrap());
                }
            }
            assert_eq!(heard, [json!({"a": "\n"}), json!(2)], "{at}");
        }
    }

    #[test]
    fn what_is_none_or_too_long_is_an_error() {
        let mut hearing = Hearing::default();
        hearing.push(b"{\n");
        assert!(hearing.next::<Value>().unwrap().is_err());
        hearing.push(&vec![b'1'; LONGEST]);
        assert!(hearing.next::<Value>().is_none());
        hearing.push(b"1");
        assert!(hearing.next::<Value>().unwrap().is_err());
    }
}
