//! Which rights a call needs, and what a caller hears that lacks one.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{OAuth, Refusal};

/// Which rights calls need: scopes of the authorization server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolScopes {
    /// For whatever is asked for.
    pub every: Vec<String>,
    /// For a call of the tool with this name, beside those.
    pub of_tools: BTreeMap<String, Vec<String>>,
}

/// The scopes of the token that a request came with. Whoever came otherwise has none of these, and
/// needs none.
#[derive(Clone, Debug)]
pub(crate) struct Granted(pub(super) Arc<BTreeSet<String>>);

impl ToolScopes {
    fn are_there(&self) -> bool {
        !(self.every.is_empty() && self.of_tools.is_empty())
    }

    fn for_all(&self) -> impl Iterator<Item = &str> {
        self.every.iter().map(String::as_str)
    }

    /// All scopes that a call of `tool` needs, each once.
    fn for_call(&self, tool: Option<&str>) -> Vec<&str> {
        let names = tool.map(same_start).into_iter().flatten();
        let of_tool = names.filter_map(|name| self.of_tools.get(&*name)).flatten();
        let mut scopes: Vec<_> = self.for_all().collect();
        for scope in of_tool {
            if !scopes.contains(&scope.as_str()) {
                scopes.push(scope);
            }
        }
        scopes
    }

    /// The tools that `granted` is not enough for.
    pub(super) fn withheld_from(&self, granted: &Granted) -> BTreeSet<String> {
        let tools = self.of_tools.keys();
        let withheld = tools.filter(|tool| !granted.has(&self.for_call(Some(tool))));
        withheld
            .flat_map(|tool| same_start(tool))
            .map(Cow::into_owned)
            .collect()
    }
}

/// The names under which `tool` may be called: a job begins by `x` as a task, by `start_x` by the
/// contract, and whoever may not do the one may not do the other.
fn same_start(tool: &str) -> [Cow<'_, str>; 2] {
    let other = match tool.strip_prefix("start_") {
        Some(job) => Cow::Borrowed(job),
        None => Cow::Owned(format!("start_{tool}")),
    };
    [Cow::Borrowed(tool), other]
}

impl Granted {
    fn has(&self, scopes: &[&str]) -> bool {
        scopes.iter().all(|scope| self.0.contains(*scope))
    }
}

impl OAuth {
    /// Whether any call needs anything, so that it has to be looked at.
    pub(crate) fn wants_scopes(&self) -> bool {
        self.terms.scopes.are_there()
    }

    /// Whether what was granted is enough for a call of `tool`, or for something that is no tool.
    ///
    /// # Errors
    /// All scopes that the call needs, so that one more visit to the authorization server is enough.
    pub(crate) fn suffices(&self, granted: &Granted, tool: Option<&str>) -> Result<(), Refusal> {
        let needed = self.terms.scopes.for_call(tool);
        if granted.has(&needed) {
            Ok(())
        } else {
            Err(Refusal::Ungranted(needed.join(" ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_needs_what_everything_needs_and_what_its_tool_needs() {
        let scopes = ToolScopes {
            every: vec!["mcp".to_owned()],
            of_tools: BTreeMap::from([(
                "start_render".to_owned(),
                vec!["render".to_owned(), "mcp".to_owned()],
            )]),
        };
        assert_eq!(scopes.for_call(None), ["mcp"]);
        assert_eq!(scopes.for_call(Some("add")), ["mcp"]);
        assert_eq!(scopes.for_call(Some("start_render")), ["mcp", "render"]);
        assert_eq!(scopes.for_call(Some("Start_render")), ["mcp"]);
        // The same job, begun as a task.
        assert_eq!(scopes.for_call(Some("render")), ["mcp", "render"]);
        let granted = |names: &[&str]| {
            Granted(Arc::new(
                names.iter().map(|&name| name.to_owned()).collect(),
            ))
        };
        let withheld = scopes.withheld_from(&granted(&["mcp"]));
        assert_eq!(Vec::from_iter(withheld), ["render", "start_render"]);
        assert!(
            scopes
                .withheld_from(&granted(&["mcp", "render"]))
                .is_empty()
        );
    }
}
