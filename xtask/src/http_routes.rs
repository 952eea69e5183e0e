//! The reference of routes for people, from the description for machines.

use std::fmt::Write as _;

use serde_json::Value;

/// The page, of the OpenAPI document `described`.
pub(crate) fn page(generated: &str, described: &Value) -> String {
    let mut text = format!(
        "# HTTP routes\n\n{generated}\nWhat a server answers, route by route. Machines read [the same as OpenAPI \
         3.1](openapi.json), with every schema; [the contract](../contract.md#routes) says it in sentences.\n"
    );
    let about = described["info"]["description"].as_str();
    for paragraph in about.unwrap_or_default().split("\n\n").skip(1) {
        let _ = write!(text, "\n{paragraph}\n");
    }
    for tag in list(&described["tags"]) {
        let _ = write!(
            text,
            "\n## {}\n\n{}\n",
            word(&tag["name"]),
            word(&tag["description"])
        );
        for (path, route) in entries(&described["paths"]) {
            for (method, operation) in entries(route) {
                // What the head of an answer says is what the whole answer says.
                let is_here = list(&operation["tags"]).contains(&tag["name"]);
                if is_here && method != "head" {
                    add(&mut text, described, path, route, method);
                }
            }
        }
    }
    text
}

fn add(text: &mut String, described: &Value, path: &str, route: &Value, method: &str) {
    let operation = &route[method];
    let methods = match route.get("head") {
        Some(_) if method == "get" => "GET, HEAD".to_owned(),
        _ => method.to_uppercase(),
    };
    let who = match operation.get("security") {
        Some(_) => "Behind authentication.",
        None => "Open to everybody.",
    };
    let summary = word(&operation["summary"]);
    let _ = write!(text, "\n### `{methods} {path}`\n\n{summary} {who}\n");
    if let Some(more) = operation["description"].as_str() {
        let _ = write!(text, "\n{more}\n");
    }
    let parameters = list(&route["parameters"]).iter();
    let mut parameters = parameters.chain(list(&operation["parameters"])).peekable();
    if parameters.peek().is_some() {
        text.push_str("\n| parameter | in | |\n| --- | --- | --- |\n");
    }
    for parameter in parameters {
        let parameter = resolved(described, parameter);
        let name = word(&parameter["name"]);
        let place = word(&parameter["in"]);
        let about = cell(word(&parameter["description"]));
        let _ = writeln!(text, "| `{name}` | {place} | {about} |");
    }
    text.push_str("\n| status | |\n| --- | --- |\n");
    for (status, response) in entries(&operation["responses"]) {
        let about = cell(word(&resolved(described, response)["description"]));
        let _ = writeln!(text, "| {status} | {about} |");
    }
}

/// What a `$ref` leads to.
fn resolved<'a>(described: &'a Value, value: &'a Value) -> &'a Value {
    let reference = value["$ref"]
        .as_str()
        .and_then(|text| text.strip_prefix('#'));
    reference.map_or(value, |pointer| described.pointer(pointer).unwrap_or(value))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A text within a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
