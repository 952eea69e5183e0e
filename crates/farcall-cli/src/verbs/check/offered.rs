//! What a project offers, as `check` shows it: the tools that clients will list, and nothing beside them.

use std::path::PathBuf;

use farcall_config::file::{Finding, Project};
use farcall_core::{
    artifact::hexadecimal,
    catalog::{Fault, Faults},
    schema,
    tool::{SchemaOrigin, ToolDeclaration},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{mounts, offer::Offer, project, terminal::printable};

/// The tools of a project, in the order in which clients list them.
pub(super) struct Offered {
    /// Each as `tools/list` shows it.
    pub(super) tools: Vec<Value>,
    /// What its author may not have meant.
    pub(super) warnings: Vec<Finding>,
}

impl Offered {
    /// What `project` offers. Its mounted servers are asked, without reaching what is `withheld`, and do not
    /// run any more then.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(super) async fn of(project: &Project, withheld: &[PathBuf]) -> Result<Self, Vec<Finding>> {
        let all = |faults: Faults| faults.0.iter().map(finding).collect::<Vec<_>>();
        let offer = project::offer(project, withheld, &[]).await.map_err(all)?;
        let offered = Self::by(&offer).map_err(all);
        mounts::stop(offer.mounts).await;
        offered
    }

    fn by(offer: &Offer) -> Result<Self, Faults> {
        let catalog = offer.display()?;
        Ok(Self {
            tools: farcall_server::listed(&catalog)?,
            warnings: offer.declarations().iter().flat_map(undescribed).collect(),
        })
    }

    /// SHA-256 of the whole list, so that a change of any word of it shows.
    pub(super) fn fingerprint(&self) -> String {
        let list = json!(self.tools).to_string();
        hexadecimal(&Sha256::digest(list.as_bytes()))
    }

    /// A line for each tool, and the fingerprint.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.tools.iter().map(line).collect();
        if lines.is_empty() {
            lines.push("nothing is offered".to_owned());
        }
        lines.push(format!("sha256 {}", self.fingerprint()));
        lines
    }
}

/// `welcome(name, times = 1, tone?): Greet somebody.`
fn line(tool: &Value) -> String {
    let text = |key: &str| tool[key].as_str().unwrap_or_default();
    let schema = &tool["inputSchema"];
    let is_required = |name: &String| {
        let required = schema["required"].as_array();
        required.is_some_and(|required| required.iter().any(|own| own == name))
    };
    let parameters = schema["properties"].as_object().into_iter().flatten();
    let parameters: Vec<_> = parameters
        .map(|(name, parameter)| match parameter.get("default") {
            Some(default) => format!("{name} = {default}"),
            None if is_required(name) => name.clone(),
            None => format!("{name}?"),
        })
        .collect();
    let mut description = text("description").lines();
    let description = description.find(|line| !line.trim().is_empty());
    let line = format!(
        "{}({}): {}",
        text("name"),
        parameters.join(", "),
        description.unwrap_or_default().trim()
    );
    printable(&line).into_owned()
}

/// What a catalog finds has no place in the file; after the sentence stands what to do.
fn finding(fault: &Fault) -> Finding {
    let reason = fault.reason.replace("\n    ", "; ");
    let (message, hint) = match reason.rsplit_once("; ") {
        Some((message, hint)) => (message, hint),
        None => (reason.as_str(), "correct it where it is declared"),
    };
    Finding {
        place: None,
        message: format!("{}: {message}", fault.subject),
        hint: hint.to_owned(),
    }
}

/// What somebody else described is served as it is; agents have to guess what is left out.
fn undescribed(tool: &ToolDeclaration) -> Vec<Finding> {
    if tool.schema_origin == SchemaOrigin::Declared {
        return Vec::new();
    }
    let warning = |message: &str, hint: &str| Finding {
        place: None,
        message: format!("tool `{}`: {message}", tool.name),
        hint: hint.to_owned(),
    };
    let mut warnings = Vec::new();
    if tool.description.trim().is_empty() {
        warnings.push(warning(
            "it has no description",
            "describe it where it comes from or in the file; agents choose tools by it",
        ));
    }
    let names = schema::undescribed(&tool.input_schema);
    if !names.is_empty() {
        warnings.push(warning(
            &format!(
                "no description says what goes into `{}`",
                names.join("`, `")
            ),
            "describe it where the tool comes from; agents choose values by it",
        ));
    }
    warnings
}
