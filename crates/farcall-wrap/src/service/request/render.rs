//! Fills a template in, so that nothing a caller says can become more than a value.

use farcall_core::{JsonObject, problem::Problem};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;
use url::Url;

use super::{Argument, Body, Pair, Part, Style, Template};
use crate::service::exchange::Outgoing;

/// The longest URL that is sent, in bytes. nginx and uvicorn answer 414 or 400 to longer ones, and the
/// limit of the `http` crate is 64 KiB.
pub(in crate::service) const MAX_URL: usize = 32 << 10;

/// All but what RFC 3986 section 2.3 calls unreserved: what is left has no meaning in any part of
/// a URL.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Template {
    /// The request to the service at `base_url`; the arguments follow their schema.
    ///
    /// # Errors
    /// A problem for the caller where an argument cannot be put into its place.
    pub(crate) fn render(
        &self,
        arguments: &JsonObject,
        base_url: &Url,
    ) -> Result<Outgoing, Problem> {
        Ok(Outgoing {
            method: self.method.clone(),
            url: self.url(arguments, base_url)?,
            headers: self.headers(arguments)?,
            body: self.body.render(arguments)?,
        })
    }

    fn url(&self, arguments: &JsonObject, base_url: &Url) -> Result<Url, Problem> {
        let mut path = base_url.path().trim_end_matches('/').to_owned();
        for parts in &self.path {
            path.push('/');
            path.push_str(&segment(parts, arguments)?);
        }
        if path.is_empty() {
            path.push('/');
        }
        let mut query = Vec::new();
        for pair in &self.query {
            pair.render(arguments, &mut query)?;
        }
        let query = query.join("&");
        let length = path.len() + query.len();
        if length > MAX_URL {
            return Err(Problem::user(format!(
                "the arguments make a URL of {length} bytes, at most {MAX_URL} are sent"
            ))
            .hint("send shorter ones"));
        }
        let mut url = base_url.clone();
        url.set_path(&path);
        if !query.is_empty() {
            url.set_query(Some(&query));
        }
        // What was put together above has nothing in it that a parser could read otherwise.
        if url.path() != path || url.query().unwrap_or_default() != query {
            return Err(Problem::internal(
                "a URL was read otherwise than it was written",
            ));
        }
        Ok(url)
    }

    fn headers(&self, arguments: &JsonObject) -> Result<HeaderMap, Problem> {
        let mut headers = HeaderMap::new();
        for (header, argument) in &self.headers {
            let Some(value) = argument.said(arguments) else {
                continue;
            };
            let value = HeaderValue::from_str(&single(value, &argument.0)?).map_err(|_| {
                Problem::user(format!(
                    "`{}` has characters that a header cannot have",
                    argument.0
                ))
                .hint("send one line of ASCII")
            })?;
            headers.insert(header, value);
        }
        Ok(headers)
    }
}

/// One segment of a path, encoded.
fn segment(parts: &[Part], arguments: &JsonObject) -> Result<String, Problem> {
    let mut text = String::new();
    let mut name = None;
    for part in parts {
        match part {
            Part::Text(part) => text.push_str(part),
            Part::Argument(argument) => {
                name = name.or(Some(&argument.0));
                let Some(value) = argument.said(arguments) else {
                    return Err(Problem::user(format!("`{}` is missing", argument.0))
                        .hint("send it, the path cannot do without"));
                };
                text.push_str(&single(value, &argument.0)?);
            }
        }
    }
    // What the author wrote is the author's; a path may end in an empty segment.
    match name.and_then(|name| segment_fault(&text, name)) {
        Some(fault) => Err(fault),
        None => Ok(encode(&text)),
    }
}

/// What is wrong with `text` as a segment. An encoded slash does not end one, but services that decode
/// a path before they look at it would follow dots between slashes.
fn segment_fault(text: &str, name: &str) -> Option<Problem> {
    let mut pieces = text.split(['/', '\\']);
    let (fault, hint) = if text.is_empty() {
        ("is empty, which a path cannot say", "send a text")
    } else if text.contains(char::is_control) {
        (
            "has control characters in it, which no path has",
            "send one line of plain text",
        )
    } else if pieces.any(|piece| matches!(piece, "." | "..")) {
        (
            "would lead elsewhere: `.` and `..` are no names in a path",
            "send the name itself",
        )
    } else {
        return None;
    };
    Some(Problem::user(format!("`{name}` {fault}")).hint(hint))
}

impl Pair {
    /// Adds what this becomes to the pairs in `query`.
    fn render(&self, arguments: &JsonObject, query: &mut Vec<String>) -> Result<(), Problem> {
        let mut add = |name: &str, value: &str| query.push(format!("{}={value}", encode(name)));
        if let [Part::Argument(argument)] = self.value.as_slice() {
            let argument_name = &argument.0;
            match (argument.said(arguments), self.style) {
                (None, _) => {}
                (Some(Value::Array(values)), Style::Repeated) => {
                    for value in values {
                        add(&self.name, &encode(&single(value, argument_name)?));
                    }
                }
                (Some(Value::Array(values)), Style::Joined(separator)) => {
                    let values = values
                        .iter()
                        .map(|value| Ok(encode(&single(value, argument_name)?)));
                    let values = values.collect::<Result<Vec<_>, Problem>>()?;
                    add(&self.name, &values.join(separator));
                }
                (Some(Value::Object(fields)), Style::Keyed) => {
                    for (key, value) in fields {
                        let name = format!("{}[{key}]", self.name);
                        add(&name, &encode(&single(value, argument_name)?));
                    }
                }
                (Some(value), Style::Json) => add(&self.name, &encode(&value.to_string())),
                (Some(value), _) => add(&self.name, &encode(&single(value, argument_name)?)),
            }
            return Ok(());
        }
        let mut text = String::new();
        for part in &self.value {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Argument(argument) => match argument.said(arguments) {
                    Some(value) => text.push_str(&single(value, &argument.0)?),
                    None => return Ok(()),
                },
            }
        }
        add(&self.name, &encode(&text));
        Ok(())
    }
}

impl Body {
    fn render(&self, arguments: &JsonObject) -> Result<Option<Vec<u8>>, Problem> {
        let body = match self {
            Self::None => return Ok(None),
            Self::Object(fields) => {
                let said = fields
                    .iter()
                    .filter_map(|(field, argument): &(String, Argument)| {
                        Some((field.clone(), argument.value(arguments)?.clone()))
                    });
                Value::Object(said.collect())
            }
            Self::Whole(argument) => match argument.value(arguments) {
                Some(value) => value.clone(),
                None => return Ok(None),
            },
        };
        Ok(Some(serde_json::to_vec(&body)?))
    }
}

/// A value as text, where there is room for one: several are joined by commas, as OpenAPI's `simple`
/// has it.
fn single(value: &Value, name: &str) -> Result<String, Problem> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Array(values) if values.iter().all(is_scalar) => {
            let values = values.iter().map(|value| single(value, name));
            Ok(values.collect::<Result<Vec<_>, _>>()?.join(","))
        }
        _ => Err(Problem::user(format!(
            "`{name}` must be a text, a number or a boolean where it stands in the request"
        ))
        .hint("send one of these, or a list of them")),
    }
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_))
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
