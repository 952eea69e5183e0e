//! Resources, templates, prompts and completions of a mounted server.

use std::sync::Arc;

use farcall_config::file::Mount;
use farcall_core::{
    JsonObject,
    catalog::Offers,
    completion::{Completion, Suggestions, Target},
    content::{Content, ResourceContent},
    context::CallContext,
    name::tool_name_fault,
    problem::Problem,
    prompt::{Arguments, Message, Prompt, Role, Script},
    resource::{Reading, Resource, ResourceTemplate},
    tool::SchemaOrigin,
};
use serde_json::{Value, json};

use super::{
    broken::Broken,
    lists::Lists,
    names::Names,
    pool::Pool,
    prose,
    tool::{add_meta, text_of},
};
use crate::text;

/// What is passed on besides tools; `warnings` is told what is not, and what has another name.
pub(super) fn offers(
    lists: &mut Lists,
    mount: &Mount,
    pool: &Arc<Pool>,
    warnings: &mut Vec<String>,
) -> Offers {
    let mut others = Others {
        pool,
        completes: lists.completes,
        names: Names::new(mount, &lists.prompts),
        offers: Offers::default(),
        warnings,
    };
    let (resources, prompts) = (
        mount.allowed_resources.as_ref(),
        mount.allowed_prompts.as_ref(),
    );
    for own in lists.resources.drain(..) {
        others.take("resource", "uri", own, resources, Others::resource);
    }
    for own in lists.templates.drain(..) {
        let kind = "resource template";
        others.take(kind, "uriTemplate", own, resources, Others::template);
    }
    for own in lists.prompts.drain(..) {
        others.take("prompt", "name", own, prompts, Others::prompt);
    }
    others.offers
}

/// Takes over what is no tool.
struct Others<'a> {
    pool: &'a Arc<Pool>,
    completes: bool,
    /// Those of prompts.
    names: Names<'a>,
    offers: Offers,
    warnings: &'a mut Vec<String>,
}

/// Takes one thing, which its server knows by this text; otherwise it says why not.
type Take<'a> = fn(&mut Others<'a>, &str, JsonObject) -> Result<(), String>;

impl<'a> Others<'a> {
    fn take(
        &mut self,
        kind: &str,
        key: &str,
        own: JsonObject,
        allowed: Option<&Vec<String>>,
        take: Take<'a>,
    ) {
        let known_by = text_of(&own, key);
        if allowed.is_some_and(|allowed| !allowed.contains(&known_by)) {
            return;
        }
        let shown = text::shown(&known_by);
        let taken = match prose::hidden_fault(&own) {
            Some(fault) => Err(fault),
            None => take(self, &known_by, own),
        };
        if let Err(fault) = taken {
            self.warnings
                .push(format!("the {kind} `{shown}` is left out: {fault}"));
        }
    }

    fn resource(&mut self, uri: &str, own: JsonObject) -> Result<(), String> {
        if !uri.contains(':') {
            return Err("its URI has no scheme".to_owned());
        }
        let pool = Arc::clone(self.pool);
        let name = text_of(&own, "name");
        let mut resource = Resource::new(uri, name, move |context, uri| {
            read(Arc::clone(&pool), context, uri)
        });
        resource.fields = without(own, "uri");
        self.offers.resources.push(resource);
        Ok(())
    }

    fn template(&mut self, pattern: &str, own: JsonObject) -> Result<(), String> {
        // Else it would stand for everybody's resources.
        if !pattern.split('{').next().unwrap_or_default().contains(':') {
            return Err("it does not begin with a scheme".to_owned());
        }
        if self.completes {
            let reference = json!({"type": "ref/resource", "uri": pattern});
            for variable in variables(pattern) {
                let target = Target::ResourceTemplate(pattern.to_owned());
                self.completion(target, variable, reference.clone());
            }
        }
        let pool = Arc::clone(self.pool);
        let name = text_of(&own, "name");
        let mut template = ResourceTemplate::new(pattern, name, move |context, uri, _| {
            read(Arc::clone(&pool), context, uri)
        });
        template.origin = SchemaOrigin::Imported;
        template.fields = without(own, "uriTemplate");
        self.offers.templates.push(template);
        Ok(())
    }

    fn prompt(&mut self, own_name: &str, own: JsonObject) -> Result<(), String> {
        if !self.names.is_first(own_name) {
            return Err("there is one of this name before it".to_owned());
        }
        let (name, change) = self.names.name(own_name);
        if let Some(fault) = tool_name_fault(&name) {
            return Err(fault);
        }
        let change = change.map(|change| format!("the prompt `{own_name}` {change}"));
        self.warnings.extend(change);
        let (asked, asking) = (Arc::<str>::from(own_name), Arc::clone(self.pool));
        let prompt = Prompt::imported(name, without(own, "name"), move |context, arguments| {
            write(Arc::clone(&asking), Arc::clone(&asked), context, arguments)
        });
        if self.completes {
            let reference = json!({"type": "ref/prompt", "name": own_name});
            for argument in &prompt.arguments {
                let target = Target::Prompt(prompt.name.clone());
                self.completion(target, argument.name.clone(), reference.clone());
            }
        }
        self.offers.prompts.push(prompt);
        Ok(())
    }

    fn completion(&mut self, target: Target, argument: String, reference: Value) {
        let completion = completion(target, argument, reference, self.pool);
        self.offers.completions.push(completion);
    }
}

fn without(mut own: JsonObject, key: &str) -> JsonObject {
    own.shift_remove(key);
    own
}

async fn read(pool: Arc<Pool>, context: CallContext, uri: String) -> Reading {
    let mut params = JsonObject::from_iter([("uri".to_owned(), uri.into())]);
    add_meta(&mut params, context.meta(), context.trace());
    let mut answer = pool.ask("resources/read", params, &context).await?;
    let contents = answer.remove("contents").unwrap_or_default();
    let contents: Vec<ResourceContent> = serde_json::from_value(text::clean_value(contents))
        .map_err(|error| unreadable("contents", &error))?;
    Ok(contents)
}

async fn write(
    pool: Arc<Pool>,
    own: Arc<str>,
    context: CallContext,
    arguments: Arguments,
) -> Result<Script, Problem> {
    let mut params = JsonObject::from_iter([("name".to_owned(), (*own).into())]);
    let arguments: JsonObject = arguments
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    params.insert("arguments".to_owned(), arguments.into());
    add_meta(&mut params, context.meta(), context.trace());
    let answer = pool.ask("prompts/get", params, &context).await?;
    let Value::Object(mut answer) = text::clean_value(Value::Object(answer)) else {
        return Err(Broken::Unreadable("its prompt is no object".to_owned()).into());
    };
    let messages = answer.remove("messages").unwrap_or_default();
    let messages: Vec<Value> =
        serde_json::from_value(messages).map_err(|error| unreadable("messages", &error))?;
    Ok(Script {
        description: match answer.remove("description") {
            Some(Value::String(description)) => Some(description),
            _ => None,
        },
        messages: messages
            .into_iter()
            .map(message)
            .collect::<Result<_, _>>()?,
        meta: match answer.remove("_meta") {
            Some(Value::Object(meta)) => Some(meta),
            _ => None,
        },
    })
}

fn message(mut message: Value) -> Result<Message, Problem> {
    let role = if message["role"] == "assistant" {
        Role::Assistant
    } else {
        Role::User
    };
    let content: Content = serde_json::from_value(message["content"].take())
        .map_err(|error| unreadable("messages", &error))?;
    Ok(Message { role, content })
}

fn completion(target: Target, argument: String, reference: Value, pool: &Arc<Pool>) -> Completion {
    let (name, pool) = (argument.clone(), Arc::clone(pool));
    Completion::imported(target, argument, move |context, typed, filled| {
        let argument = json!({"name": name, "value": typed});
        suggest(
            Arc::clone(&pool),
            context,
            reference.clone(),
            argument,
            filled,
        )
    })
}

async fn suggest(
    pool: Arc<Pool>,
    context: CallContext,
    reference: Value,
    argument: Value,
    filled: Arguments,
) -> Result<Suggestions, Problem> {
    let mut params = JsonObject::new();
    params.insert("ref".to_owned(), reference);
    params.insert("argument".to_owned(), argument);
    if !filled.is_empty() {
        params.insert("context".to_owned(), json!({"arguments": filled}));
    }
    let mut answer = pool.ask("completion/complete", params, &context).await?;
    let mut found = answer.remove("completion").unwrap_or_default();
    let values = text::clean_value(found["values"].take());
    let values = serde_json::from_value(values);
    let total = found["total"].as_u64();
    Ok(Suggestions {
        values: values.map_err(|error| unreadable("values", &error))?,
        total: total.and_then(|total| u32::try_from(total).ok()),
        has_more: found["hasMore"].as_bool(),
    })
}

fn unreadable(what: &str, error: &serde_json::Error) -> Problem {
    Broken::Unreadable(format!(
        "its {what} do not have the protocol's shape: {error}"
    ))
    .into()
}

/// The names of the variables of any template of RFC 6570.
fn variables(pattern: &str) -> Vec<String> {
    let expressions = pattern.split('{').skip(1);
    let expressions = expressions.filter_map(|rest| rest.split_once('}'));
    let names = expressions.flat_map(|(expression, _)| {
        let names = expression.trim_start_matches(['+', '#', '.', '/', ';', '?', '&']);
        names.split(',')
    });
    // `*` spreads a list, `:3` takes a beginning.
    let names = names.map(|name| name.split([':', '*']).next().unwrap_or_default());
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_of_a_template_is_found() {
        for (pattern, names) in [
            ("a://{x}/{y}", &["x", "y"][..]),
            (
                "a://{+path*}{?first,second:3}",
                &["path", "first", "second"],
            ),
            ("a://", &[]),
            ("a://{", &[]),
            ("a://{}{,}", &[]),
        ] {
            assert_eq!(variables(pattern), names, "{pattern}");
        }
    }
}
