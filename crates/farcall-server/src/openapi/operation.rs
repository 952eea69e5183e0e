//! One operation, put together.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a schema becomes a part of another, which `json!` takes by reference"
)]

use serde_json::{Map, Value, json};

use super::answer::{self, Form};

/// What a method of a route does, with all its answers.
#[derive(Clone)]
#[must_use]
pub(super) struct Operation {
    form: Form,
    object: Map<String, Value>,
    answers: Map<String, Value>,
}

impl Operation {
    /// One for everybody, whose refusals have this form.
    pub(super) fn new(id: &str, tag: &str, summary: &str, form: Form) -> Self {
        let object = [
            ("operationId", json!(id)),
            ("tags", json!([tag])),
            ("summary", json!(summary)),
        ];
        let object = object.map(|(name, value)| (name.to_owned(), value));
        Self {
            form,
            object: object.into_iter().collect(),
            answers: Map::new(),
        }
    }

    pub(super) fn about(self, description: &str) -> Self {
        self.with("description", json!(description))
    }

    /// Only for callers with a credential.
    pub(super) fn gated(self) -> Self {
        self.with("security", json!([{"bearer": []}, {"access": []}]))
    }

    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.object.insert(name.to_owned(), value);
        self
    }

    /// An answer of its own.
    pub(super) fn answers(mut self, status: u16, answer: Value) -> Self {
        self.answers.insert(status.to_string(), answer);
        self
    }

    /// Refusals as other routes have them.
    pub(super) fn refuses(self, statuses: &[u16]) -> Self {
        let form = self.form;
        let statuses = statuses.iter();
        statuses.fold(self, |operation, status| {
            operation.answers(*status, answer::refusal(form, *status))
        })
    }

    pub(super) fn done(mut self) -> Value {
        self.answers.sort_keys();
        self.object
            .insert("responses".to_owned(), self.answers.into());
        self.object.into()
    }

    /// What GET does and HEAD as well, which has the same answers without their bodies.
    pub(super) fn and_head(self) -> Value {
        let head = self.clone().into_head();
        json!({"get": self.done(), "head": head.done()})
    }

    /// The same for HEAD.
    pub(super) fn into_head(self) -> Self {
        let id = self.object["operationId"].as_str().unwrap_or_default();
        let (id, summary) = (format!("{id}_head"), self.object["summary"].clone());
        let summary = format!("{} The head alone.", summary.as_str().unwrap_or_default());
        self.with("operationId", json!(id))
            .with("summary", json!(summary))
    }

    /// The same without these answers.
    pub(super) fn never(mut self, statuses: &[u16]) -> Self {
        let keys = statuses.iter().map(u16::to_string);
        keys.for_each(|key| drop(self.answers.remove(&key)));
        self
    }
}

/// A parameter that may be left out.
pub(super) fn optional(place: &str, name: &str, schema: Value, description: &str) -> Value {
    json!({"name": name, "in": place, "description": description, "schema": schema})
}

/// A parameter of the path.
pub(super) fn in_path(name: &str, schema: Value, description: &str) -> Value {
    json!({
        "name": name, "in": "path", "required": true, "description": description, "schema": schema,
    })
}
