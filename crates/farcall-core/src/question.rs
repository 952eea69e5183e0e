//! Questions that a running call puts to its client: a form, a page to visit, a model to ask.
//!
//! Clients of 2026-07-28 get them as an `input_required` result and call again with the
//! answers (MRTR, SEP-2322); clients in a session get a request from the server while the
//! call waits. A tool says [`ask`](crate::context::CallContext::ask) in both cases.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{JsonObject, content::Content, problem::Problem};

/// What is asked of the client, as MCP names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// `elicitation/create`: the person behind the client.
    Person,
    /// `sampling/createMessage`: the client's model.
    Model,
    /// `roots/list`: the folders that the client works in.
    Roots,
}

impl Asking {
    /// Every way to ask.
    pub const ALL: [Self; 3] = [Self::Person, Self::Model, Self::Roots];

    /// The protocol's method.
    pub fn method(self) -> &'static str {
        match self {
            Self::Person => "elicitation/create",
            Self::Model => "sampling/createMessage",
            Self::Roots => "roots/list",
        }
    }
}

/// The ways in which a client can be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Askable(u8);

impl Askable {
    /// It cannot be asked at all.
    pub const NOBODY: Self = Self(0);

    /// The same client, which can be asked this way too.
    #[must_use]
    pub fn with(self, asking: Asking) -> Self {
        Self(self.0 | bit(asking))
    }

    /// Whether the client can be asked this way.
    pub fn allows(self, asking: Asking) -> bool {
        self.0 & bit(asking) != 0
    }

    /// A number from 0 to 7, for the store: 1 is a person, 2 a model, 4 roots.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// What [`bits`](Self::bits) gave; `None` for a number above 7.
    pub fn from_bits(bits: u8) -> Option<Self> {
        (bits <= 7).then_some(Self(bits))
    }
}

fn bit(asking: Asking) -> u8 {
    match asking {
        Asking::Person => 1,
        Asking::Model => 2,
        Asking::Roots => 4,
    }
}

/// One question to the client of a call.
///
/// ```
/// use farcall_core::question::Question;
/// use serde_json::json;
///
/// let question = Question::form("Which colour?")
///     .field("colour", json!({"type": "string", "enum": ["red", "blue"]}));
/// assert_eq!(question.method(), "elicitation/create");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    asking: Asking,
    params: JsonObject,
}

impl Question {
    /// A form for a person; add its fields with [`field`](Self::field).
    pub fn form(message: impl Into<String>) -> Self {
        let schema = json!({"type": "object", "properties": {}, "required": []});
        Self::new(
            Asking::Person,
            json!({"mode": "form", "message": message.into(), "requestedSchema": schema}),
        )
    }

    /// A page for a person to visit, for what must not pass through the client, such as a password.
    pub fn visit(
        message: impl Into<String>,
        url: impl Into<String>,
        id: impl Into<String>,
    ) -> Self {
        Self::new(
            Asking::Person,
            json!({"mode": "url", "message": message.into(), "url": url.into(), "elicitationId": id.into()}),
        )
    }

    /// A prompt for the client's model, answered with at most `max_tokens` tokens.
    pub fn sample(prompt: impl Into<String>, max_tokens: u32) -> Self {
        Self::new(
            Asking::Model,
            json!({
                "messages": [{"role": "user", "content": Content::text(prompt)}],
                "maxTokens": max_tokens,
            }),
        )
    }

    /// The folders that the client works in.
    pub fn roots() -> Self {
        Self::new(Asking::Roots, json!({}))
    }

    /// Adds a required field to a form, and nothing to other questions; `schema` is one of MCP's primitive schemas.
    #[must_use]
    pub fn field(self, name: impl Into<String>, schema: Value) -> Self {
        let name = name.into();
        let mut question = self.optional_field(name.clone(), schema);
        let form = question.params.get_mut("requestedSchema");
        let required = form.and_then(|form| form.get_mut("required"));
        if let Some(required) = required.and_then(Value::as_array_mut) {
            required.push(name.into());
        }
        question
    }

    /// Adds a field that may be left empty.
    #[must_use]
    pub fn optional_field(mut self, name: impl Into<String>, schema: Value) -> Self {
        if let Some(form) = self.params.get_mut("requestedSchema") {
            form["properties"][name.into()] = schema;
        }
        self
    }

    /// Sets any other of the protocol's parameters, such as `systemPrompt` or `tools`.
    #[must_use]
    pub fn with(mut self, parameter: impl Into<String>, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).unwrap_or(Value::Null);
        self.params.insert(parameter.into(), value);
        self
    }

    /// Whom it is put to.
    pub fn asking(&self) -> Asking {
        self.asking
    }

    /// The protocol's method, for example `elicitation/create`.
    pub fn method(&self) -> &'static str {
        self.asking.method()
    }

    /// The parameters as they go over the wire.
    pub fn params(&self) -> &JsonObject {
        &self.params
    }

    /// The question of this protocol method with these parameters, as it went over the wire;
    /// `None` where the method asks nothing.
    pub fn parse(method: &str, params: JsonObject) -> Option<Self> {
        let asking = Asking::ALL
            .into_iter()
            .find(|asking| asking.method() == method)?;
        Some(Self { asking, params })
    }

    fn new(asking: Asking, params: Value) -> Self {
        let Value::Object(params) = params else {
            unreachable!("every constructor writes an object")
        };
        Self { asking, params }
    }
}

/// What the client answered, as the protocol's result.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer(Value);

impl Answer {
    /// An answer as it came over the wire.
    pub fn new(result: Value) -> Self {
        Self(result)
    }

    /// Whether a person accepted; a person may also decline or cancel.
    pub fn is_accepted(&self) -> bool {
        self.0["action"] == "accept"
    }

    /// The form that a person filled in, or `None` where it was declined or cancelled.
    ///
    /// # Errors
    /// A problem that names the mismatch where the form does not have the shape of `T`.
    pub fn form<T: DeserializeOwned>(&self) -> Result<Option<T>, Problem> {
        if !self.is_accepted() {
            return Ok(None);
        }
        serde_json::from_value(self.0["content"].clone())
            .map(Some)
            .map_err(|error| Problem::user(format!("the answered form does not fit: {error}")))
    }

    /// The text that the client's model wrote, or `None` where it is not text.
    pub fn text(&self) -> Option<&str> {
        self.0["content"]["text"].as_str()
    }

    /// The result as it came over the wire.
    pub fn as_value(&self) -> &Value {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_can_be_read_from_its_parts() {
        let question = Question::form("Which colour?").field("colour", json!({"type": "string"}));
        let read = Question::parse(question.method(), question.params().clone());
        assert_eq!(read, Some(question));
        assert_eq!(Question::parse("tools/call", JsonObject::new()), None);
    }

    #[test]
    fn each_way_to_ask_stands_for_itself() {
        for asking in Asking::ALL {
            let one = Askable::NOBODY.with(asking);
            let others = Asking::ALL.into_iter().filter(|other| one.allows(*other));
            assert_eq!(others.collect::<Vec<_>>(), [asking]);
            assert_eq!(Askable::from_bits(one.bits()), Some(one));
        }
        assert_eq!(Askable::from_bits(8), None);
    }
}
