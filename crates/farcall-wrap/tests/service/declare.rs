//! Declarations, as a `farcall.toml` would make them.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use farcall_config::file::{
    Body, Entry, JobEntry, Kind, Method, Output, Parameter, Piece, Presence, Project, Request,
    Server, Service, Settings, ToolEntry,
};
use farcall_core::{
    JsonObject,
    content::ToolOutput,
    context::CallContext,
    job::{Job, JobOptions},
    problem::Problem,
    tool::{Annotations, Tool},
};
use farcall_wrap::service::offers;
use serde_json::Value;

pub(crate) fn service(base_url: &str) -> Service {
    Service {
        base_url: base_url.parse().unwrap(),
        headers: BTreeMap::from([("X-Key".to_owned(), "s3cret".into())]),
        timeout: Duration::from_secs(10),
        max_answer: 1 << 20,
        allowed_addresses: Vec::new(),
        openapi: None,
    }
}

/// A project with the service `probe` and these entries.
pub(crate) fn project(service: Service, entries: Vec<Entry>) -> Project {
    Project {
        folder: PathBuf::from("/"),
        server: Server {
            name: "test".to_owned(),
            version: "1".to_owned(),
            title: None,
            instructions: None,
        },
        settings: Settings::default(),
        entries,
        services: BTreeMap::from([("probe".to_owned(), service)]),
        mounts: Vec::new(),
    }
}

pub(crate) fn request(method: Method, path: &str) -> Request {
    Request {
        service: "probe".to_owned(),
        method,
        path: path.split('/').skip(1).map(pieces).collect(),
        query: Vec::new(),
        body: None,
        pointer: None,
        upstream: None,
    }
}

/// `a{b}c` as pieces.
pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap();
        pieces.push(Piece::Text(before.to_owned()));
        pieces.push(Piece::Parameter(name.to_owned()));
        rest = after;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    let is_alone = pieces.len() == 1;
    pieces.retain(|piece| is_alone || *piece != Piece::Text(String::new()));
    pieces
}

pub(crate) fn parameter(name: &str, kind: Kind, presence: Presence) -> Parameter {
    Parameter {
        name: name.to_owned(),
        description: "Anything.".to_owned(),
        kind,
        presence,
        flag: None,
        allow_leading_dash: false,
        examples: Vec::new(),
    }
}

pub(crate) fn text() -> Kind {
    Kind::String {
        pattern: None,
        choices: Vec::new(),
        format: None,
        min_length: None,
        max_length: None,
    }
}

pub(crate) fn texts() -> Kind {
    Kind::Array {
        items: Box::new(text()),
        min_items: None,
        max_items: None,
    }
}

pub(crate) fn tool_entry(request: Request, parameters: Vec<Parameter>, output: Output) -> Entry {
    Entry::Tool(Box::new(ToolEntry {
        name: "ask".to_owned(),
        description: "Ask the probe.".to_owned(),
        parameters,
        body: Body::Request(request),
        output,
        timeout: Duration::from_secs(25),
        annotations: Annotations::default(),
    }))
}

pub(crate) fn tool(service: Service, request: Request, parameters: Vec<Parameter>) -> Tool {
    tool_with(service, request, parameters, Output::Json(None))
}

pub(crate) fn tool_with(
    service: Service,
    request: Request,
    parameters: Vec<Parameter>,
    output: Output,
) -> Tool {
    let entry = tool_entry(request, parameters, output);
    let (mut tools, _) = offers(&project(service, vec![entry])).unwrap();
    tools.remove(0)
}

pub(crate) fn job(
    service: Service,
    request: Request,
    parameters: Vec<Parameter>,
    stages: &[&str],
) -> Job {
    let entry = Entry::Job(Box::new(JobEntry {
        name: "work".to_owned(),
        description: "Let the probe work.".to_owned(),
        parameters,
        body: Body::Request(request),
        output: Output::Json(None),
        stages: stages.iter().map(|&stage| stage.to_owned()).collect(),
        artifacts: Vec::new(),
        progress: None,
        annotations: Annotations::default(),
        options: JobOptions::default(),
    }));
    let (_, mut jobs) = offers(&project(service, vec![entry])).unwrap();
    jobs.remove(0)
}

pub(crate) async fn call(tool: &Tool, arguments: Value) -> Result<ToolOutput, Problem> {
    let arguments: JsonObject = serde_json::from_value(arguments).unwrap();
    tool.handler.call(CallContext::detached(), arguments).await
}

/// What a caller reads where a call fails.
pub(crate) async fn refusal(tool: &Tool, arguments: Value) -> String {
    let problem = call(tool, arguments).await.unwrap_err();
    problem.public_message()
}
