//! Tools and jobs: `[tool.NAME]` and `[job.NAME]`.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use farcall_core::{
    name::{MAX_TOOL_NAME, tool_name_fault},
    tool::{Annotations, DEFAULT_TIME_LIMIT, MAX_TIME_LIMIT},
};
use toml::Spanned;

use super::{
    Reading, command, options, output,
    parameter::{PARAMS, Parameters, placeholders},
    request,
    table::Table,
    template::is_name,
};
use crate::file::{
    Body, JobEntry, Output, Service, Stdin, ToolEntry,
    grammar::{Key, Section, Shape, shapes::DURATION},
};

pub(super) static TOOL: Section = Section {
    name: "tool",
    about: "A tool, which answers within its call.",
    groups: &[
        ENTRY,
        &[Key::with(
            "timeout",
            DURATION,
            "25s",
            "How long a call may take, at most 90s.",
        )],
        output::KEYS,
        command::KEYS,
        ANNOTATIONS,
    ],
};

pub(super) static JOB: Section = Section {
    name: "job",
    about: "A job, which is started and polled, survives restarts, and leaves files.",
    groups: &[
        ENTRY,
        options::KEYS,
        &[output::PROGRESS],
        output::KEYS,
        command::KEYS,
        ANNOTATIONS,
    ],
};

/// What tools and jobs have in common.
const ENTRY: &[Key] = &[
    Key::required(
        "description",
        Shape::Prose,
        "What an agent reads to decide when to use it.",
    ),
    Key::optional(
        "command",
        Shape::NonEmpty(&Shape::Template),
        "The program and its arguments; `{name}` is what the caller says, and always one argument. No shell sees it.",
    ),
    Key::optional(
        "request",
        Shape::Section(&request::REQUEST),
        "What is asked of a service, instead of a command.",
    ),
    PARAMS,
    command::STDIN,
];

const ANNOTATIONS: &[Key] = &[
    Key::optional("title", Shape::Line, "A name for people."),
    Key::optional("read_only", Shape::Boolean, "Says that it changes nothing."),
    Key::optional(
        "destructive",
        Shape::Boolean,
        "Says whether it may destroy something.",
    ),
    Key::optional(
        "idempotent",
        Shape::Boolean,
        "Says that calling it twice does no more than calling it once.",
    ),
    Key::optional(
        "open_world",
        Shape::Boolean,
        "Says whether it reaches beyond this server.",
    ),
];

type Services<'t> = BTreeMap<&'t str, Option<Service>>;

pub(super) fn tool(
    reading: &Reading<'_>,
    name: &Spanned<&str>,
    table: &Table<'_>,
    services: &Services<'_>,
) -> Option<ToolEntry> {
    let common = Common::read(reading, table, services, false);
    let timeout = time_limit(reading, table, name.get_ref()).unwrap_or(DEFAULT_TIME_LIMIT);
    let common = common?;
    Some(ToolEntry {
        name: (*name.get_ref()).to_owned(),
        description: common.description,
        parameters: common.parameters,
        body: common.body,
        output: common.output,
        timeout,
        annotations: common.annotations,
    })
}

pub(super) fn job(
    reading: &Reading<'_>,
    name: &Spanned<&str>,
    table: &Table<'_>,
    services: &Services<'_>,
) -> Option<JobEntry> {
    let common = Common::read(reading, table, services, true);
    let options::Job {
        stages,
        artifacts,
        options,
    } = options::read(reading, table);
    let progress = output::progress(reading, table);
    let common = common?;
    Some(JobEntry {
        name: (*name.get_ref()).to_owned(),
        description: common.description,
        parameters: common.parameters,
        body: common.body,
        output: common.output,
        stages,
        artifacts,
        progress,
        annotations: common.annotations,
        options,
    })
}

/// How long a call of the tool `name` may take.
pub(super) fn time_limit(reading: &Reading<'_>, table: &Table<'_>, name: &str) -> Option<Duration> {
    let limit = table.duration("timeout")?;
    if limit > MAX_TIME_LIMIT {
        let message = format!(
            "a call may take at most {} s: edges cut what is silent for longer",
            MAX_TIME_LIMIT.as_secs()
        );
        let hint = format!("make `{}` a job", name.escape_debug());
        reading.fault(&table.value_span("timeout"), message, hint);
    }
    Some(limit)
}

/// What tools and jobs have in common.
struct Common {
    description: String,
    parameters: Vec<crate::file::Parameter>,
    body: Body,
    output: Output,
    annotations: Annotations,
}

impl Common {
    fn read(
        reading: &Reading<'_>,
        table: &Table<'_>,
        services: &Services<'_>,
        is_job: bool,
    ) -> Option<Self> {
        let description = table.text("description");
        let parameters = Parameters::read(reading, table, is_job);
        let body = body(reading, table, &parameters, services, is_job);
        let default = match &body {
            Some(Body::Request(_)) => Output::Json(None),
            _ => Output::Text,
        };
        let output = output::read(reading, table, default);
        let annotations = annotations(table);
        Some(Self {
            description: (*description?.get_ref()).to_owned(),
            parameters: parameters.whole()?,
            body: body?,
            output,
            annotations,
        })
    }
}

fn annotations(table: &Table<'_>) -> Annotations {
    Annotations {
        title: table
            .text("title")
            .map(|title| (*title.get_ref()).to_owned()),
        read_only_hint: table.boolean("read_only"),
        destructive_hint: table.boolean("destructive"),
        idempotent_hint: table.boolean("idempotent"),
        open_world_hint: table.boolean("open_world"),
    }
}

fn body(
    reading: &Reading<'_>,
    table: &Table<'_>,
    parameters: &Parameters<'_>,
    services: &Services<'_>,
    is_job: bool,
) -> Option<Body> {
    match (table.has("command"), table.has("request")) {
        (true, false) => {
            let command = command::templated(reading, table, parameters)?;
            if command.stdin == Stdin::Null {
                let named = command
                    .arguments
                    .iter()
                    .flat_map(|element| placeholders(&element.pieces));
                let hint = |name: &str| {
                    format!(
                        "put \"{{{name}}}\" into the command; or stdin = \"json\" for a program that reads all of them"
                    )
                };
                unnamed(
                    reading,
                    parameters,
                    &named.collect::<Vec<_>>(),
                    "the command",
                    hint,
                );
            }
            Some(Body::Command(command))
        }
        (false, true) => {
            for key in command::KEYS
                .iter()
                .chain(&[command::STDIN, output::PROGRESS])
            {
                if table.has(key.name) {
                    let message = format!(
                        "`{}` is for programs, and {} asks a service",
                        key.name, table.title
                    );
                    reading.fault(table.key_span(key.name), message, "remove it");
                }
            }
            if table.has("artifacts") {
                let message = format!("{} asks a service, which leaves no files here", table.title);
                reading.fault(
                    table.key_span("artifacts"),
                    message,
                    "remove it; its answer is the result",
                );
            }
            let request = request::read(
                reading,
                &table.table("request")?,
                parameters,
                services,
                is_job,
            )?;
            Some(Body::Request(request))
        }
        (true, true) => {
            let message = format!("{} has both a command and a request", table.title);
            reading.fault(table.key_span("request"), message, "remove one of the two");
            None
        }
        (false, false) => {
            let message = format!("{} has neither a command nor a request", table.title);
            let hint = "say what runs: command = [\"python3\", \"render.py\", \"{scene}\"], or request = { service = …, path = … }";
            reading.fault(table.span(), message, hint);
            None
        }
    }
}

/// Notes parameters that callers would say in vain.
pub(super) fn unnamed(
    reading: &Reading<'_>,
    parameters: &Parameters<'_>,
    named: &[&str],
    place: &str,
    hint: impl Fn(&str) -> String,
) {
    // One with a name that cannot be has a fault already.
    let declared = parameters.names().filter(|name| is_name(name.get_ref()));
    for name in declared.filter(|name| !named.contains(name.get_ref())) {
        let message = format!(
            "`{}` is named nowhere in {place}",
            name.get_ref().escape_debug()
        );
        reading.fault(&name.span(), message, hint(name.get_ref()));
    }
}

/// Judges the names of all tools and jobs, also against each other.
pub(super) fn names(reading: &Reading<'_>, declared: &[(bool, Spanned<&str>, Table<'_>)]) {
    let mut taken: HashMap<String, String> = HashMap::new();
    for (is_job, name, table) in declared {
        let (text, at) = (*name.get_ref(), name.span());
        // The longest of its tools is called get_<name>_status.
        let room = MAX_TOOL_NAME - "get__status".len();
        if let Some(reason) = tool_name_fault(text) {
            reading.fault(
                &at,
                reason,
                "use letters, digits, `_` and `-`, at most 64 of them",
            );
            continue;
        } else if *is_job && text.len() > room {
            let message = format!(
                "the name has {} characters, and a job's has {room} at most",
                text.len()
            );
            reading.fault(
                &at,
                message,
                format!("its tools are called get_{text}_status and so on; shorten it"),
            );
            continue;
        }
        let tools = if *is_job {
            let of = [
                "start_*",
                "get_*_status",
                "get_*_result",
                "get_*_log",
                "cancel_*",
                "*",
            ];
            of.iter().map(|tool| tool.replace('*', text)).collect()
        } else {
            vec![text.to_owned()]
        };
        for tool in tools {
            if let Some(other) = taken.get(&tool) {
                let message = format!(
                    "{} and {other} would both have a tool `{tool}`",
                    table.title
                );
                reading.fault(&at, message, "rename one of them");
                break;
            }
            taken.insert(tool, table.title.clone());
        }
    }
}
