//! Existing MCP servers: `[mount.NAME]`.

use std::time::Duration;

use farcall_core::name::tool_name_fault;
use toml::Spanned;

use super::{Reading, command, entry::time_limit, options, table::Table};
use crate::file::{
    Mount, MountedJob, MountedTool,
    grammar::{
        Key, Section, Shape,
        shapes::{DURATION, POSITIVE},
    },
};

/// After how long without a call a server is stopped.
const IDLE: Duration = Duration::from_mins(10);

/// How often a server may be started again within a minute.
const RESTARTS: u32 = 5;

pub(super) static MOUNT: Section = Section {
    name: "mount",
    about: "An existing MCP server that speaks over standard input and output; its tools are passed on.",
    groups: &[
        &[
            Key::required(
                "command",
                Shape::NonEmpty(&Shape::Text),
                "The program and its arguments, as they are; no shell sees them.",
            ),
            Key::optional(
                "prefix",
                Shape::Text,
                "What stands before the names of its tools and prompts.",
            ),
            Key::optional(
                "allow",
                Shape::List(&Shape::Text),
                "The tools that are passed on; without it all.",
            ),
            Key::optional(
                "allow_prompts",
                Shape::List(&Shape::Text),
                "The prompts that are passed on; without it all.",
            ),
            Key::optional(
                "allow_resources",
                Shape::List(&Shape::Text),
                "The resources and resource templates that are passed on, by their URIs; without it all.",
            ),
            Key::optional(
                "tools",
                Shape::Map(&Shape::Section(&MOUNTED_TOOL)),
                "What is changed about its tools, by their own names.",
            ),
            Key::optional(
                "jobs",
                Shape::Map(&Shape::Section(&MOUNTED_JOB)),
                "Its slow tools that become durable jobs, by their own names.",
            ),
            Key::with("pool", POSITIVE, "1", "How many of it run at once."),
            Key::with(
                "idle",
                Shape::OneOf(&[Shape::Choice(&[("never", "it is not stopped")]), DURATION]),
                "10m",
                "After how long without a call it is stopped.",
            ),
            Key::with(
                "restarts",
                Shape::Integer(0, 1_000),
                "5",
                "How often it may be started again within a minute.",
            ),
        ],
        command::KEYS,
    ],
};

static MOUNTED_TOOL: Section = Section {
    name: "mounted tool",
    about: "What is changed about a tool of a mounted server.",
    groups: &[&[
        Key::optional("name", Shape::Text, "Another name."),
        Key::optional("description", Shape::Prose, "Another description."),
        Key::optional(
            "timeout",
            DURATION,
            "How long a call may take, at most 90s.",
        ),
    ]],
};

static MOUNTED_JOB: Section = Section {
    name: "mounted job",
    about: "A tool of a mounted server that becomes a durable job; its progress notifications drive the stages.",
    groups: &[options::KEYS],
};

pub(super) fn read(
    reading: &Reading<'_>,
    name: &Spanned<&str>,
    table: &Table<'_>,
) -> Option<Mount> {
    judge_name(reading, name);
    let command = command::fixed(reading, table);
    let prefix = table.text("prefix");
    if let Some(prefix) = prefix
        .as_ref()
        .filter(|prefix| !prefix.get_ref().is_empty())
    {
        judge_name(reading, prefix);
    }
    let list = |key: &'static str| table.has(key).then(|| table.strings(key));
    let allowed = list("allow");
    let tools = table.tables("tools");
    let jobs = table.tables("jobs");
    for (tool, _) in tools
        .iter()
        .map(|(name, table)| (name, table))
        .chain(jobs.iter().map(|(name, table)| (name, table)))
    {
        let is_allowed = |allowed: &Vec<String>| allowed.iter().any(|name| name == tool.get_ref());
        if !allowed.as_ref().is_none_or(is_allowed) {
            let message = format!(
                "the tool `{}` is not passed on",
                tool.get_ref().escape_debug()
            );
            reading.fault(
                &tool.span(),
                message,
                "add it to `allow`, or remove it here",
            );
        }
    }
    let tools = tools.iter().map(|(name, table)| {
        (
            (*name.get_ref()).to_owned(),
            tool(reading, name.get_ref(), table),
        )
    });
    let tools = tools.collect();
    let jobs = jobs.iter().map(|(name, table)| {
        let options::Job {
            stages,
            artifacts,
            options,
        } = options::read(reading, table);
        let job = MountedJob {
            stages,
            artifacts,
            options,
        };
        ((*name.get_ref()).to_owned(), job)
    });
    let jobs = jobs.collect();
    let idle = match table.text("idle") {
        Some(text) if *text.get_ref() == "never" => None,
        Some(text) => crate::units::duration(text.get_ref()),
        None => Some(IDLE),
    };
    Some(Mount {
        name: (*name.get_ref()).to_owned(),
        prefix: prefix.map_or(String::new(), |prefix| (*prefix.get_ref()).to_owned()),
        allowed,
        allowed_prompts: list("allow_prompts"),
        allowed_resources: list("allow_resources"),
        tools,
        jobs,
        pool: table.count("pool").unwrap_or(1),
        idle,
        restarts: table.count("restarts").unwrap_or(RESTARTS),
        is_lenient: false,
        command: command?,
    })
}

fn tool(reading: &Reading<'_>, own: &str, table: &Table<'_>) -> MountedTool {
    let name = table.text("name");
    if let Some(name) = &name {
        judge_name(reading, name);
    }
    MountedTool {
        name: name.map(|name| (*name.get_ref()).to_owned()),
        description: table
            .text("description")
            .map(|text| (*text.get_ref()).to_owned()),
        timeout: time_limit(reading, table, own),
    }
}

fn judge_name(reading: &Reading<'_>, name: &Spanned<&str>) {
    if let Some(reason) = tool_name_fault(name.get_ref()) {
        reading.fault(
            &name.span(),
            reason,
            "use letters, digits, `_` and `-`, at most 64 of them",
        );
    }
}
