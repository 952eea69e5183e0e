//! Resources: readable data at a URI, alone or by the pattern of a template.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use crate::{
    BoxFuture, JsonObject, content::ResourceContent, context::CallContext, problem::Problem,
    tool::SchemaOrigin,
};

/// What reading a resource gives.
pub type Reading = Result<Vec<ResourceContent>, Problem>;

/// The variables that a template's pattern found in a URI, percent-decoded.
pub type Variables = BTreeMap<String, String>;

type Reader = Arc<dyn Fn(CallContext, String, Variables) -> BoxFuture<Reading> + Send + Sync>;

/// A resource that clients can list and read.
///
/// ```
/// use farcall_core::{content::ResourceContent, resource::Resource};
///
/// let resource = Resource::new("notes://today", "today", |_context, uri| async move {
///     Ok(vec![ResourceContent::text(uri, "text/plain", "nothing yet")])
/// })
/// .describe("Today's notes.");
/// ```
#[derive(Clone)]
pub struct Resource {
    /// The URI that clients read.
    pub uri: String,
    /// MCP's fields beside the URI: `name`, `description`, `mimeType`, `annotations`, …
    pub fields: JsonObject,
    pub(crate) reader: Reader,
}

impl Resource {
    /// A resource at `uri`; `read` gets the call and the URI.
    pub fn new<F, A>(uri: impl Into<String>, name: impl Into<String>, read: F) -> Self
    where
        F: Fn(CallContext, String) -> A + Send + Sync + 'static,
        A: Future<Output = Reading> + Send + 'static,
    {
        Self {
            uri: uri.into(),
            fields: named(name.into()),
            reader: Arc::new(move |context, uri, _| Box::pin(read(context, uri))),
        }
    }

    /// Adds the description that clients read.
    #[must_use]
    pub fn describe(self, description: impl Into<String>) -> Self {
        self.with("description", description.into())
    }

    /// Adds any other of MCP's fields, such as `mimeType`, `title`, `size` or `annotations`.
    #[must_use]
    pub fn with(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.fields.insert(field.into(), value.into());
        self
    }

    /// Reads it.
    pub fn read(&self, context: CallContext) -> BoxFuture<Reading> {
        (self.reader)(context, self.uri.clone(), Variables::new())
    }
}

/// Resources whose URIs follow a pattern, such as `notes://{day}`.
#[derive(Clone)]
pub struct ResourceTemplate {
    /// The pattern (RFC 6570): `{name}` stands for one plain segment, also once decoded;
    /// `{+name}` for any rest, which may lead anywhere.
    pub uri_template: String,
    /// MCP's fields beside the pattern: `name`, `description`, `mimeType`, …
    pub fields: JsonObject,
    /// Who wrote the pattern. An imported one may be any of RFC 6570: what goes beyond the above is
    /// judged by its beginning alone, and then by whoever reads it.
    pub origin: SchemaOrigin,
    pub(crate) reader: Reader,
}

impl ResourceTemplate {
    /// Resources by the pattern `uri_template`; `read` gets the call, the URI and its variables.
    pub fn new<F, A>(uri_template: impl Into<String>, name: impl Into<String>, read: F) -> Self
    where
        F: Fn(CallContext, String, Variables) -> A + Send + Sync + 'static,
        A: Future<Output = Reading> + Send + 'static,
    {
        Self {
            uri_template: uri_template.into(),
            fields: named(name.into()),
            origin: SchemaOrigin::Declared,
            reader: Arc::new(move |context, uri, found| Box::pin(read(context, uri, found))),
        }
    }

    /// The pattern, ready to be matched.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn pattern(&self) -> Result<UriPattern, String> {
        match (UriPattern::parse(&self.uri_template), self.origin) {
            (Err(_), SchemaOrigin::Imported) => Ok(UriPattern::beginning(&self.uri_template)),
            (parsed, _) => parsed,
        }
    }

    /// Adds the description that clients read.
    #[must_use]
    pub fn describe(self, description: impl Into<String>) -> Self {
        self.with("description", description.into())
    }

    /// Adds any other of MCP's fields, such as `mimeType` or `title`.
    #[must_use]
    pub fn with(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.fields.insert(field.into(), value.into());
        self
    }

    /// Reads `uri`, whose `variables` were found by the pattern.
    pub fn read(
        &self,
        context: CallContext,
        uri: String,
        variables: Variables,
    ) -> BoxFuture<Reading> {
        (self.reader)(context, uri, variables)
    }
}

fn named(name: String) -> JsonObject {
    JsonObject::from_iter([("name".to_owned(), name.into())])
}

/// A template's pattern, taken apart once at start.
///
/// Matching goes through the URI once and never backtracks, so no URI can make it slow
/// (compare CVE-2026-0621, where it was a regular expression).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UriPattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Variable { name: String, rest: bool },
}

impl UriPattern {
    /// Takes a template apart, or says what is wrong with it.
    pub(crate) fn parse(template: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = template;
        while let Some((literal, after)) = rest.split_once('{') {
            let (expression, after) = after
                .split_once('}')
                .ok_or("a `{` is not closed by a `}`")?;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_owned()));
            } else if matches!(pieces.last(), Some(Piece::Variable { .. })) {
                return Err("two variables stand side by side".to_owned());
            }
            let name = expression.strip_prefix('+').unwrap_or(expression);
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(format!(
                    "`{{{expression}}}` is neither `{{name}}` nor `{{+name}}`"
                ));
            }
            pieces.push(Piece::Variable {
                name: name.to_owned(),
                rest: expression.starts_with('+'),
            });
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// The pattern of whatever begins as `template` does before its first variable.
    fn beginning(template: &str) -> Self {
        let literal = template.split('{').next().unwrap_or_default();
        let rest = Piece::Variable {
            name: "rest".to_owned(),
            rest: true,
        };
        Self(vec![Piece::Literal(literal.to_owned()), rest])
    }

    /// The names of the variables, in order.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Variable { name, .. } => Some(name.as_str()),
            Piece::Literal(_) => None,
        })
    }

    /// The variables of `uri`, or `None` where it does not follow the pattern.
    pub(crate) fn matches(&self, uri: &str) -> Option<Variables> {
        let mut found = Variables::new();
        let mut left = uri;
        for (index, piece) in self.0.iter().enumerate() {
            match piece {
                Piece::Literal(literal) => left = left.strip_prefix(literal.as_str())?,
                Piece::Variable { name, rest } => {
                    let end = match self.0.get(index + 1) {
                        Some(Piece::Literal(next)) if index + 2 == self.0.len() => {
                            left.len().checked_sub(next.len())?
                        }
                        Some(Piece::Literal(next)) => left.find(next.as_str())?,
                        _ => left.len(),
                    };
                    let value = left.get(..end)?;
                    let value = percent_encoding::percent_decode_str(value)
                        .decode_utf8()
                        .ok()?;
                    if value.is_empty() || (!rest && !is_segment(&value)) {
                        return None;
                    }
                    found.insert(name.clone(), value.into_owned());
                    left = &left[end..];
                }
            }
        }
        left.is_empty().then_some(found)
    }
}

/// Whether a decoded value is one plain segment, which leads to no other folder when somebody
/// makes a path of it.
fn is_segment(value: &str) -> bool {
    !matches!(value, "." | "..") && !value.contains(['/', '\\', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(template: &str, uri: &str) -> Option<Vec<String>> {
        let found = UriPattern::parse(template).unwrap().matches(uri)?;
        Some(found.into_values().collect())
    }

    #[test]
    fn a_variable_is_one_segment() {
        assert_eq!(matched("a://{x}/data", "a://1/data").unwrap(), ["1"]);
        assert_eq!(matched("a://{x}/data", "a://1/2/data"), None);
        assert_eq!(matched("a://{x}/data", "a:///data"), None);
        assert_eq!(matched("a://{x}", "a://%c3%a9").unwrap(), ["é"]);
        for escape in ["%2e%2e", ".", "a%2fb", "..%2F..%2Fetc", "a%5Cb", "a%00b"] {
            assert_eq!(
                matched("a://{x}", &format!("a://{escape}")),
                None,
                "{escape}"
            );
        }
    }

    #[test]
    fn a_rest_variable_takes_slashes() {
        assert_eq!(matched("a://{+path}", "a://x/y").unwrap(), ["x/y"]);
        assert_eq!(
            matched("a://{+path}.md", "a://x.md/y.md").unwrap(),
            ["x.md/y"]
        );
    }

    #[test]
    fn broken_templates_are_refused() {
        for template in ["a://{x", "a://{}", "a://{x}{y}", "a://{x*}", "a://{?q}"] {
            assert!(UriPattern::parse(template).is_err(), "{template}");
        }
    }
}
