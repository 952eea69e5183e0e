//! What a wrapped program tells through the pipe that `$FARCALL_EVENTS` names: one JSON object a
//! line.
//!
//! | line | means |
//! | --- | --- |
//! | `{"stage": 2, "message": "…"}` | the second stage begins; `message` may be left out |
//! | `{"progress": 0.4, "message": "…"}` | so much of the present stage is done, 0 to 1; one of both may be left out |
//! | `{"artifact": "out/a.mp4"}` | this file is for the caller, by its path from the work folder |
//! | `{"result": {…}}` | the value of the job; the last one counts |
//! | `{"checkpoint": {…}}` | what a run that begins again is given |
//!
//! A line of another form is an error: it changes nothing.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use farcall_core::job::MAX_STAGE_VALUE;

/// The longest line, in bytes: the largest value that is kept, and what stands around it.
const MAX_LINE: usize = MAX_STAGE_VALUE + (1 << 10);

/// The longest path of a file, in bytes: that of Linux (`PATH_MAX`).
const MAX_PATH: usize = 4_096;

/// What a program tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The stage of this number begins, from 1.
    Stage {
        /// Its number.
        number: u32,
        /// What is being done in it.
        message: Option<String>,
    },
    /// How far the present stage is.
    Progress {
        /// From 0 to 1.
        fraction: Option<f64>,
        /// What is being done.
        message: Option<String>,
    },
    /// A file for the caller, by its path from the work folder.
    Artifact(String),
    /// The value of the job.
    Result(Value),
    /// What a run that begins again is given.
    Checkpoint(Value),
}

/// A line in its only forms; a field that is unknown or there twice is an error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
struct Said {
    stage: Option<u32>,
    progress: Option<f64>,
    message: Option<String>,
    artifact: Option<String>,
    #[serde(default, deserialize_with = "present")]
    result: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    checkpoint: Option<Value>,
}

/// `null` is a value here, not its absence.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Event {
    /// Reads a line without its end.
    ///
    /// # Errors
    /// What is wrong with it, for the job's log.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        // A sequence would be read field by field.
        if line.trim_ascii_start().first() != Some(&b'{') {
            return Err("it is no JSON object".to_owned());
        }
        let said: Said = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        match (
            said.stage,
            said.artifact,
            said.result,
            said.checkpoint,
            said.progress,
            said.message,
        ) {
            (Some(number), None, None, None, None, message) => Ok(Self::Stage { number, message }),
            (None, Some(path), None, None, None, None) => {
                if path.len() > MAX_PATH {
                    let long = path.len();
                    return Err(format!(
                        "a path has {long} bytes, at most {MAX_PATH} are taken"
                    ));
                }
                Ok(Self::Artifact(path))
            }
            (None, None, Some(value), None, None, None) => Ok(Self::Result(value)),
            (None, None, None, Some(value), None, None) => Ok(Self::Checkpoint(value)),
            (None, None, None, None, fraction, message)
                if fraction.is_some() || message.is_some() =>
            {
                if fraction.is_some_and(|fraction| !(0.0..=1.0).contains(&fraction)) {
                    return Err("`progress` goes from 0 to 1".to_owned());
                }
                Ok(Self::Progress { fraction, message })
            }
            _ => Err("it says not exactly one thing".to_owned()),
        }
    }
}

/// Makes events of bytes as they come.
#[derive(Debug, Default)]
pub struct Events {
    line: Vec<u8>,
    /// The present line was too long, and its rest is passed over.
    is_overlong: bool,
}

impl Events {
    /// The lines that end in `bytes`, blank ones left out.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Result<Event, String>> {
        let mut said = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.take(&rest[..end]);
            said.extend(self.ended());
            rest = &rest[end + 1..];
        }
        self.take(rest);
        said
    }

    fn take(&mut self, bytes: &[u8]) {
        if self.line.len() + bytes.len() > MAX_LINE {
            self.is_overlong = true;
            self.line = Vec::new();
        }
        if !self.is_overlong {
            self.line.extend_from_slice(bytes);
        }
    }

    fn ended(&mut self) -> Option<Result<Event, String>> {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.is_overlong) {
            return Some(Err(format!("it is longer than {MAX_LINE} bytes")));
        }
        (!line.trim_ascii().is_empty()).then(|| Event::parse(&line))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(line: &str) -> Result<Event, String> {
        Event::parse(line.as_bytes())
    }

    #[test]
    fn every_form_is_read() {
        let message = || Some("hi".to_owned());
        for (line, event) in [
            (
                r#"{"stage":2}"#,
                Event::Stage {
                    number: 2,
                    message: None,
                },
            ),
            (
                r#"{"message":"hi","stage":2}"#,
                Event::Stage {
                    number: 2,
                    message: message(),
                },
            ),
            (
                r#" {"progress": 0.4} "#,
                Event::Progress {
                    fraction: Some(0.4),
                    message: None,
                },
            ),
            (
                r#"{"progress":1,"message":"hi"}"#,
                Event::Progress {
                    fraction: Some(1.0),
                    message: message(),
                },
            ),
            (
                r#"{"message":"hi"}"#,
                Event::Progress {
                    fraction: None,
                    message: message(),
                },
            ),
            (
                r#"{"artifact":"out/a.mp4"}"#,
                Event::Artifact("out/a.mp4".to_owned()),
            ),
            (r#"{"result":{"a":[1]}}"#, Event::Result(json!({"a": [1]}))),
            (r#"{"result":null}"#, Event::Result(Value::Null)),
            (r#"{"checkpoint":7}"#, Event::Checkpoint(json!(7))),
        ] {
            assert_eq!(parse(line), Ok(event), "{line}");
        }
    }

    #[test]
    fn other_forms_are_errors() {
        for line in [
            "",
            "x",
            "1",
            "null",
            "[]",
            "{}",
            "[2]",
            "[1,null,null,null,null,null]",
            r#"{"stage":-1}"#,
            r#"{"stage":1.5}"#,
            r#"{"stage":"1"}"#,
            r#"{"stage":4294967296}"#,
            r#"{"stage":1,"stage":2}"#,
            r#"{"stage":1,"progress":0.5}"#,
            r#"{"Stage":1}"#,
            r#"{"stage":1,"x":2}"#,
            r#"{"stage":null}"#,
            r#"{"progress":1.01}"#,
            r#"{"progress":-0.1}"#,
            r#"{"progress":NaN}"#,
            r#"{"progress":1e999}"#,
            r#"{"artifact":1}"#,
            r#"{"artifact":"a","message":"b"}"#,
            r#"{"result":1,"result":2}"#,
            r#"{"result":1,"checkpoint":2}"#,
            r#"{"stage":1} {"stage":2}"#,
            "{\"stage\":1",
            "\u{feff}{\"stage\":1}",
            "{\"message\":\"\u{0}\"}",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_one_error_and_the_next_is_read() {
        let mut events = Events::default();
        for _ in 0..3 {
            assert_eq!(events.push(&vec![b'x'; MAX_LINE / 2]), []);
        }
        assert!(events.line.capacity() <= MAX_LINE);
        let said = events.push(b"x\n\n{\"stage\":1}\n{\"progress\":0.5}");
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said[0]
                .as_ref()
                .is_err_and(|fault| fault.contains("longer than"))
        );
        assert_eq!(
            said[1],
            Ok(Event::Stage {
                number: 1,
                message: None
            })
        );
    }

    #[test]
    fn a_path_is_no_longer_than_the_system_takes() {
        let line = |length| format!(r#"{{"artifact":"{}"}}"#, "x".repeat(length));
        assert!(parse(&line(MAX_PATH)).is_ok() && parse(&line(MAX_PATH + 1)).is_err());
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_end() {
        let line = format!("{{\"result\":{}", "[".repeat(100_000));
        assert!(parse(&line).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_event_or_an_error(bytes: Vec<u8>) {
            let _ = Event::parse(&bytes);
        }

        #[test]
        fn it_does_not_matter_how_bytes_are_cut(
            lines in prop::collection::vec(r#"[ -~\n]{0,20}|\{"stage":[0-9]\}\n"#, 0..8),
            at: prop::sample::Index,
        ) {
            let bytes = lines.concat().into_bytes();
            let at = at.index(bytes.len() + 1);
            let mut cut = Events::default();
            let mut said = cut.push(&bytes[..at]);
            said.extend(cut.push(&bytes[at..]));
            prop_assert_eq!(said, Events::default().push(&bytes));
        }

        #[test]
        fn what_was_written_is_read(value in any::<i64>(), message in any::<String>()) {
            let value = json!({"value": value, "message": message});
            let line = json!({"checkpoint": value}).to_string();
            prop_assert_eq!(parse(&line), Ok(Event::Checkpoint(value)));
        }
    }
}
