//! Everything a server offers, checked as a whole before it starts.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use serde_json::Value;

use crate::{
    JsonObject,
    completion::{Completion, Target},
    job::{IDEMPOTENCY_KEY, Job},
    name::tool_name_fault,
    prompt::Prompt,
    resource::{Resource, ResourceTemplate, UriPattern, Variables},
    schema::{self, CheckedSchema},
    tool::{MAX_TIME_LIMIT, SchemaOrigin, Tool, ToolDeclaration},
};

/// One thing that is wrong with what was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it is wrong with, for example ``tool `add` ``.
    pub subject: String,
    /// What is wrong, and what to do.
    pub reason: String,
}

/// All that is wrong with what was registered; the server does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let things = if count == 1 { "thing is" } else { "things are" };
        write!(
            formatter,
            "{count} {things} wrong with what this server offers"
        )?;
        for fault in &self.0 {
            write!(formatter, "\n  {}: {}", fault.subject, fault.reason)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// What a server offers besides tools.
#[derive(Clone, Default)]
pub struct Offers {
    /// Resources, in order.
    pub resources: Vec<Resource>,
    /// Resource templates, in order.
    pub templates: Vec<ResourceTemplate>,
    /// Prompts, in order.
    pub prompts: Vec<Prompt>,
    /// Completions of arguments.
    pub completions: Vec<Completion>,
}

/// A tool whose schemas are ready to judge.
pub struct CatalogedTool {
    /// The tool.
    pub tool: Tool,
    /// Judges arguments.
    pub input: CheckedSchema,
    /// Judges results, where the tool has an output schema.
    pub output: Option<CheckedSchema>,
}

/// Everything a server offers, in the order it was registered. It never changes.
pub struct Catalog {
    tools: Vec<CatalogedTool>,
    by_name: HashMap<String, usize>,
    offers: Offers,
    patterns: Vec<UriPattern>,
}

impl Catalog {
    /// A catalog of `tools` and `offers`.
    ///
    /// # Errors
    /// Every fault of every part, in one report.
    pub fn new(tools: Vec<Tool>, offers: Offers) -> Result<Self, Faults> {
        let declarations = tools.iter().map(|tool| &tool.declaration);
        let found = faults(declarations, &offers);
        if !found.is_empty() {
            return Err(Faults(found));
        }
        let by_name = tools
            .iter()
            .enumerate()
            .map(|(index, tool)| (tool.declaration.name.clone(), index))
            .collect();
        let patterns = offers
            .templates
            .iter()
            .flat_map(ResourceTemplate::pattern)
            .collect();
        let tools = tools.into_iter().map(cataloged).collect::<Result<_, _>>()?;
        Ok(Self {
            tools,
            by_name,
            offers,
            patterns,
        })
    }

    /// The tools, in order.
    pub fn tools(&self) -> &[CatalogedTool] {
        &self.tools
    }

    /// The tool called `name`.
    pub fn tool(&self, name: &str) -> Option<&CatalogedTool> {
        self.by_name.get(name).map(|&index| &self.tools[index])
    }

    /// What there is besides tools.
    pub fn offers(&self) -> &Offers {
        &self.offers
    }

    /// The resource at `uri`.
    pub fn resource(&self, uri: &str) -> Option<&Resource> {
        self.offers
            .resources
            .iter()
            .find(|resource| resource.uri == uri)
    }

    /// The first template that `uri` follows, with the variables found in it.
    pub fn template(&self, uri: &str) -> Option<(&ResourceTemplate, Variables)> {
        let templates = self.offers.templates.iter().zip(&self.patterns);
        templates
            .into_iter()
            .find_map(|(template, pattern)| Some((template, pattern.matches(uri)?)))
    }

    /// The prompt called `name`.
    pub fn prompt(&self, name: &str) -> Option<&Prompt> {
        self.offers
            .prompts
            .iter()
            .find(|prompt| prompt.name == name)
    }

    /// The completion of `argument` of `target`.
    pub fn completion(&self, target: &Target, argument: &str) -> Option<&Completion> {
        let fits = |completion: &&Completion| {
            completion.target == *target && completion.argument == argument
        };
        self.offers.completions.iter().find(fits)
    }
}

fn cataloged(mut tool: Tool) -> Result<CatalogedTool, Faults> {
    let declaration = &mut tool.declaration;
    let subject = format!("tool `{}`", declaration.name);
    let compile = |schema| {
        CheckedSchema::compile(schema).map_err(|reason| {
            Faults(vec![Fault {
                subject: subject.clone(),
                reason,
            }])
        })
    };
    if declaration.schema_origin == SchemaOrigin::Declared {
        declaration
            .input_schema
            .entry(closing_keyword(&declaration.input_schema))
            .or_insert(Value::Bool(false));
    }
    let input = compile(&declaration.input_schema)?;
    let output = declaration
        .output_schema
        .as_ref()
        .map(compile)
        .transpose()?;
    Ok(CatalogedTool {
        tool,
        input,
        output,
    })
}

/// The keyword that refuses unknown parameters: the usual one sees `properties` alone, and would
/// refuse the ones that stand in another part of the schema.
fn closing_keyword(schema: &JsonObject) -> &'static str {
    let has_parts = ["$ref", "allOf", "anyOf", "if", "oneOf"]
        .iter()
        .any(|part| schema.contains_key(*part));
    if has_parts {
        "unevaluatedProperties"
    } else {
        "additionalProperties"
    }
}

/// Every fault of these declarations, in order of appearance.
pub fn faults<'a>(
    tools: impl IntoIterator<Item = &'a ToolDeclaration>,
    offers: &Offers,
) -> Vec<Fault> {
    let mut report = Report::default();
    for tool in tools {
        report.name("tool", &tool.name);
        report.subject = format!("tool `{}`", tool.name);
        report.tool(tool);
    }
    for prompt in &offers.prompts {
        report.name("prompt", &prompt.name);
        report.subject = format!("prompt `{}`", prompt.name);
        report.prompt(prompt);
    }
    for resource in &offers.resources {
        report.unique("resource", &resource.uri);
        report.subject = format!("resource `{}`", resource.uri);
        if !resource.uri.contains(':') {
            report.add("the URI has no scheme; write it like `notes://today`");
        }
    }
    for template in &offers.templates {
        report.unique("resource template", &template.uri_template);
        report.subject = format!("resource template `{}`", template.uri_template);
        if let Err(reason) = template.pattern() {
            report.add(reason);
        }
    }
    for completion in &offers.completions {
        report.completion(completion, offers);
    }
    report.faults
}

/// What is wrong with a job beyond what is wrong with the tools it becomes.
pub fn job_faults(job: &Job) -> Vec<Fault> {
    let mut report = Report {
        subject: format!("job `{}`", job.name),
        ..Report::default()
    };
    if job.program.total_stages() == 0 {
        report.add("its pipeline has no stage; add one with `.stage(\"…\", …)`");
    }
    if job
        .program
        .steps()
        .iter()
        .any(|step| step.stages.is_empty())
    {
        report.add("a part of its pipeline has no stage and would never run; name one");
    }
    for fault in job.options.faults() {
        report.add(fault);
    }
    let parameters = job.input_schema.get("properties");
    if parameters.is_some_and(|parameters| parameters.get(IDEMPOTENCY_KEY).is_some()) {
        report.add(format!(
            "its parameter `{IDEMPOTENCY_KEY}` has the name of one that every job has; rename it"
        ));
    }
    let mut seen = HashSet::new();
    for stage in job.program.stages() {
        if stage.trim().is_empty() {
            report.add("a stage has an empty name; say what it does");
        } else if !seen.insert(stage) {
            report.add(format!(
                "two stages are called `{stage}`; give each a name of its own"
            ));
        }
    }
    report.faults
}

#[derive(Default)]
struct Report {
    subject: String,
    seen: HashSet<(&'static str, String)>,
    faults: Vec<Fault>,
}

impl Report {
    fn add(&mut self, reason: impl Into<String>) {
        self.faults.push(Fault {
            subject: self.subject.clone(),
            reason: reason.into(),
        });
    }

    fn unique(&mut self, kind: &'static str, name: &str) {
        self.subject = format!("{kind} `{name}`");
        if !self.seen.insert((kind, name.to_owned())) {
            self.add(format!(
                "there is another {kind} with this name; rename one of them"
            ));
        }
    }

    fn name(&mut self, kind: &'static str, name: &str) {
        self.unique(kind, name);
        self.subject = format!("{kind} `{}`", name.escape_debug());
        if let Some(fault) = tool_name_fault(name) {
            self.add(fault);
        }
    }

    fn description(&mut self, description: &str, origin: SchemaOrigin) {
        if description.trim().is_empty() && origin == SchemaOrigin::Declared {
            self.add("the description is empty; say what it does and when to use it");
        }
    }

    fn tool(&mut self, tool: &ToolDeclaration) {
        self.description(&tool.description, tool.schema_origin);
        if tool.time_limit > MAX_TIME_LIMIT {
            self.add(format!(
                "the time limit is {} s, at most {} s are allowed; make it a job",
                tool.time_limit.as_secs(),
                MAX_TIME_LIMIT.as_secs()
            ));
        }
        if tool.input_schema.get("type").and_then(Value::as_str) != Some("object") {
            self.add("the input schema is not of type `object`; MCP passes arguments by name");
        }
        for (place, schema) in [
            ("input", Some(&tool.input_schema)),
            ("output", tool.output_schema.as_ref()),
        ] {
            if let Some(Err(reason)) = schema.map(CheckedSchema::compile) {
                self.add(format!("the {place} schema is invalid {reason}"));
            }
        }
        if tool.schema_origin == SchemaOrigin::Declared {
            for parameter in schema::undescribed(&tool.input_schema) {
                self.add(format!(
                    "the parameter `{parameter}` has no description; agents choose its value by it"
                ));
            }
        }
    }

    fn prompt(&mut self, prompt: &Prompt) {
        self.description(&prompt.description, prompt.origin);
        for argument in &prompt.arguments {
            if argument.description.trim().is_empty() && prompt.origin == SchemaOrigin::Declared {
                self.add(format!(
                    "the argument `{}` has no description",
                    argument.name
                ));
            }
        }
    }

    fn completion(&mut self, completion: &Completion, offers: &Offers) {
        let argument = &completion.argument;
        let (target, known) = match &completion.target {
            Target::Prompt(name) => {
                let prompt = offers.prompts.iter().find(|prompt| prompt.name == *name);
                (
                    name,
                    prompt
                        .is_some_and(|prompt| prompt.arguments.iter().any(|a| a.name == *argument)),
                )
            }
            Target::ResourceTemplate(template) => {
                let registered = offers
                    .templates
                    .iter()
                    .find(|t| t.uri_template == *template);
                let has_variable = registered.is_some_and(|registered| {
                    let is_variable =
                        |pattern: UriPattern| pattern.variables().any(|name| name == argument);
                    registered.origin == SchemaOrigin::Imported
                        || registered.pattern().is_ok_and(is_variable)
                });
                (template, has_variable)
            }
        };
        self.subject = format!("completion of `{argument}` of `{target}`");
        if !known {
            self.add(
                "there is no such argument; register its prompt or template, or correct the name",
            );
        }
    }
}
