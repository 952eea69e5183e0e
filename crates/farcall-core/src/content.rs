//! What a call gives back: blocks of content, and a structured value beside them.

use base64::{Engine, engine::general_purpose::STANDARD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{JsonObject, problem::Problem};

/// One block of what a tool, a prompt or a model says, as MCP's `ContentBlock`.
///
/// ```
/// use farcall_core::content::Content;
/// use serde_json::json;
///
/// let image = Content::image(b"GIF89a", "image/gif");
/// assert_eq!(
///     serde_json::to_value(image).unwrap(),
///     json!({"type": "image", "data": "R0lGODlh", "mimeType": "image/gif"}),
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Content(JsonObject);

impl Content {
    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::block("text", [("text", text.into().into())])
    }

    /// A picture: its encoded bytes (not base64; that is done here) and media type.
    pub fn image(bytes: impl AsRef<[u8]>, media_type: impl Into<String>) -> Self {
        Self::bytes("image", bytes.as_ref(), media_type.into())
    }

    /// A sound: its encoded bytes (not base64; that is done here) and media type.
    pub fn audio(bytes: impl AsRef<[u8]>, media_type: impl Into<String>) -> Self {
        Self::bytes("audio", bytes.as_ref(), media_type.into())
    }

    /// The whole content of a resource, inside the answer.
    pub fn embedded(resource: ResourceContent) -> Self {
        Self::block("resource", [("resource", resource.into_value())])
    }

    /// A pointer to a resource that the client may read later.
    pub fn link(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self::block(
            "resource_link",
            [("uri", uri.into().into()), ("name", name.into().into())],
        )
    }

    /// The same block with one more of MCP's fields, such as `annotations`, `title` or `_meta`.
    #[must_use]
    pub fn with(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(field.into(), value.into());
        self
    }

    /// The text of a text block.
    pub fn as_text(&self) -> Option<&str> {
        self.0.get("text").and_then(Value::as_str)
    }

    /// The text of a block that is nothing but text.
    ///
    /// # Errors
    /// The block itself where it is another one, or has more fields.
    pub fn into_plain_text(mut self) -> Result<String, Self> {
        if self.0.len() != 2 || self.0.get("type").and_then(Value::as_str) != Some("text") {
            return Err(self);
        }
        match self.0.get_mut("text").map(Value::take) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(self),
        }
    }

    /// The block as it goes over the wire.
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    fn bytes(kind: &str, bytes: &[u8], media_type: String) -> Self {
        Self::block(
            kind,
            [
                ("data", STANDARD.encode(bytes).into()),
                ("mimeType", media_type.into()),
            ],
        )
    }

    fn block<const N: usize>(kind: &str, fields: [(&str, Value); N]) -> Self {
        let mut block = JsonObject::new();
        block.insert("type".to_owned(), kind.into());
        for (name, value) in fields {
            block.insert(name.to_owned(), value);
        }
        Self(block)
    }
}

/// The content of one resource, as MCP's `ResourceContents`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceContent(JsonObject);

impl ResourceContent {
    /// A text at `uri`.
    pub fn text(
        uri: impl Into<String>,
        media_type: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        Self::of(uri.into(), media_type.into(), "text", text.into())
    }

    /// Bytes at `uri` (not base64; that is done here).
    pub fn blob(
        uri: impl Into<String>,
        media_type: impl Into<String>,
        bytes: impl AsRef<[u8]>,
    ) -> Self {
        Self::of(
            uri.into(),
            media_type.into(),
            "blob",
            STANDARD.encode(bytes.as_ref()),
        )
    }

    /// The content as it goes over the wire.
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    fn of(uri: String, media_type: String, kind: &str, body: String) -> Self {
        let mut content = JsonObject::new();
        content.insert("uri".to_owned(), uri.into());
        content.insert("mimeType".to_owned(), media_type.into());
        content.insert(kind.to_owned(), body.into());
        Self(content)
    }
}

/// The whole answer of a tool.
///
/// A tool that returns a serialisable value needs none of this: the value becomes
/// `structuredContent` and the same JSON as text. It is for answers of several
/// blocks, of pictures or sounds, or with `_meta`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolOutput {
    /// The blocks, in order.
    pub content: Vec<Content>,
    /// The structured value, where there is one.
    pub structured: Option<Value>,
    /// Whether the tool says that it failed.
    pub is_error: bool,
    /// Protocol metadata of the result (`_meta`).
    pub meta: Option<JsonObject>,
}

impl ToolOutput {
    /// An answer of one text block.
    pub fn text(text: impl Into<String>) -> Self {
        Self::blocks([Content::text(text)])
    }

    /// An answer of these blocks.
    pub fn blocks(content: impl IntoIterator<Item = Content>) -> Self {
        Self {
            content: content.into_iter().collect(),
            ..Self::default()
        }
    }

    /// An answer that is `value`: structured, and the same JSON as text.
    pub fn structured(value: Value) -> Self {
        Self {
            content: vec![Content::text(value.to_string())],
            structured: Some(value),
            ..Self::default()
        }
    }

    /// The same answer with `_meta`.
    #[must_use]
    pub fn with_meta(mut self, meta: JsonObject) -> Self {
        self.meta = Some(meta);
        self
    }

    /// The same answer, marked as a failure of the tool.
    #[must_use]
    pub fn failed(mut self) -> Self {
        self.is_error = true;
        self
    }
}

/// A value that can be the answer of a tool: [`ToolOutput`] itself, or any value that
/// serialises and has a JSON Schema. A string becomes a text block; every other value
/// becomes `structuredContent` and the same JSON as text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the answer of a tool",
    label = "a tool returns a value that serialises and has a schema, or a `Result` of one",
    note = "put `#[farcall::data]` on the type, or return `ToolOutput`; errors are `farcall::Problem`"
)]
pub trait IntoToolOutput {
    /// The JSON Schema of the structured value, where every answer has one.
    fn output_schema() -> Option<JsonObject>;

    /// Turns the value into an answer.
    ///
    /// # Errors
    /// The problem that the tool returned, or one that says that its value cannot be written as JSON.
    fn into_tool_output(self) -> Result<ToolOutput, Problem>;
}

impl IntoToolOutput for ToolOutput {
    fn output_schema() -> Option<JsonObject> {
        None
    }

    fn into_tool_output(self) -> Result<ToolOutput, Problem> {
        Ok(self)
    }
}

impl<T: Serialize + JsonSchema> IntoToolOutput for T {
    fn output_schema() -> Option<JsonObject> {
        // Clients before 2026-07-28 take objects only, so nothing else is promised.
        let schema = crate::schema::of::<T>(crate::schema::Direction::Output);
        (schema.get("type").and_then(Value::as_str) == Some("object")).then_some(schema)
    }

    fn into_tool_output(self) -> Result<ToolOutput, Problem> {
        Ok(match serde_json::to_value(self)? {
            Value::String(text) => ToolOutput::text(text),
            value => ToolOutput::structured(value),
        })
    }
}

/// The return type of an annotated function: an [`IntoToolOutput`], or a [`Result`] of one.
///
/// `Shape` only keeps the two apart for the compiler, which finds it by itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the answer of a tool",
    label = "a tool returns a value that serialises and has a schema, or a `Result` of one",
    note = "put `#[farcall::data]` on the type, or return `ToolOutput`; errors are `farcall::Problem`"
)]
pub trait ToolReturn<Shape> {
    /// The JSON Schema of the structured value, where every answer has one.
    fn output_schema() -> Option<JsonObject>;

    /// Turns the value into an answer.
    ///
    /// # Errors
    /// The problem that the tool returned, or one that says that its value cannot be written as JSON.
    fn into_answer(self) -> Result<ToolOutput, Problem>;
}

/// The function cannot fail.
#[derive(Debug)]
pub enum Plain {}

/// The function returns a [`Result`].
#[derive(Debug)]
pub enum Fallible {}

impl<T: IntoToolOutput> ToolReturn<Plain> for T {
    fn output_schema() -> Option<JsonObject> {
        T::output_schema()
    }

    fn into_answer(self) -> Result<ToolOutput, Problem> {
        self.into_tool_output()
    }
}

impl<T: IntoToolOutput> ToolReturn<Fallible> for Result<T, Problem> {
    fn output_schema() -> Option<JsonObject> {
        T::output_schema()
    }

    fn into_answer(self) -> Result<ToolOutput, Problem> {
        self?.into_tool_output()
    }
}
