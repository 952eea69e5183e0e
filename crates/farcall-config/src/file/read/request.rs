//! Requests to services: `request`.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use toml::Spanned;

use super::{
    Reading,
    entry::unnamed,
    parameter::{Parameters, placeholders},
    table::Table,
    template::pieces,
};
use crate::file::{
    Kind, Method, Piece, Presence, Request, Service, Upstream,
    grammar::{
        Key, Section, Shape,
        shapes::{DURATION, TEXTS},
    },
    nearest::suggestion,
};

/// The pause between two polls of slow work.
const INTERVAL: Duration = Duration::from_secs(2);

pub(super) static REQUEST: Section = Section {
    name: "request",
    about: "A request to a service.",
    groups: &[&[
        Key::required("service", Shape::Text, "The name of the service."),
        Key::with(
            "method",
            Shape::Choice(&[
                ("GET", "asks"),
                ("POST", "sends"),
                ("PUT", "replaces"),
                ("PATCH", "changes"),
                ("DELETE", "removes"),
            ]),
            "GET",
            "The method.",
        ),
        Key::required(
            "path",
            Shape::Template,
            "The path after the base URL; what a caller says stays within its segment.",
        ),
        Key::optional(
            "query",
            Shape::Map(&Shape::Template),
            "The query; a pair is left out where its parameter is.",
        ),
        Key::optional(
            "body",
            TEXTS,
            "Names of parameters that are sent as one JSON object; without it all that are named nowhere else.",
        ),
        Key::optional(
            "pointer",
            Shape::Text,
            "The part of the answer that is the result, RFC 6901.",
        ),
        Key::optional("upstream", Shape::Section(&UPSTREAM), UPSTREAM.about),
    ]],
};

static UPSTREAM: Section = Section {
    name: "upstream",
    about: "How the end of slow work is awaited: the first answer names a URL, which is polled.",
    groups: &[&[
        Key::required(
            "status_url",
            Shape::Text,
            "The pointer to that URL in the first answer.",
        ),
        Key::required(
            "state",
            Shape::Text,
            "The pointer to the state in an answer of that URL.",
        ),
        Key::required(
            "done",
            Shape::NonEmpty(&Shape::Text),
            "States that mean success.",
        ),
        Key::optional("failed", TEXTS, "States that mean failure."),
        Key::optional(
            "progress",
            Shape::Text,
            "The pointer to a fraction from 0 to 1.",
        ),
        Key::optional(
            "result",
            Shape::Text,
            "The pointer to the result in the last answer.",
        ),
        Key::with("interval", DURATION, "2s", "The pause between two polls."),
    ]],
};

pub(super) fn read(
    reading: &Reading<'_>,
    table: &Table<'_>,
    parameters: &Parameters<'_>,
    services: &BTreeMap<&str, Option<Service>>,
    is_job: bool,
) -> Option<Request> {
    let service = table.text("service");
    if let Some(service) = service
        .as_ref()
        .filter(|service| !services.contains_key(service.get_ref()))
    {
        let message = format!("there is no service `{}`", service.get_ref().escape_debug());
        let hint = if services.is_empty() {
            format!(
                "declare it: [service.{}] with its base_url",
                service.get_ref().escape_debug()
            )
        } else {
            suggestion(service.get_ref(), services.keys().copied())
        };
        reading.fault(&service.span(), message, hint);
    }
    let method = method(table.text("method").map(Spanned::into_inner));
    let path = table
        .text("path")
        .and_then(|text| path(reading, &text, parameters));
    let query: Vec<_> = table
        .pairs("query")
        .into_iter()
        .filter_map(|(name, text)| {
            let pieces = pieces(reading, &text)?;
            judge(reading, &pieces, &text.span(), parameters);
            Some(((*name.get_ref()).to_owned(), pieces))
        })
        .collect();
    let body = table.has("body").then(|| table.texts("body"));
    for name in body.iter().flatten() {
        parameters.judge_name(reading, name.get_ref(), &name.span());
    }
    let has_body = matches!(method, Method::Patch | Method::Post | Method::Put);
    if body.is_some() && !has_body {
        let message = "a request of this method has no body";
        reading.fault(
            table.key_span("body"),
            message,
            "write method = \"POST\", or name the parameters in the query",
        );
    }
    for name in parameters.names() {
        if parameters
            .named(name.get_ref())
            .is_some_and(|parameter| parameter.flag.is_some())
        {
            let message = format!("`{}` has a flag, which is for programs", name.get_ref());
            reading.fault(&name.span(), message, "remove `flag`");
        }
    }
    let pointer = pointer(reading, table, "pointer");
    let upstream = table
        .table("upstream")
        .map(|table| upstream(reading, &table));
    if upstream.is_some() && !is_job {
        let message = "a tool answers within its call, and does not wait for slow work";
        reading.fault(table.key_span("upstream"), message, "make it a job");
    }
    let path = path?;
    if body.is_some() || !has_body {
        let query = query.iter().map(|(_, pieces)| pieces);
        let pieces = path
            .iter()
            .chain(query)
            .flat_map(|pieces| placeholders(pieces));
        let named: Vec<_> = pieces
            .chain(body.iter().flatten().map(|name| *name.get_ref()))
            .collect();
        let hint = |name: &str| {
            format!("put \"{{{name}}}\" into the path, or query.{name} = \"{{{name}}}\"")
        };
        unnamed(reading, parameters, &named, "the request", hint);
    }
    Some(Request {
        service: (*service?.get_ref()).to_owned(),
        method,
        path,
        query,
        body: body.map(|names| {
            names
                .iter()
                .map(|name| (*name.get_ref()).to_owned())
                .collect()
        }),
        pointer,
        upstream: match upstream {
            Some(upstream) => Some(upstream?),
            None => None,
        },
    })
}

fn method(word: Option<&str>) -> Method {
    match word {
        Some("DELETE") => Method::Delete,
        Some("PATCH") => Method::Patch,
        Some("POST") => Method::Post,
        Some("PUT") => Method::Put,
        _ => Method::Get,
    }
}

/// The segments of a path.
fn path(
    reading: &Reading<'_>,
    text: &Spanned<&str>,
    parameters: &Parameters<'_>,
) -> Option<Vec<Vec<Piece>>> {
    let at = text.span();
    let Some(rest) = text.get_ref().strip_prefix('/') else {
        reading.fault(
            &at,
            "the path begins with no `/`",
            "write it as it stands after the base URL: \"/v1/…\"",
        );
        return None;
    };
    let count = rest.split('/').count();
    let mut segments = Some(Vec::new());
    for (index, segment) in rest.split('/').enumerate() {
        let reason = match segment {
            "" if index + 1 < count => Some("holds an empty segment"),
            "." | ".." => Some("holds a segment that leads elsewhere"),
            _ if segment.contains('?') => Some("holds a query"),
            _ if segment.contains('#') => Some("holds a fragment"),
            _ if segment.chars().any(char::is_control) => Some("holds a control character"),
            _ => None,
        };
        if let Some(reason) = reason {
            let hint = if reason == "holds a query" {
                "write the query apart: query.days = \"{days}\""
            } else {
                "write the segments that the service knows, one `/` between them"
            };
            reading.fault(&at, format!("the path {reason}"), hint);
        }
        let Some(pieces) = pieces(reading, &Spanned::new(at.clone(), segment)) else {
            segments = None;
            continue;
        };
        for name in placeholders(&pieces) {
            parameters.judge_name(reading, name, &at);
            judge_segment(reading, name, &at, parameters);
        }
        if let Some(segments) = &mut segments {
            segments.push(pieces);
        }
    }
    segments
}

/// A path has a place for every segment, once.
fn judge_segment(
    reading: &Reading<'_>,
    name: &str,
    at: &Range<usize>,
    parameters: &Parameters<'_>,
) {
    let Some(parameter) = parameters.named(name) else {
        return;
    };
    let reason = match (&parameter.kind, &parameter.presence) {
        (Kind::Array { .. }, _) => "is an array, and a segment of a path has one value",
        (_, Presence::Optional) => "may be left out, and a path has no gaps",
        _ => return,
    };
    reading.fault(
        at,
        format!("`{name}` {reason}"),
        "put it into the query, or give it a default",
    );
}

fn judge(reading: &Reading<'_>, pieces: &[Piece], at: &Range<usize>, parameters: &Parameters<'_>) {
    for name in placeholders(pieces) {
        parameters.judge_name(reading, name, at);
        let parameter = parameters.named(name).filter(|_| pieces.len() > 1);
        if parameter.is_some_and(|parameter| matches!(parameter.kind, Kind::Array { .. })) {
            let message = format!("`{name}` is an array, which is repeated as a whole");
            reading.fault(at, message, format!("make \"{{{name}}}\" all of the text"));
        }
    }
}

fn upstream(reading: &Reading<'_>, table: &Table<'_>) -> Option<Upstream> {
    let [status_url, state, progress, result] =
        ["status_url", "state", "progress", "result"].map(|key| pointer(reading, table, key));
    let interval = table.duration("interval").unwrap_or(INTERVAL);
    let done = table.strings("done");
    let failed = table.texts("failed");
    for state in &failed {
        if done.iter().any(|known| known == state.get_ref()) {
            let message = format!(
                "the state `{}` means both success and failure",
                state.get_ref().escape_debug()
            );
            reading.fault(
                &state.span(),
                message,
                "remove it from one of the two lists",
            );
        }
    }
    Some(Upstream {
        status_url: status_url?,
        state: state?,
        done,
        failed: failed
            .iter()
            .map(|state| (*state.get_ref()).to_owned())
            .collect(),
        progress,
        result,
        interval,
    })
}

/// A JSON pointer, RFC 6901.
fn pointer(reading: &Reading<'_>, table: &Table<'_>, key: &str) -> Option<String> {
    let pointer = table.text(key)?;
    let text = *pointer.get_ref();
    let escapes = text.split('~').skip(1);
    let is_pointer = (text.is_empty() || text.starts_with('/'))
        && escapes.into_iter().all(|rest| rest.starts_with(['0', '1']));
    if !is_pointer {
        let message = format!(
            "`{key}` is `{}`, which is no JSON pointer",
            text.escape_debug()
        );
        reading.fault(
            &pointer.span(),
            message,
            "write /name/name from the top of the answer, ~1 for a `/` in a name",
        );
    }
    Some(text.to_owned())
}
