//! Requests that `farcall.toml` declares.

use farcall_config::file::{self, Parameter, Piece, Request};
use reqwest::Method;

use super::{Argument, Body, Pair, Part, Style, Template};

impl Template {
    /// The template of `request`, whose callers say `parameters`.
    pub(crate) fn declared(request: &Request, parameters: &[Parameter]) -> Self {
        let query = request.query.iter().map(|(name, value)| Pair {
            name: name.clone(),
            value: parts(value),
            style: Style::Repeated,
        });
        let body: Vec<_> = match &request.body {
            Some(names) => names.iter().map(field).collect(),
            None if has_body(request.method) => {
                let names = parameters.iter().map(|parameter| &parameter.name);
                names
                    .filter(|name| !is_named(request, name))
                    .map(field)
                    .collect()
            }
            None => Vec::new(),
        };
        Self {
            method: method(request.method),
            path: request.path.iter().map(|segment| parts(segment)).collect(),
            query: query.collect(),
            headers: Vec::new(),
            body: if body.is_empty() {
                Body::None
            } else {
                Body::Object(body)
            },
        }
    }
}

fn parts(pieces: &[Piece]) -> Vec<Part> {
    let parts = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => Part::Text(text.clone()),
        Piece::Parameter(name) => Part::Argument(Argument::named(name)),
    });
    parts.collect()
}

fn field(name: &String) -> (String, Argument) {
    (name.clone(), Argument::named(name))
}

/// Whether the path or the query names this parameter.
fn is_named(request: &Request, name: &str) -> bool {
    let values = request.query.iter().map(|(_, value)| value);
    let mut pieces = request.path.iter().chain(values).flatten();
    pieces.any(|piece| matches!(piece, Piece::Parameter(named) if named == name))
}

fn has_body(method: file::Method) -> bool {
    matches!(
        method,
        file::Method::Patch | file::Method::Post | file::Method::Put
    )
}

fn method(method: file::Method) -> Method {
    match method {
        file::Method::Delete => Method::DELETE,
        file::Method::Get => Method::GET,
        file::Method::Patch => Method::PATCH,
        file::Method::Post => Method::POST,
        file::Method::Put => Method::PUT,
    }
}
