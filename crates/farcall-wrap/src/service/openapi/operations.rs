//! The operations of a document, and which of them become tools.

use farcall_config::file::OpenApi;
use reqwest::Method;
use serde_json::Value;

use super::document::{Document, is_on, text, within};
use crate::text::shown;

/// How many names a sentence lists.
const LISTED: usize = 8;

/// An operation.
pub(super) struct Found<'a> {
    pub(super) method: Method,
    /// The path with its placeholders.
    pub(super) path: &'a str,
    /// Its `operationId`, or one made of method and path.
    pub(super) id: String,
    /// What it is within.
    pub(super) item: &'a Value,
    /// The pointer to the item.
    pub(super) item_place: String,
    pub(super) operation: &'a Value,
    /// The pointer to the operation.
    pub(super) place: String,
}

impl Found<'_> {
    fn has_tag(&self, tag: &str) -> bool {
        let tags = self.operation.get("tags").and_then(Value::as_array);
        tags.is_some_and(|tags| tags.iter().any(|own| own == tag))
    }
}

/// All operations, in the order of the document.
pub(super) fn all<'a>(document: &'a Document, faults: &mut Vec<String>) -> Vec<Found<'a>> {
    let mut all = Vec::new();
    let Some(paths) = document.root().get("paths").and_then(Value::as_object) else {
        faults.push("at `/paths`: there are no paths in it".to_owned());
        return all;
    };
    for (path, item) in paths {
        if path.starts_with("x-") {
            continue;
        }
        let place = within("/paths", path);
        let (item, item_place) = match document.follow(item, &place) {
            Ok(found) => found,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        for (key, operation) in item.as_object().into_iter().flatten() {
            let Some(method) = method(key) else { continue };
            let id =
                text(operation, "operationId").map_or_else(|| made_up(key, path), str::to_owned);
            all.push(Found {
                method,
                path,
                id,
                item,
                item_place: item_place.clone(),
                operation,
                place: within(&item_place, key),
            });
        }
    }
    all
}

/// Those that `import` chooses. What is deprecated must be named by its id.
pub(super) fn chosen<'a, 'b>(
    all: &'b [Found<'a>],
    import: &OpenApi,
    faults: &mut Vec<String>,
) -> Vec<&'b Found<'a>> {
    let named = [
        ("operations", import.operations.iter().collect::<Vec<_>>()),
        ("names", import.names.keys().collect()),
        ("descriptions", import.descriptions.keys().collect()),
    ];
    for (list, ids) in named {
        for id in ids {
            if !all.iter().any(|found| found.id == **id) {
                faults.push(format!(
                    "there is no operation `{}`, which `{list}` names; there are {}",
                    shown(id),
                    listed(all)
                ));
            }
        }
    }
    for tag in &import.tags {
        if !all.iter().any(|found| found.has_tag(tag)) {
            faults.push(format!("no operation has the tag `{}`", shown(tag)));
        }
    }
    let takes_all = import.operations.is_empty() && import.tags.is_empty();
    let is_chosen = |found: &&Found<'_>| {
        if import.operations.contains(&found.id) {
            return true;
        }
        let has_tag = import.tags.iter().any(|tag| found.has_tag(tag));
        (takes_all || has_tag) && !is_on(found.operation, "deprecated")
    };
    let chosen: Vec<_> = all.iter().filter(is_chosen).collect();
    if chosen.is_empty() && faults.is_empty() {
        faults.push("no operation of the document becomes a tool".to_owned());
    }
    chosen
}

/// The methods that tools use; the others say something about an answer, and give none.
fn method(key: &str) -> Option<Method> {
    Some(match key {
        "delete" => Method::DELETE,
        "get" => Method::GET,
        "patch" => Method::PATCH,
        "post" => Method::POST,
        "put" => Method::PUT,
        _ => return None,
    })
}

/// `get_items_item_id` of `GET /items/{item_id}`.
fn made_up(method: &str, path: &str) -> String {
    let words = path.split(|sign: char| !sign.is_alphanumeric() && sign != '_');
    let words = words.filter(|word| !word.is_empty());
    let words: Vec<_> = std::iter::once(method).chain(words).collect();
    words.join("_")
}

fn listed(all: &[Found<'_>]) -> String {
    let ids: Vec<_> = all
        .iter()
        .take(LISTED)
        .map(|found| format!("`{}`", shown(&found.id)))
        .collect();
    match all.len().saturating_sub(LISTED) {
        0 if ids.is_empty() => "none".to_owned(),
        0 => ids.join(", "),
        more => format!("{} and {more} more", ids.join(", ")),
    }
}
