//! What callers say to an operation, and where it goes in the request.

use std::{collections::HashSet, sync::Arc};

use farcall_core::JsonObject;
use percent_encoding::percent_decode_str;
use reqwest::header::HeaderName;
use serde_json::{Value, json};

use super::{
    document::{Document, is_on, text, within},
    operations::Found,
    schemas::{Schemas, Side},
};
use crate::{
    service::{
        client::{Client, is_own},
        request::{Argument, Body, Pair, Part, Style},
    },
    text::clean,
};

/// Headers that say who asks, or that OpenAPI says are no parameters; the file sets them.
const RESERVED: [&str; 9] = [
    "accept",
    "api-key",
    "authorization",
    "content-type",
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "x-auth-token",
    "x-csrf-token",
];

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
                self.fault(place, "callers do not say who asks, and the service asks for it; set it in the service's `headers`");
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

    /// Whether it is for the operator to say: who asks, or what belongs to the connection.
    fn is_credential(&self, name: &str, place_of: &str) -> bool {
        let schemes = self.document.root().pointer("/components/securitySchemes");
        let mut schemes = schemes.and_then(Value::as_object).into_iter().flatten();
        let is_key = schemes.any(|(_, scheme)| {
            let is_named = text(scheme, "name").is_some_and(|key| key.eq_ignore_ascii_case(name));
            is_named && text(scheme, "in") == Some(place_of)
        });
        match place_of {
            "cookie" => true,
            "header" => {
                let name = name.to_ascii_lowercase();
                let header = name.parse::<HeaderName>().ok();
                is_key
                    || RESERVED.contains(&&*name)
                    || header.is_some_and(|header| is_own(&header) || self.client.sets(&header))
            }
            _ => is_key,
        }
    }

    /// Whether every request has it, or gets it from what is sent.
    fn is_set(&self, name: &str, place_of: &str) -> bool {
        let header = name.parse::<HeaderName>().ok();
        place_of == "header"
            && header.is_some_and(|header| {
                header == "content-type" || is_own(&header) || self.client.sets(&header)
            })
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
            schema.insert("description".to_owned(), clean(description.trim()).into());
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

    fn path(&mut self, found: &Found<'_>) -> Vec<Vec<Part>> {
        let mut unused: HashSet<String> =
            self.in_path.iter().map(|(name, _)| name.clone()).collect();
        let mut path = Vec::new();
        for segment in found.path.trim_start_matches('/').split('/') {
            path.push(self.segment(segment, &mut unused, &found.place));
        }
        for name in unused {
            self.fault(
                &found.place,
                &format!("the path has no place for its parameter `{}`", clean(&name)),
            );
        }
        // The base URL alone.
        if found.path.trim_start_matches('/').is_empty() {
            path.clear();
        }
        path
    }

    fn segment(&mut self, mut rest: &str, unused: &mut HashSet<String>, place: &str) -> Vec<Part> {
        let mut parts = Vec::new();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                self.fault(place, "a `{` in the path is not closed");
                return parts;
            };
            parts.extend(literal(before));
            match self.in_path.iter().find(|(own, _)| own == name) {
                Some((_, argument)) => parts.push(Part::Argument(argument.clone())),
                None => self.fault(
                    place,
                    &format!(
                        "the path needs the parameter `{}`, which is not declared",
                        clean(name)
                    ),
                ),
            }
            unused.remove(name);
            rest = after;
        }
        parts.extend(literal(rest));
        if let [Part::Text(text)] = parts.as_slice()
            && matches!(text.as_str(), "." | "..")
        {
            self.fault(place, "the path has `.` or `..` in it");
        }
        parts
    }

    fn body(&mut self, found: &Found<'a>) -> Body {
        let Some(body) = found.operation.get("requestBody") else {
            return Body::None;
        };
        let (body, place) = match self
            .document
            .follow(body, &within(&found.place, "requestBody"))
        {
            Ok(followed) => followed,
            Err(fault) => {
                self.faults.push(fault);
                return Body::None;
            }
        };
        let is_required = is_on(body, "required");
        let Some((schema, place)) = json_content(body, &place) else {
            if is_required {
                self.fault(&place, "it takes no JSON, and nothing else is sent");
            }
            return Body::None;
        };
        if is_required && let Some(fields) = self.fields(schema, &place) {
            return Body::Object(fields);
        }
        let name = self.free_name("body", "request");
        let schema = self.schemas.translate(schema, &place);
        if is_required {
            self.required.push(name.clone());
        }
        self.properties.insert(name.clone(), schema);
        Body::Whole(Argument::named(name))
    }

    /// The fields of a body as parameters of their own, which agents fill in best; `None` where it is
    /// no plain object, or a name is taken.
    fn fields(&mut self, schema: &'a Value, place: &str) -> Option<Vec<(String, Argument)>> {
        let (schema, place) = self.document.follow(schema, place).ok()?;
        let plain = [
            "type",
            "properties",
            "required",
            "title",
            "description",
            "example",
            "examples",
            "additionalProperties",
        ];
        let is_plain = text(schema, "type") == Some("object")
            && schema
                .as_object()?
                .keys()
                .all(|key| plain.contains(&&**key) || key.starts_with("x-"))
            && matches!(
                schema.get("additionalProperties"),
                None | Some(Value::Bool(false))
            );
        let properties = schema.get("properties")?.as_object()?;
        // What the service sets by itself is not asked for.
        let asked: Vec<_> = properties
            .iter()
            .filter(|(_, property)| !is_on(property, "readOnly"))
            .collect();
        let is_free =
            |name: &str| valid_property(name) == name && !self.properties.contains_key(name);
        if !is_plain || asked.is_empty() || !asked.iter().all(|(name, _)| is_free(name)) {
            return None;
        }
        let required: HashSet<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let place = within(&place, "properties");
        let mut fields = Vec::new();
        for (name, property) in asked {
            let translated = self.schemas.translate(property, &within(&place, name));
            self.properties.insert(name.clone(), translated);
            if required.contains(&**name) {
                self.required.push(name.clone());
            }
            fields.push((name.clone(), Argument::named(name)));
        }
        Some(fields)
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

/// A piece of a path, which may be encoded in the document.
fn literal(text: &str) -> Option<Part> {
    let text = percent_decode_str(text).decode_utf8_lossy();
    (!text.is_empty()).then(|| Part::Text(text.into_owned()))
}

fn valid_property(name: &str) -> String {
    let name = name.chars().map(|sign| match sign {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '.' | '-' => sign,
        _ => '_',
    });
    name.take(64).collect()
}
