//! Texts, and JSON in text columns.
//!
//! PostgreSQL holds every character but NUL, so no store does: in what people read another one
//! stands in its place, and a name with it is none. JSON writes it as an escape.

use std::borrow::Cow;

use farcall_core::JsonObject;
use serde_json::Value;

use crate::StoreError;

/// The deepest nesting that can be read back; `serde_json` refuses 128 levels.
const MAX_DEPTH: usize = 127;

/// A text for people, as it can be kept.
pub(crate) fn readable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}").into()
    } else {
        text.into()
    }
}

/// Refuses names that cannot be kept.
pub(crate) fn refuse_nul<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<(), StoreError> {
    if names.into_iter().any(|name| name.contains('\0')) {
        return Err(StoreError::Refused {
            rule: "a name has no NUL".to_owned(),
        });
    }
    Ok(())
}

/// `value` as text.
pub(crate) fn written(value: &Value) -> Result<String, StoreError> {
    if !is_nested_at_most(value, MAX_DEPTH) {
        // Found now, while the one who made it can be told, and not when it is read.
        return Err(too_deep());
    }
    Ok(value.to_string())
}

/// `object` as text.
pub(crate) fn written_object(object: &JsonObject) -> Result<String, StoreError> {
    // The object itself is a level.
    if !object
        .values()
        .all(|field| is_nested_at_most(field, MAX_DEPTH - 1))
    {
        return Err(too_deep());
    }
    serde_json::to_string(object).map_err(|error| StoreError::Refused {
        rule: format!("an object is not JSON: {error}"),
    })
}

fn too_deep() -> StoreError {
    StoreError::Refused {
        rule: format!("a value is nested deeper than {MAX_DEPTH} levels"),
    }
}

/// The value that `text` says; `what` names it should it say none.
pub(crate) fn read(text: &str, what: &str) -> Result<Value, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt {
        what: format!("{what}: {error}"),
    })
}

/// The object that `text` says.
pub(crate) fn object(text: &str, what: &str) -> Result<JsonObject, StoreError> {
    match read(text, what)? {
        Value::Object(object) => Ok(object),
        _ => Err(StoreError::Corrupt {
            what: format!("{what}: not an object"),
        }),
    }
}

fn is_nested_at_most(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => {
            depth > 0 && items.iter().all(|item| is_nested_at_most(item, depth - 1))
        }
        Value::Object(fields) => {
            depth > 0
                && fields
                    .values()
                    .all(|field| is_nested_at_most(field, depth - 1))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> Value {
        (0..depth).fold(Value::Null, |inside, _| Value::Array(vec![inside]))
    }

    #[test]
    fn what_is_written_can_be_read() {
        let text = written(&nested(MAX_DEPTH)).unwrap();
        assert_eq!(read(&text, "it").unwrap(), nested(MAX_DEPTH));
    }

    #[test]
    fn what_could_not_be_read_is_not_written() {
        assert!(matches!(
            written(&nested(MAX_DEPTH + 1)),
            Err(StoreError::Refused { .. })
        ));
    }
}
