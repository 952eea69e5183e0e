//! Whether a value that the author chose is one that a caller could say.

use std::{
    path::{Component, Path},
    sync::LazyLock,
};

use regex::Regex;
use serde_json::Value;
use url::Url;

use crate::file::{Format, Kind};

/// Why `value` is none of `kind`, after "the default of `x`".
pub(super) fn misfit(kind: &Kind, value: &Value) -> Option<String> {
    match (kind, value) {
        (
            Kind::String {
                pattern,
                choices,
                format,
                min_length,
                max_length,
            },
            Value::String(text),
        ) => {
            let length = text.chars().count() as u64;
            if !choices.is_empty() && !choices.contains(text) {
                return Some(format!("is none of its values: {}", choices.join(", ")));
            }
            if let Some(pattern) = pattern
                && Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text))
            {
                return Some(format!("does not match its pattern `{pattern}`"));
            }
            if let Some(least) = min_length.filter(|least| length < *least) {
                return Some(format!(
                    "has {length} characters, and `min_length` is {least}"
                ));
            }
            if let Some(greatest) = max_length.filter(|greatest| length > *greatest) {
                return Some(format!(
                    "has {length} characters, and `max_length` is {greatest}"
                ));
            }
            let format = format.filter(|format| !is_of(*format, text))?;
            Some(format!("is no {}", noun(format)))
        }
        (Kind::Integer { minimum, maximum }, Value::Number(number)) => match number.as_i64() {
            None => Some("is no whole number".to_owned()),
            Some(number) => outside(number, *minimum, *maximum),
        },
        (Kind::Number { minimum, maximum }, Value::Number(number)) => {
            outside(number.as_f64().unwrap_or_default(), *minimum, *maximum)
        }
        (Kind::Boolean, Value::Bool(_)) => None,
        (
            Kind::Array {
                items,
                min_items,
                max_items,
            },
            Value::Array(values),
        ) => {
            let length = values.len() as u64;
            let mut misfits = values.iter().filter_map(|value| misfit(items, value));
            misfits
                .next()
                .map(|reason| format!("holds a value that {reason}"))
                .or_else(|| {
                    outside(length, *min_items, *max_items)
                        .map(|reason| format!("has a length that {reason}"))
                })
        }
        (Kind::File { .. }, Value::String(path)) => {
            let is_beneath = |part| matches!(part, Component::Normal(_) | Component::CurDir);
            let is_fine = !path.is_empty() && Path::new(path).components().all(is_beneath);
            (!is_fine).then(|| "leads out of its folder".to_owned())
        }
        _ => Some(format!("is not of its type, {}", ty(kind))),
    }
}

fn outside<N: Copy + PartialOrd + std::fmt::Display>(
    number: N,
    minimum: Option<N>,
    maximum: Option<N>,
) -> Option<String> {
    if let Some(minimum) = minimum.filter(|minimum| number < *minimum) {
        return Some(format!("is {number}, below {minimum}"));
    }
    let maximum = maximum.filter(|maximum| number > *maximum)?;
    Some(format!("is {number}, above {maximum}"))
}

fn ty(kind: &Kind) -> &'static str {
    match kind {
        Kind::String { .. } => "string",
        Kind::Integer { .. } => "integer",
        Kind::Number { .. } => "number",
        Kind::Boolean => "boolean",
        Kind::Array { .. } => "array",
        Kind::File { .. } => "file",
    }
}

fn noun(format: Format) -> &'static str {
    match format {
        Format::Date => "day such as 2026-07-28",
        Format::DateTime => "moment such as 2026-07-28T12:00:00Z",
        Format::Email => "address of e-mail",
        Format::Url => "absolute URL of http or https",
        Format::Uuid => "UUID",
    }
}

fn is_of(format: Format, text: &str) -> bool {
    static SHAPES: LazyLock<[Option<Regex>; 4]> = LazyLock::new(|| {
        [
            r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$",
            r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$",
            r"^[^@\s]+@[^@\s]+$",
            r"^(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        ]
        .map(|shape| Regex::new(shape).ok())
    });
    let [date, moment, email, uuid] = &*SHAPES;
    let shape = match format {
        Format::Date => date,
        Format::DateTime => moment,
        Format::Email => email,
        Format::Uuid => uuid,
        Format::Url => {
            return Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        }
    };
    shape.as_ref().is_none_or(|shape| shape.is_match(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_format_knows_its_own() {
        for (format, right, wrong) in [
            (Format::Date, "2026-07-28", "28.7.2026"),
            (Format::DateTime, "2026-07-28T12:00:00+02:00", "2026-07-28"),
            (Format::Email, "a@example.com", "example.com"),
            (Format::Url, "https://example.com/a", "ftp://example.com"),
            (
                Format::Uuid,
                "123e4567-e89b-12d3-a456-426614174000",
                "123e4567",
            ),
        ] {
            assert!(is_of(format, right), "{right}");
            assert!(!is_of(format, wrong), "{wrong}");
        }
    }

    #[test]
    fn a_file_stays_beneath_its_root() {
        let file = Kind::File {
            root: "/data".into(),
        };
        assert_eq!(misfit(&file, &json!("a/b.mp4")), None);
        for path in ["", "/etc/passwd", "../a", "a/../../b"] {
            assert!(misfit(&file, &json!(path)).is_some(), "{path}");
        }
    }
}
