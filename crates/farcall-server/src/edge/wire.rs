//! What a JSON-RPC body must be before the protocol library sees it.
//!
//! Parsers differ in which of two equal keys they honour, and a gateway that reads one while
//! the server runs the other is a hole (CVE-2026-27896 and its like). So an object with a key
//! twice is refused here, at any depth, and what was judged is what runs. Some parsers honour
//! `Name` where they look for `name`, so the protocol's own keys count in their own case alone, and
//! others beside them must differ in more than their case. Those of a tool's own arguments may be
//! what the tool likes.

use std::{borrow::Cow, collections::HashSet, fmt};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor},
};

/// The keys of a request, of a notification and of an answer.
const OF_REQUESTS: &[&str] = &["error", "id", "jsonrpc", "method", "params", "result"];

/// The keys of whatever `params` a client sends.
const OF_PARAMS: &[&str] = &[
    "_meta",
    "argument",
    "arguments",
    "capabilities",
    "clientInfo",
    "context",
    "cursor",
    "inputResponses",
    "level",
    "message",
    "name",
    "notifications",
    "progress",
    "progressToken",
    "protocolVersion",
    "reason",
    "ref",
    "requestId",
    "requestState",
    "task",
    "taskId",
    "total",
    "uri",
];

/// What is wrong with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WireFault {
    /// No JSON, not UTF-8, or nested too deeply: JSON-RPC -32700.
    NotJson(String),
    /// JSON, but no single request: JSON-RPC -32600.
    NotARequest(String),
}

/// The start of the message by which a duplicate is told from other faults.
const DUPLICATE: &str = "duplicate key ";

/// The same for a key that the protocol cannot have.
const FOREIGN: &str = "foreign key ";

/// Reads `body` once, without keeping anything.
pub(crate) fn check(body: &[u8]) -> Result<(), WireFault> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => {
            return Err(WireFault::NotJson(
                "the body is empty; send one JSON-RPC request".to_owned(),
            ));
        }
        Some(b'[') => {
            return Err(WireFault::NotARequest(
                "batches are not part of MCP; send one request at a time".to_owned(),
            ));
        }
        Some(_) => {}
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = Place::Request
        .deserialize(&mut json)
        .and_then(|()| json.end());
    let Err(fault) = read else { return Ok(()) };
    let sentence = fault.to_string();
    // serde adds where it was; the key says it better.
    let key_of = |kind| {
        let rest = sentence.strip_prefix(kind)?;
        Some(rest.rsplit_once(" at line ").map_or(rest, |(key, _)| key))
    };
    Err(if let Some(key) = key_of(DUPLICATE) {
        WireFault::NotARequest(format!("the key {key} is there twice; send each key once"))
    } else if let Some(key) = key_of(FOREIGN) {
        WireFault::NotARequest(format!("the protocol has no key {key}"))
    } else {
        WireFault::NotJson(format!("the body is no valid JSON: {sentence}"))
    })
}

/// Where in a request a value stands; read there, no object in it may have a key twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The request itself.
    Request,
    /// Its `params`.
    Params,
    /// Anything below or beside them.
    Inside,
}

impl Place {
    /// The place of what `key` names here.
    fn below(self, key: &str) -> Self {
        match self {
            Self::Request if key == "params" => Self::Params,
            _ => Self::Inside,
        }
    }

    /// The protocol's own key that `key` is but for its case.
    fn miswritten(self, key: &str) -> Option<&'static str> {
        let known = match self {
            Self::Request => OF_REQUESTS,
            Self::Params => OF_PARAMS,
            Self::Inside => return None,
        };
        let mut like = known.iter().filter(|known| known.eq_ignore_ascii_case(key));
        like.next().copied().filter(|known| *known != key)
    }

    /// The key by which others are compared here: without its case where the protocol knows it.
    fn folded(self, key: Cow<'_, str>) -> Cow<'_, str> {
        if self == Self::Inside || !key.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return key;
        }
        Cow::Owned(key.to_ascii_lowercase())
    }
}

impl<'de> DeserializeSeed<'de> for Place {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(Self::Inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut seen = Keys::default();
        while let Some(Key(key)) = entries.next_key()? {
            let place = self.below(&key);
            if self != Self::Inside && !key.is_ascii() {
                // Some parsers take `ſ` for `s`; the protocol itself has no such key.
                let shown: String = key.chars().take(64).collect();
                let shown = shown.escape_debug();
                let said = format!("{FOREIGN}`{shown}`; its keys are ASCII");
                return Err(A::Error::custom(said));
            }
            if let Some(known) = self.miswritten(&key) {
                let said = format!("{FOREIGN}`{key}`; write `{known}`");
                return Err(A::Error::custom(said));
            }
            let folded = self.folded(key);
            if !seen.is_new(&folded) {
                let shown: String = folded.chars().take(64).collect();
                return Err(A::Error::custom(format!(
                    "{DUPLICATE}`{}`",
                    shown.escape_debug()
                )));
            }
            seen.keep(folded);
            entries.next_value_seed(place)?;
        }
        Ok(())
    }
}

/// A key, borrowed from the body unless it holds escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }

        deserializer.deserialize_str(KeyVisitor)
    }
}

/// The keys of one object: a few are compared one by one, many are hashed.
#[derive(Default)]
struct Keys<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> Keys<'de> {
    const FEW: usize = 16;

    fn is_new(&self, key: &str) -> bool {
        !self.few.iter().any(|seen| seen == key) && !self.many.contains(key)
    }

    fn keep(&mut self, key: Cow<'de, str>) {
        if self.few.len() < Self::FEW {
            self.few.push(key);
        } else {
            self.many.insert(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_requests_pass() {
        for body in [
            r#"{"a":1,"b":{"a":[1,2.5,null,true,"x"]}}"#,
            " {} ",
            "1",
            r#""x""#,
        ] {
            assert_eq!(check(body.as_bytes()), Ok(()), "{body}");
        }
    }

    #[test]
    fn a_key_twice_is_refused_at_any_depth_and_in_any_spelling() {
        for body in [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":1,"\u0061":2}]}"#] {
            let fault = check(body.as_bytes()).unwrap_err();
            assert_eq!(
                fault,
                WireFault::NotARequest("the key `a` is there twice; send each key once".to_owned())
            );
        }
        let many = (0..100)
            .map(|n| format!("\"k{n}\":0"))
            .collect::<Vec<_>>()
            .join(",");
        assert_eq!(check(format!("{{{many}}}").as_bytes()), Ok(()));
        assert!(check(format!("{{{many},\"k99\":0}}").as_bytes()).is_err());
    }

    #[test]
    fn the_case_of_a_key_counts_in_what_belongs_to_a_tool_only() {
        let wrong = |body: &str| matches!(check(body.as_bytes()), Err(WireFault::NotARequest(_)));
        assert!(wrong(r#"{"method":"a","Method":"b"}"#));
        assert!(wrong(r#"{"params":{},"PARAMS":{}}"#));
        assert!(wrong(r#"{"params":{"Name":"a","name":"b"}}"#));
        assert!(wrong(r#"{"params":{"other":1,"Other":2}}"#));
        let own = r#"{"params":{"name":"a","arguments":{"x":1,"X":2,"params":{"y":1,"Y":2}}}}"#;
        assert_eq!(check(own.as_bytes()), Ok(()));
    }

    #[test]
    fn a_key_of_the_protocol_in_another_case_is_refused_also_alone() {
        let mut refused = Vec::new();
        for (keys, before, after) in [(OF_REQUESTS, "{", "}"), (OF_PARAMS, "{\"params\":{", "}}")] {
            for key in keys {
                let body = |key: &str| format!("{before}\"{key}\":{{}}{after}");
                assert_eq!(check(body(key).as_bytes()), Ok(()), "{key}");
                let shouted = key.to_ascii_uppercase();
                let said = format!("the protocol has no key `{shouted}`; write `{key}`");
                let fault = check(body(&shouted).as_bytes());
                assert_eq!(fault, Err(WireFault::NotARequest(said)));
                refused.push(shouted);
            }
        }
        // Where somebody else says what a key means, none of these is one of the protocol.
        for key in refused {
            let own = format!("{{\"params\":{{\"arguments\":{{\"{key}\":1}}}}}}");
            assert_eq!(check(own.as_bytes()), Ok(()), "{key}");
        }
    }

    #[test]
    fn a_key_that_only_looks_like_one_of_the_protocol_is_refused() {
        for body in [
            "{\"param\u{17f}\":{}}",
            "{\"params\":{\"argument\u{17f}\":{}}}",
        ] {
            let fault = check(body.as_bytes()).unwrap_err();
            assert!(matches!(&fault, WireFault::NotARequest(said) if said.contains("ASCII")));
        }
        let own = "{\"params\":{\"arguments\":{\"größe\":1}}}";
        assert_eq!(check(own.as_bytes()), Ok(()));
    }

    #[test]
    fn what_is_no_json_is_told_apart_from_what_is_no_request() {
        let deep = "[".repeat(1000);
        let deep = format!("{{\"a\":{deep}");
        for body in ["", " ", "{", "{\"a\":NaN}", "{\"a\":\u{1}}", &deep, "{}x"] {
            assert!(
                matches!(check(body.as_bytes()), Err(WireFault::NotJson(_))),
                "{body:.20}"
            );
        }
        assert!(matches!(
            check(b"{\"a\":\"\xff\"}"),
            Err(WireFault::NotJson(_))
        ));
        assert!(matches!(check(b"[{}]"), Err(WireFault::NotARequest(_))));
    }
}
