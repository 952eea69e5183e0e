//! The body of a request.

use std::collections::HashSet;

use serde_json::Value;

use super::{Collecting, json_content, valid_property};
use crate::service::{
    openapi::{
        document::{is_on, text, within},
        operations::Found,
    },
    request::{Argument, Body},
};

impl<'a> Collecting<'a> {
    /// What is sent, and what callers say for it.
    pub(super) fn body(&mut self, found: &Found<'a>) -> Body {
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
