//! What a server offers, as it says itself.

use std::collections::HashSet;

use farcall_core::JsonObject;
use serde_json::Value;

use super::{broken::Broken, link::Link, prose};

/// How many things of a kind a server may offer.
const MOST: usize = 10_000;

/// How many pages they may be on.
const PAGES: usize = 1_000;

/// All that a server offers; what is prose in it is clean.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) tools: Vec<JsonObject>,
    pub(super) resources: Vec<JsonObject>,
    pub(super) templates: Vec<JsonObject>,
    pub(super) prompts: Vec<JsonObject>,
    /// Whether it suggests values of arguments.
    pub(super) completes: bool,
}

impl Lists {
    /// Asks for it.
    ///
    /// # Errors
    /// [`Broken`], also where a list does not have the protocol's shape or has no end.
    pub(super) async fn ask(link: &Link) -> Result<Self, Broken> {
        let mut lists = Self {
            completes: link.is_able("completions"),
            ..Self::default()
        };
        if link.is_able("tools") {
            lists.tools = all(link, "tools/list", "tools").await?;
        }
        if link.is_able("resources") {
            lists.resources = all(link, "resources/list", "resources").await?;
            lists.templates = match all(link, "resources/templates/list", "resourceTemplates").await
            {
                // Many a server has resources and never heard of templates.
                Err(Broken::Refused(_)) => Vec::new(),
                templates => templates?,
            };
        }
        if link.is_able("prompts") {
            lists.prompts = all(link, "prompts/list", "prompts").await?;
        }
        Ok(lists)
    }
}

async fn all(link: &Link, method: &str, key: &str) -> Result<Vec<JsonObject>, Broken> {
    let unreadable = |what: &str| Broken::Unreadable(format!("its answer to `{method}` {what}"));
    let mut found: Vec<JsonObject> = Vec::new();
    let mut cursors = HashSet::new();
    let mut params = JsonObject::new();
    for _ in 0..PAGES {
        let mut page = link.request(method, params).await?;
        let Some(Value::Array(items)) = page.remove(key) else {
            return Err(unreadable(&format!("has no list `{key}`")));
        };
        let next = match page.remove("nextCursor") {
            Some(Value::String(cursor)) if !cursor.is_empty() => Some(cursor),
            _ => None,
        };
        // A server that does not look at cursors says the same page for ever.
        let is_circle = next.as_ref().is_some_and(|next| cursors.contains(next));
        let known = if is_circle { found.len() } else { 0 };
        for item in items {
            let Value::Object(mut item) = item else {
                return Err(unreadable("lists something that is no object"));
            };
            prose::clean(&mut item);
            if !found[..known].contains(&item) {
                found.push(item);
            }
        }
        if found.len() > MOST {
            return Err(unreadable(&format!("lists more than {MOST} things")));
        }
        match next {
            Some(cursor) if !is_circle => {
                cursors.insert(cursor.clone());
                params = JsonObject::from_iter([("cursor".to_owned(), cursor.into())]);
            }
            _ => return Ok(found),
        }
    }
    Err(unreadable(&format!("has more than {PAGES} pages")))
}
