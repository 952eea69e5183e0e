//! Takes over what a server offers, as its declaration wants it.

use std::collections::BTreeSet;

use farcall_config::file::Mount;
use farcall_core::{
    JsonObject,
    catalog::{self, Offers},
};
use serde_json::Value;

use super::{
    Entry, Mounted, Started, job, launch::Launch, lists::Lists, names::Names, others, prose, tool,
};
use crate::text;

/// What becomes of the `lists` of what `server` offers.
pub(super) fn take(mount: &Mount, launch: Launch, server: Mounted, lists: Lists) -> Started {
    let taking = Taking {
        mount,
        launch,
        server,
        names: Names::new(mount, &lists.tools),
        faults: Vec::new(),
        warnings: Vec::new(),
    };
    taking.all(lists)
}

struct Taking<'a> {
    mount: &'a Mount,
    launch: Launch,
    server: Mounted,
    names: Names<'a>,
    faults: Vec<String>,
    warnings: Vec<String>,
}

impl Taking<'_> {
    fn all(mut self, mut lists: Lists) -> Started {
        self.judge_names(&lists);
        let mut entries = Vec::new();
        for own in std::mem::take(&mut lists.tools) {
            entries.extend(self.entry(own));
        }
        let offers = others::offers(
            &mut lists,
            self.mount,
            &self.server.pool,
            &mut self.warnings,
        );
        Started {
            server: self.server,
            entries,
            offers,
            faults: self.faults,
            warnings: self.warnings,
        }
    }

    /// What the file names has to be there.
    fn judge_names(&mut self, lists: &Lists) {
        let mount = self.mount;
        let tools = texts(&lists.tools, "name");
        self.judge("allow", "tool", mount.allowed.iter().flatten(), &tools);
        self.judge("tools", "tool", mount.tools.keys(), &tools);
        self.judge("jobs", "tool", mount.jobs.keys(), &tools);
        let allowed = mount.allowed_prompts.iter().flatten();
        let prompts = texts(&lists.prompts, "name");
        self.judge("allow_prompts", "prompt", allowed, &prompts);
        let allowed = mount.allowed_resources.iter().flatten();
        let mut resources = texts(&lists.resources, "uri");
        resources.extend(texts(&lists.templates, "uriTemplate"));
        self.judge("allow_resources", "resource", allowed, &resources);
    }

    fn judge<'n>(
        &mut self,
        key: &str,
        kind: &str,
        named: impl Iterator<Item = &'n String>,
        there: &BTreeSet<&str>,
    ) {
        for name in named.filter(|name| !there.contains(name.as_str())) {
            let known: Vec<_> = there
                .iter()
                .take(20)
                .map(|name| text::shown(name))
                .collect();
            let known = match known.as_slice() {
                [] => "none".to_owned(),
                known => known.join(", "),
            };
            self.faults.push(format!(
                "its `{key}` names the {kind} `{name}`, which it does not have; it has {known}"
            ));
        }
    }

    /// What becomes of a tool, where it is passed on.
    fn entry(&mut self, own: JsonObject) -> Option<Entry> {
        let own_name = tool::text_of(&own, "name");
        let is_allowed = |allowed: &Vec<String>| allowed.contains(&own_name);
        if !self.mount.allowed.as_ref().is_none_or(is_allowed) {
            return None;
        }
        if !self.names.is_first(&own_name) {
            let shown = text::shown(&own_name);
            self.warnings.push(format!(
                "its second tool `{shown}` is left out: a call could only mean the first"
            ));
            return None;
        }
        match self.made(own, &own_name) {
            Ok(entry) => Some(entry),
            Err(faults) => {
                self.refuse(&own_name, &faults);
                None
            }
        }
    }

    fn made(&mut self, own: JsonObject, own_name: &str) -> Result<Entry, Vec<String>> {
        if let Some(fault) = prose::hidden_fault(&own) {
            return Err(vec![fault]);
        }
        let changed = self.mount.tools.get(own_name);
        let name = changed.and_then(|changed| changed.name.clone());
        let name = name.unwrap_or_else(|| {
            let (name, change) = self.names.name(own_name);
            let change = change.map(|change| format!("its tool `{own_name}` {change}"));
            self.warnings.extend(change);
            name
        });
        let declaration = tool::declaration(name, own, changed).map_err(|fault| vec![fault])?;
        let faults = catalog::faults([&declaration], &Offers::default());
        if !faults.is_empty() {
            return Err(faults.into_iter().map(|fault| fault.reason).collect());
        }
        if declaration.description.trim().is_empty() {
            let way_out = if self.mount.is_lenient {
                String::new()
            } else {
                format!(", so write one as `tools.{own_name}.description`")
            };
            self.warnings.push(format!(
                "the tool `{own_name}` has no description; agents choose by it{way_out}"
            ));
        }
        match self.mount.jobs.get(own_name) {
            None => Ok(Entry::Tool(tool::tool(
                declaration,
                own_name,
                &self.server.pool,
            ))),
            Some(declared) => job::job(declaration, own_name, declared, &self.launch)
                .map(Entry::Job)
                .map_err(|fault| vec![fault]),
        }
    }

    fn refuse(&mut self, own_name: &str, faults: &[String]) {
        let shown = text::shown(own_name);
        if self.mount.is_lenient {
            let faults = faults.join("; ");
            self.warnings
                .push(format!("its tool `{shown}` is left out: {faults}"));
            return;
        }
        self.faults.extend(faults.iter().map(|fault| {
            format!(
                "its tool `{shown}` cannot be passed on: {fault}; give it another name with `tools`, or leave it out with `allow`"
            )
        }));
    }
}

/// What stands under `key` in each of `items`, in order.
fn texts<'i>(items: &'i [JsonObject], key: &str) -> BTreeSet<&'i str> {
    let texts = items.iter().filter_map(|own| own.get(key));
    texts.filter_map(Value::as_str).collect()
}
