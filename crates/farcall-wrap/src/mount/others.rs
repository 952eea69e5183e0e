//! Resources, templates, prompts and completions of a mounted server.

use std::sync::Arc;

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
    pool::Pool,
    tool::{add_meta, text_of},
};
use crate::text;

/// What is passed on besides tools; `left_out` is told what cannot be.
pub(super) fn offers(
    lists: &mut Lists,
    prefix: &str,
    pool: &Arc<Pool>,
    left_out: &mut Vec<String>,
) -> Offers {
    let mut offers = Offers::default();
    for own in lists.resources.drain(..) {
        let (uri, name) = (text_of(&own, "uri"), text_of(&own, "name"));
        if !uri.contains(':') {
            left_out.push(format!(
                "the resource `{uri}` is left out: its URI has no scheme"
            ));
            continue;
        }
        let pool = Arc::clone(pool);
        let mut resource = Resource::new(uri, name, move |context, uri| {
            read(Arc::clone(&pool), context, uri)
        });
        resource.fields = without(own, "uri");
        offers.resources.push(resource);
    }
    for own in lists.templates.drain(..) {
        let (pattern, name) = (text_of(&own, "uriTemplate"), text_of(&own, "name"));
        // Else it would stand for everybody's resources.
        if !pattern.split('{').next().unwrap_or_default().contains(':') {
            left_out.push(format!(
                "the resource template `{pattern}` is left out: it does not begin with a scheme"
            ));
            continue;
        }
        if lists.completes {
            let target = Target::ResourceTemplate(pattern.clone());
            let reference = json!({"type": "ref/resource", "uri": pattern});
            for variable in variables(&pattern) {
                let (target, reference) = (target.clone(), reference.clone());
                offers
                    .completions
                    .push(completion(target, variable, reference, pool));
            }
        }
        let pool = Arc::clone(pool);
        let mut template = ResourceTemplate::new(pattern, name, move |context, uri, _| {
            read(Arc::clone(&pool), context, uri)
        });
        template.origin = SchemaOrigin::Imported;
        template.fields = without(own, "uriTemplate");
        offers.templates.push(template);
    }
    for own in lists.prompts.drain(..) {
        let own_name = text_of(&own, "name");
        let name = format!("{prefix}{own_name}");
        if let Some(fault) = tool_name_fault(&name) {
            let shown = text::shown(&name);
            left_out.push(format!("the prompt `{shown}` is left out: {fault}"));
            continue;
        }
        let (asked, asking) = (Arc::<str>::from(own_name.as_str()), Arc::clone(pool));
        let prompt = Prompt::imported(name, without(own, "name"), move |context, arguments| {
            write(Arc::clone(&asking), Arc::clone(&asked), context, arguments)
        });
        if lists.completes {
            let reference = json!({"type": "ref/prompt", "name": own_name});
            for argument in &prompt.arguments {
                let target = Target::Prompt(prompt.name.clone());
                let argument = argument.name.clone();
                offers
                    .completions
                    .push(completion(target, argument, reference.clone(), pool));
            }
        }
        offers.prompts.push(prompt);
    }
    offers
}

fn without(mut own: JsonObject, key: &str) -> JsonObject {
    own.shift_remove(key);
    own
}

async fn read(pool: Arc<Pool>, context: CallContext, uri: String) -> Reading {
    let mut params = JsonObject::from_iter([("uri".to_owned(), uri.into())]);
    add_meta(&mut params, context.meta());
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
    add_meta(&mut params, context.meta());
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
