//! Values of the file: whether they have the shape they should have, and what they are.

use std::ops::Range;

use serde_json::Value;
use toml::{
    Spanned,
    de::{DeInteger, DeValue},
};

use super::Reading;
use crate::{
    file::{grammar::Shape, hidden::hidden, nearest::suggestion},
    units,
};

/// Whether the value of `name` has `shape`; else there are faults. What stands in a table with keys of
/// its own is left to who opens it.
pub(super) fn fits(
    reading: &Reading<'_>,
    name: &str,
    shape: &Shape,
    value: &Spanned<DeValue<'_>>,
) -> bool {
    let at = value.span();
    let is_fitting = match (shape, value.get_ref()) {
        (Shape::Any, _)
        | (Shape::Boolean, DeValue::Boolean(_))
        | (Shape::Section(_), DeValue::Table(_))
        | (Shape::Secret | Shape::Template | Shape::Text, DeValue::String(_)) => true,
        (Shape::Number, number) => self::number(number).is_some(),
        (Shape::Integer(from, to), DeValue::Integer(number)) => {
            whole(number).is_some_and(|number| (*from..=*to).contains(&number))
        }
        (Shape::Size, size) => self::size(size).is_some(),
        (Shape::Duration { no_time }, DeValue::String(text)) => {
            let duration = units::duration(text);
            if duration.is_some_and(|duration| duration.is_zero()) && !no_time {
                reading.fault(
                    &at,
                    format!("`{name}` is no time at all"),
                    "write a time, or leave it out",
                );
                return false;
            }
            duration.is_some()
        }
        (Shape::Choice(words), DeValue::String(text)) => {
            let words = words.iter().map(|(word, _)| *word);
            if words.clone().any(|word| word == text) {
                return true;
            }
            let message = format!("`{name}` cannot be `{}`", text.escape_debug());
            reading.fault(&at, message, suggestion(text, words));
            return false;
        }
        (Shape::Line | Shape::Path, DeValue::String(text)) => {
            return is_shown(reading, name, text, false, &at);
        }
        (Shape::Prose, DeValue::String(text)) => return is_shown(reading, name, text, true, &at),
        (Shape::Pattern, DeValue::String(text)) => {
            return is_shown(reading, name, text, true, &at) && compiles(reading, name, text, &at);
        }
        (Shape::NonEmpty(_), DeValue::Array(list)) if list.is_empty() => {
            let hint = format!("write {}, or leave it out", shape.example());
            reading.fault(&at, format!("`{name}` is an empty list"), hint);
            return false;
        }
        (Shape::List(inner) | Shape::NonEmpty(inner), DeValue::Array(list)) => {
            let fit = list.iter().map(|value| fits(reading, name, inner, value));
            // Every one is judged, also after one that does not fit.
            return fit.filter(|fit| !fit).count() == 0;
        }
        (Shape::Map(inner), DeValue::Table(table)) => {
            let fit = table.iter().map(|(key, value)| {
                let name: &str = key.get_ref();
                fits(reading, name, inner, value)
            });
            // Every one is judged, also after one that does not fit.
            return fit.filter(|fit| !fit).count() == 0;
        }
        (Shape::OneOf(shapes), value_) => {
            let fitting = shapes.iter().find(|shape| is_meant(shape, value_));
            match fitting {
                Some(shape) => return fits(reading, name, shape, value),
                None => false,
            }
        }
        _ => false,
    };
    if !is_fitting {
        let is_secret = matches!(shape, Shape::Secret);
        let said = if is_secret {
            "no text".to_owned()
        } else {
            said(value.get_ref())
        };
        let message = format!("`{name}` is {said}, and takes {}", shape.noun());
        let hint = match (shape, value.get_ref()) {
            (Shape::NonEmpty(Shape::Template | Shape::Text), DeValue::String(text)) => {
                as_list(name, text)
            }
            _ => format!("write {}", shape.example()),
        };
        if is_secret {
            reading.secret_fault(&at, message, hint);
        } else {
            reading.fault(&at, message, hint);
        }
    }
    is_fitting
}

/// Whether somebody who wrote `value` can have meant this shape.
fn is_meant(shape: &Shape, value: &DeValue<'_>) -> bool {
    match (shape, value) {
        (Shape::Choice(words), DeValue::String(text)) => words.iter().any(|(word, _)| word == text),
        (Shape::Duration { .. }, DeValue::String(text)) => units::duration(text).is_some(),
        (Shape::Section(_) | Shape::Map(_), DeValue::Table(_))
        | (Shape::Boolean, DeValue::Boolean(_))
        | (Shape::Path | Shape::Text, DeValue::String(_))
        | (Shape::List(_), DeValue::Array(_)) => true,
        _ => false,
    }
}

/// A text that people and models read: it says something, and nothing that they do not see.
fn is_shown(
    reading: &Reading<'_>,
    name: &str,
    text: &str,
    has_lines: bool,
    at: &Range<usize>,
) -> bool {
    if text.trim().is_empty() {
        reading.fault(
            at,
            format!("`{name}` is empty"),
            "say something, or leave it out",
        );
        return false;
    }
    let Some(sign) = hidden(text, has_lines) else {
        return true;
    };
    let code = u32::from(sign);
    let (message, hint) = if sign == '\n' {
        (
            format!("`{name}` has several lines"),
            "write it on one".to_owned(),
        )
    } else {
        (
            format!(
                "`{name}` holds U+{code:04X}, which a person who reads it does not see and a model does"
            ),
            "remove it; texts for models hold visible characters only".to_owned(),
        )
    };
    reading.fault(at, message, hint);
    false
}

fn compiles(reading: &Reading<'_>, name: &str, text: &str, at: &Range<usize>) -> bool {
    let Err(error) = regex::Regex::new(text) else {
        return true;
    };
    // The last line says what it is; those before it draw an arrow.
    let whole = error.to_string();
    let reason = whole.lines().last().unwrap_or_default();
    let reason = reason.strip_prefix("error: ").unwrap_or(reason);
    let message = format!("`{name}` is no regular expression: {reason}");
    let hint = if reason.contains("look-around") || reason.contains("backreference") {
        "say it without look-around and backreferences: matching takes linear time here"
    } else {
        "write it in single quotes, in which `\\` is a backslash, for example '^[a-z0-9_-]+$'"
    };
    reading.fault(at, message, hint);
    false
}

/// A command line that was written as one text, as a list.
fn as_list(name: &str, text: &str) -> String {
    let words: Vec<_> = text
        .split_whitespace()
        .map(|word| format!("{word:?}"))
        .collect();
    format!(
        "write a list, an element an argument: {name} = [{}]",
        words.join(", ")
    )
}

/// What a value is, for people: short texts and numbers as they stand.
fn said(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() <= 40 && hidden(text, false).is_none() => {
            format!("the text `\"{text}\"`")
        }
        DeValue::String(_) => "a text".to_owned(),
        DeValue::Integer(number) => format!("the number `{number}`"),
        DeValue::Float(number) => format!("the number `{number}`"),
        DeValue::Boolean(yes) => format!("`{yes}`"),
        DeValue::Datetime(_) => "a date or time".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

pub(super) fn text<'a>(value: &'a Spanned<DeValue<'a>>) -> Option<Spanned<&'a str>> {
    Some(Spanned::new(value.span(), value.get_ref().as_str()?))
}

pub(super) fn integer(value: &DeValue<'_>) -> Option<i64> {
    value.as_integer().and_then(whole)
}

fn whole(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// A number that JSON has too: neither infinite nor none at all.
#[expect(
    clippy::cast_precision_loss,
    reason = "a bound of numbers, which have no more"
)]
pub(super) fn number(value: &DeValue<'_>) -> Option<f64> {
    let number = match value {
        DeValue::Integer(number) => whole(number)? as f64,
        DeValue::Float(number) => number.as_str().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

pub(super) fn size(value: &DeValue<'_>) -> Option<u64> {
    match value {
        DeValue::String(text) => units::bytes(text),
        DeValue::Integer(number) => whole(number)?.try_into().ok(),
        _ => None,
    }
}

/// A value as JSON has it; a date or time is its text, and what JSON has no number for is `null`.
pub(super) fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(&**text),
        DeValue::Integer(number) => whole(number).map_or(Value::Null, Value::from),
        DeValue::Float(number) => number
            .as_str()
            .parse::<f64>()
            .map_or(Value::Null, Value::from),
        DeValue::Boolean(yes) => Value::from(*yes),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(list) => list.iter().map(|value| json(value.get_ref())).collect(),
        DeValue::Table(table) => {
            let mut pairs: Vec<_> = table.iter().collect();
            pairs.sort_by_key(|(key, _)| key.span().start);
            let pairs = pairs.into_iter();
            pairs
                .map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref())))
                .collect()
        }
    }
}
