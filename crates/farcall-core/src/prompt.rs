//! Prompts: message templates that a person picks in their client.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use crate::{
    BoxFuture, JsonObject, content::Content, context::CallContext, problem::Problem,
    tool::SchemaOrigin,
};

/// The values that a client gave for a prompt's arguments.
pub type Arguments = BTreeMap<String, String>;

/// Who speaks a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The client's model.
    Assistant,
    /// The person.
    User,
}

/// One message of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: Content,
}

impl Message {
    /// A message from the person.
    pub fn user(content: Content) -> Self {
        Self {
            role: Role::User,
            content,
        }
    }

    /// A message from the model.
    pub fn assistant(content: Content) -> Self {
        Self {
            role: Role::Assistant,
            content,
        }
    }
}

/// What a prompt becomes.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// What it is for; for one that was declared here, its description.
    pub description: Option<String>,
    /// Its messages, in order.
    pub messages: Vec<Message>,
    /// Protocol metadata of the result (`_meta`).
    pub meta: Option<JsonObject>,
}

type Writer =
    Arc<dyn Fn(CallContext, Arguments) -> BoxFuture<Result<Script, Problem>> + Send + Sync>;

/// A prompt that clients can list and fill in.
///
/// ```
/// use farcall_core::{content::Content, prompt::{Message, Prompt}};
///
/// let prompt = Prompt::new("review", "Review a text.", |_context, arguments| async move {
///     Ok(vec![Message::user(Content::text(format!("Review: {}", arguments["text"])))])
/// })
/// .argument("text", "The text to review.");
/// ```
#[derive(Clone)]
pub struct Prompt {
    /// Unique within the server, by the same rule as the names of tools.
    pub name: String,
    /// What people read; empty only where it was imported without one.
    pub description: String,
    /// Its arguments, in order.
    pub arguments: Vec<Argument>,
    /// Any other of MCP's fields, such as `title` or `icons`. Where it was imported these are all it
    /// has, its arguments among them, and clients are shown them as they are.
    pub fields: JsonObject,
    /// Who wrote it.
    pub origin: SchemaOrigin,
    writer: Writer,
}

/// One argument of a prompt; always a string on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// What people read; not empty.
    pub description: String,
    /// Whether the prompt cannot be written without it.
    pub required: bool,
}

impl Prompt {
    /// A prompt without arguments; `write` gets the call and the arguments.
    pub fn new<F, A>(name: impl Into<String>, description: impl Into<String>, write: F) -> Self
    where
        F: Fn(CallContext, Arguments) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Vec<Message>, Problem>> + Send + 'static,
    {
        let description = description.into();
        let told = description.clone();
        let writer = move |context, arguments| -> BoxFuture<Result<Script, Problem>> {
            let (messages, description) = (write(context, arguments), told.clone());
            Box::pin(async move {
                Ok(Script {
                    description: Some(description),
                    messages: messages.await?,
                    meta: None,
                })
            })
        };
        Self {
            name: name.into(),
            description,
            arguments: Vec::new(),
            fields: JsonObject::new(),
            origin: SchemaOrigin::Declared,
            writer: Arc::new(writer),
        }
    }

    /// A prompt of somebody else's, with the `fields` that MCP's `Prompt` has there, whatever they are;
    /// `write` gets the call and the arguments.
    pub fn imported<F, A>(name: impl Into<String>, fields: JsonObject, write: F) -> Self
    where
        F: Fn(CallContext, Arguments) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Script, Problem>> + Send + 'static,
    {
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let arguments = fields.get("arguments").and_then(Value::as_array);
        let arguments = arguments.into_iter().flatten().map(|argument| Argument {
            name: text(argument, "name"),
            description: text(argument, "description"),
            required: argument["required"] == true,
        });
        let description = fields.get("description").and_then(Value::as_str);
        Self {
            name: name.into(),
            description: description.unwrap_or_default().to_owned(),
            arguments: arguments.collect(),
            origin: SchemaOrigin::Imported,
            writer: Arc::new(move |context, arguments| Box::pin(write(context, arguments))),
            fields,
        }
    }

    /// Adds an argument that must be given.
    #[must_use]
    pub fn argument(self, name: impl Into<String>, description: impl Into<String>) -> Self {
        self.with_argument(name.into(), description.into(), true)
    }

    /// Adds an argument that may be left out.
    #[must_use]
    pub fn optional_argument(
        self,
        name: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        self.with_argument(name.into(), description.into(), false)
    }

    /// Adds any other of MCP's fields, such as `title` or `icons`.
    #[must_use]
    pub fn with(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.fields.insert(field.into(), value.into());
        self
    }

    /// Writes the messages.
    ///
    /// # Errors
    /// A problem that names the first required argument that is missing, or what the prompt returned.
    pub async fn write(
        &self,
        context: CallContext,
        arguments: Arguments,
    ) -> Result<Script, Problem> {
        let missing =
            |argument: &&Argument| argument.required && !arguments.contains_key(&argument.name);
        if let Some(argument) = self.arguments.iter().find(missing) {
            return Err(
                Problem::user(format!("the argument `{}` is missing", argument.name))
                    .hint("`prompts/list` says what each prompt needs"),
            );
        }
        (self.writer)(context, arguments).await
    }

    fn with_argument(mut self, name: String, description: String, required: bool) -> Self {
        self.arguments.push(Argument {
            name,
            description,
            required,
        });
        self
    }
}
