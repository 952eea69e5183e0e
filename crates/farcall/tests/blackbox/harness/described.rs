//! What `docs/reference/openapi.json` says about an answer.

use std::sync::LazyLock;

use reqwest::Method;
use serde_json::Value;

use super::Reply;

static DOCUMENT: LazyLock<Value> = LazyLock::new(farcall_server::openapi::document);

impl Reply {
    /// Sees that this is an answer which is described, where the route is: its status, the headers that
    /// come with it, and its media type.
    pub(super) fn is_as_described(&self, method: &Method, target: &str) {
        let path = target.split('?').next().unwrap_or_default();
        let Some(operation) = operation(method, path) else {
            return;
        };
        let what = format!("`{method} {target}` is answered with {}", self.status);
        let answer = resolved(&operation["responses"][self.status.to_string()]);
        assert!(
            answer.is_object(),
            "{what}, which is not described: {}",
            self.text()
        );
        let headers = answer["headers"].as_object().into_iter().flatten();
        for (name, header) in headers {
            let is_there = self.headers.contains_key(name.as_str());
            assert!(
                is_there || resolved(header)["required"] != true,
                "{what} without `{name}`"
            );
        }
        if let Some(content) = answer["content"].as_object() {
            let kind = self.header("content-type");
            let is_known = content.contains_key(kind) || content.contains_key("*/*");
            assert!(is_known, "{what} as `{kind}`");
        }
    }
}

fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let paths = DOCUMENT["paths"].as_object()?;
    // What is written out goes before what has a name.
    let item = paths.get(path).or_else(|| {
        let mut paths = paths.iter();
        let (_, item) = paths.find(|(template, _)| fits(template, path))?;
        Some(item)
    })?;
    item.get(method.as_str().to_ascii_lowercase())
}

fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
            _ => return false,
        }
    }
}

fn resolved(value: &Value) -> &Value {
    let Some(reference) = value["$ref"].as_str() else {
        return value;
    };
    let place = reference.trim_start_matches('#');
    DOCUMENT.pointer(place).unwrap_or(&Value::Null)
}
