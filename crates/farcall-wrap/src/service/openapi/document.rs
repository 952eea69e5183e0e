//! A document, and what its references lead to.

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// How many references may lead to one another before something is reached.
const MAX_HOPS: usize = 16;

/// An OpenAPI document of a version that is understood.
pub(super) struct Document {
    root: Value,
    /// Whether its schemas are those of 3.0, which are not JSON Schema 2020-12.
    pub(super) is_old: bool,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// One sentence where it is none.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let root: Value = serde_json::from_slice(bytes).map_err(|fault| {
            let is_json = bytes.trim_ascii_start().starts_with(b"{");
            if is_json {
                format!("the document is no valid JSON: {fault}")
            } else {
                "the document is no JSON; convert YAML with `yq -o json openapi.yaml > openapi.json`, or take what the service itself serves, such as `/openapi.json`".to_owned()
            }
        })?;
        let version = text(&root, "openapi").unwrap_or_default();
        let is_old = match version.split('.').collect::<Vec<_>>()[..] {
            ["3", "0", ..] => true,
            ["3", "1" | "2", ..] => false,
            _ if root.get("swagger").is_some() => {
                return Err(
                    "the document is Swagger 2; convert it with `npx swagger2openapi`".to_owned(),
                );
            }
            _ => {
                return Err(
                    "at `/openapi`: it says no version that is understood; 3.0, 3.1 and 3.2 are"
                        .to_owned(),
                );
            }
        };
        Ok(Self { root, is_old })
    }

    /// The whole of it.
    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    /// What `value`, which stands at `place`, is or leads to, and where that stands.
    ///
    /// # Errors
    /// One sentence where it leads to nothing in this document.
    pub(super) fn follow<'a>(
        &'a self,
        value: &'a Value,
        place: &str,
    ) -> Result<(&'a Value, String), String> {
        let (mut value, mut at) = (value, place.to_owned());
        for _ in 0..MAX_HOPS {
            let Some(reference) = value.get("$ref") else {
                return Ok((value, at));
            };
            let (next, pointer) = self.target(reference, &at)?;
            (value, at) = (next, pointer);
        }
        Err(format!(
            "at `{place}`: its `$ref` leads round in a circle, or too far"
        ))
    }

    /// What a reference at `place` leads to, and the pointer to it.
    ///
    /// # Errors
    /// One sentence where it leads to nothing in this document.
    pub(super) fn target(
        &self,
        reference: &Value,
        place: &str,
    ) -> Result<(&Value, String), String> {
        let shown: String = match reference.as_str() {
            Some(reference) => reference.chars().take(200).collect(),
            None => return Err(format!("at `{place}`: its `$ref` is no text")),
        };
        let reference = reference.as_str().unwrap_or_default();
        let Some(pointer) = reference.strip_prefix('#') else {
            return Err(format!(
                "at `{place}`: `{}` leads to another document, and nothing is fetched; bundle them into one with `npx @redocly/cli bundle`",
                shown.escape_debug()
            ));
        };
        let pointer = percent_decode_str(pointer).decode_utf8_lossy().into_owned();
        match self.root.pointer(&pointer) {
            Some(target) => Ok((target, pointer)),
            None => Err(format!(
                "at `{place}`: `{}` leads to nothing",
                shown.escape_debug()
            )),
        }
    }
}

/// The text called `name` of an object, where it is not empty.
pub(super) fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    let text = object.get(name)?.as_str()?;
    (!text.trim().is_empty()).then_some(text)
}

/// The pointer to `name` within what stands at `place` (RFC 6901).
pub(super) fn within(place: &str, name: &str) -> String {
    format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Whether the switch called `name` is on.
pub(super) fn is_on(object: &Value, name: &str) -> bool {
    object.get(name) == Some(&Value::Bool(true))
}
