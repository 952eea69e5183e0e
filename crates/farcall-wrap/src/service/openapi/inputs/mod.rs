//! What callers say to an operation, and where it goes in the request.

mod body;
mod credentials;
mod path;

use std::{collections::HashSet, sync::Arc};

use farcall_core::JsonObject;
use reqwest::header::HeaderName;
use serde_json::{Value, json};

use super::{
    document::{Document, is_on, text, within},
    operations::Found,
    schemas::{Schemas, Side},
};
use crate::{
    service::{
        client::Client,
        request::{Argument, Body, Pair, Part, Style},
    },
    text::visible,
};

/// The arguments of a tool and their places.
pub(super) struct Inputs {
    pub(super) schema: JsonObject,
    pub(super) path: Vec<Vec<Part>>,
    pub(super) query: Vec<Pair>,
    pub(super) headers: Vec<(HeaderName, Argument)>,
    pub(super) body: Body,
}

/// The inputs of an operation.
pub(super) fn of(
    client: &Arc<Client>,
    document: &Document,
    found: &Found<'_>,
    faults: &mut Vec<String>,
) -> Inputs {
    let mut collecting = Collecting {
        client,
        document,
        schemas: Schemas::new(document, Side::Asked),
        properties: JsonObject::new(),
        required: Vec::new(),
        in_path: Vec::new(),
        query: Vec::new(),
        headers: Vec::new(),
        faults: Vec::new(),
    };
    for (parameter, place) in parameters(document, found, faults) {
        collecting.parameter(parameter, &place);
    }
    let path = collecting.path(found);
    let body = collecting.body(found);
    let mut schema = JsonObject::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert(
        "properties".to_owned(),
        Value::Object(collecting.properties),
    );
    if !collecting.required.is_empty() {
        schema.insert("required".to_owned(), json!(collecting.required));
    }
    // Here and not from the document: what nobody knows would be dropped without a word.
    schema.insert("additionalProperties".to_owned(), json!(false));
    collecting.schemas.close(&mut schema);
    faults.append(&mut collecting.faults);
    faults.append(&mut collecting.schemas.faults);
    Inputs {
        schema,
        path,
        query: collecting.query,
        headers: collecting.headers,
        body,
    }
}

/// The parameters of an operation with their places; its own go before those of its path.
fn parameters<'a>(
    document: &'a Document,
    found: &Found<'a>,
    faults: &mut Vec<String>,
) -> Vec<(&'a Value, String)> {
    let mut seen = HashSet::new();
    let mut parameters = Vec::new();
    for (holder, place) in [
        (found.operation, &found.place),
        (found.item, &found.item_place),
    ] {
        let list = holder.get("parameters").and_then(Value::as_array);
        for (index, parameter) in list.into_iter().flatten().enumerate() {
            let place = format!("{place}/parameters/{index}");
            match document.follow(parameter, &place) {
                Ok((parameter, place)) => {
                    if seen.insert((text(parameter, "in"), text(parameter, "name"))) {
                        parameters.push((parameter, place));
                    }
                }
                Err(fault) => faults.push(fault),
            }
        }
    }
    parameters
}

struct Collecting<'a> {
    client: &'a Arc<Client>,
    document: &'a Document,
    schemas: Schemas<'a>,
    properties: JsonObject,
    required: Vec<String>,
    /// The placeholders of the path, with what callers call them.
    in_path: Vec<(String, Argument)>,
    query: Vec<Pair>,
    headers: Vec<(HeaderName, Argument)>,
    faults: Vec<String>,
}

impl<'a> Collecting<'a> {
    fn fault(&mut self, place: &str, sentence: &str) {
        self.faults.push(format!("at `{place}`: {sentence}"));
    }

    fn parameter(&mut self, parameter: &'a Value, place: &str) {
        let (Some(name), Some(place_of)) = (text(parameter, "name"), text(parameter, "in")) else {
            self.fault(place, "a parameter needs `name` and `in`");
            return;
        };
        let is_required = place_of == "path" || is_on(parameter, "required");
        if self.is_credential(name, place_of) {
            if is_required && !self.is_set(name, place_of) {
                self.fault(place, match place_of {
                    "header" => "callers do not say who asks, and the service asks for it; set it in the service's `headers`",
                    _ => "callers do not say who asks, and the service asks for it; it has to take it as a header, which the service's `headers` set",
                });
            }
            return;
        }
        let style = text(parameter, "style");
        match place_of {
            "path" if style.is_none_or(|style| style == "simple") => {
                let argument = self.describe(name, place_of, parameter, place, is_required);
                self.in_path.push((name.to_owned(), argument));
            }
            "query" => {
                let Some(style) = self.query_style(parameter, place) else {
                    return;
                };
                let argument = self.describe(name, place_of, parameter, place, is_required);
                self.query.push(Pair {
                    name: name.to_owned(),
                    value: vec![Part::Argument(argument)],
                    style,
                });
            }
            "header" => match name.parse::<HeaderName>() {
                Ok(header) => {
                    let argument = self.describe(name, place_of, parameter, place, is_required);
                    self.headers.push((header, argument));
                }
                Err(_) => self.fault(place, "its name is no name of a header"),
            },
            "path" => self.fault(place, "in a path only the style `simple` is supported"),
            _ => self.fault(
                place,
                "`in` is none of `path`, `query`, `header` and `cookie`",
            ),
        }
    }

    /// How several values of a parameter are written.
    fn query_style(&mut self, parameter: &'a Value, place: &str) -> Option<Style> {
        if parameter.get("content").is_some() {
            return Some(Style::Json);
        }
        let style = text(parameter, "style").unwrap_or("form");
        let explode = parameter.get("explode").and_then(Value::as_bool);
        let explode = explode.unwrap_or(style == "form");
        let style = match (style, explode) {
            ("form" | "pipeDelimited" | "spaceDelimited", true) => Style::Repeated,
            ("form", false) => Style::Joined(","),
            ("spaceDelimited", false) => Style::Joined("%20"),
            ("pipeDelimited", false) => Style::Joined("%7C"),
            ("deepObject", _) => Style::Keyed,
            _ => {
                self.fault(place, "its `style` is none of a query");
                return None;
            }
        };
        let schema = parameter.get("schema").unwrap_or(&Value::Null);
        // What leads nowhere is told where the schema is translated.
        let followed = self.document.follow(schema, place);
        let is_object = followed.is_ok_and(|(schema, _)| text(schema, "type") == Some("object"));
        if style != Style::Keyed && is_object {
            self.fault(
                place,
                "an object in a query is supported with the style `deepObject` only",
            );
            return None;
        }
        Some(style)
    }

    /// Adds a parameter to the schema; returns its place in the request.
    fn describe(
        &mut self,
        name: &str,
        place_of: &str,
        parameter: &'a Value,
        place: &str,
        is_required: bool,
    ) -> Argument {
        let (schema, schema_place) = match parameter.get("schema") {
            Some(schema) => (Some(schema), within(place, "schema")),
            None => json_content(parameter, place)
                .map_or((None, place.to_owned()), |(schema, place)| {
                    (Some(schema), place)
                }),
        };
        let mut translated = schema.map_or_else(
            || json!({}),
            |schema| self.schemas.translate(schema, &schema_place),
        );
        if let (Some(description), Value::Object(schema)) =
            (text(parameter, "description"), &mut translated)
        {
            schema.insert("description".to_owned(), visible(description.trim()).into());
        }
        let name = self.free_name(name, place_of);
        if is_required {
            self.required.push(name.clone());
        }
        self.properties.insert(name.clone(), translated);
        Argument::named(name)
    }

    /// What callers call it: clients in use take names of `^[A-Za-z0-9_.-]{1,64}$` only.
    fn free_name(&self, name: &str, place_of: &str) -> String {
        let name = valid_property(name);
        let others = (2_u32..).map(|number| format!("{place_of}_{number}"));
        let mut wishes = [name.clone(), valid_property(&format!("{place_of}_{name}"))]
            .into_iter()
            .chain(others);
        let free = wishes.find(|name| !self.properties.contains_key(name));
        free.unwrap_or(name)
    }
}

/// The schema of the JSON that `holder` takes or gives, with its place.
pub(super) fn json_content<'a>(holder: &'a Value, place: &str) -> Option<(&'a Value, String)> {
    let content = holder.get("content")?.as_object()?;
    let (media_type, content) = content.iter().find(|(media_type, _)| is_json(media_type))?;
    let place = within(&within(place, "content"), media_type);
    Some((content.get("schema")?, within(&place, "schema")))
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    essence == "application/json" || essence == "*/*" || essence.ends_with("+json")
}

fn valid_property(name: &str) -> String {
    let name = name.chars().map(|sign| match sign {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '.' | '-' => sign,
        _ => '_',
    });
    name.take(64).collect()
}
