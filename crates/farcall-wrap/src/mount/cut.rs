//! The beginning of a message that is too long to be read.

use std::fmt;

use serde::{
    Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};

use super::message;

/// What a message is about, as far as its beginning says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// It answers the request with this id.
    Answer(u64),
    /// It is a notification or a request of the server's own.
    Own,
    /// Nobody knows.
    Unknown,
}

/// What a message that begins like this is about.
pub(super) fn about(beginning: &[u8]) -> About {
    let mut found = Found::default();
    let mut reader = serde_json::Deserializer::from_slice(beginning);
    // It ends with an error, because the message does not end here, or because enough is known.
    let _ = reader.deserialize_map(&mut found);
    match (found.has_method, found.id) {
        (true, _) => About::Own,
        (false, Some(id)) => About::Answer(id),
        (false, None) => About::Unknown,
    }
}

#[derive(Default)]
struct Found {
    id: Option<u64>,
    has_method: bool,
}

impl<'de> Visitor<'de> for &mut Found {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a message of JSON-RPC")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "method" => {
                    self.has_method = true;
                    return Err(A::Error::custom("it is known"));
                }
                "result" | "error" if self.id.is_some() => {
                    return Err(A::Error::custom("it is known"));
                }
                "id" => self.id = message::own_id(&map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_beginning_of_a_message_says_whom_it_concerns() {
        for (beginning, expected) in [
            (
                r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"te"#,
                About::Answer(7),
            ),
            (r#"{"id":"7","error":{"mess"#, About::Answer(7)),
            (r#"{"id":7,"more":"x"#, About::Answer(7)),
            // Its own ids have nothing to do with ours.
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":{"#,
                About::Own,
            ),
            (
                r#"{"method":"notifications/message","params":{"#,
                About::Own,
            ),
            (r#"{"result":{"content":[{"text":"x"#, About::Unknown),
            (r#"{"result":{"id":7,"text":"x"#, About::Unknown),
            (r#"{"id":{"a":7},"result":"x"#, About::Unknown),
            (r#"[{"id":7,"result":"#, About::Unknown),
            ("", About::Unknown),
            ("xxxxxx", About::Unknown),
        ] {
            assert_eq!(about(beginning.as_bytes()), expected, "{beginning}");
        }
    }

    proptest! {
        #[test]
        fn no_beginning_does_harm(bytes: Vec<u8>) {
            let _ = about(&bytes);
        }
    }
}
