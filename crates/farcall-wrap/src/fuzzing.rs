//! Parsers that are nobody's business but this crate's, for the targets of `fuzz`.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

use farcall_config::file::{Command, OpenApi, Parameter, Request, Service};
use farcall_core::{JsonObject, problem::Problem, tool::Tool};
use serde_json::Value;
use url::Url;

use crate::{
    command::{artifacts, template::Template},
    lines::Lines,
    parameter::Parameters,
    service,
    wire::frame::Inbox,
};

/// The arguments of a program that callers say `arguments` to.
///
/// # Errors
/// A problem of the caller's.
pub fn argv(
    command: &Command,
    parameters: &[Parameter],
    arguments: &JsonObject,
) -> Result<Vec<OsString>, Problem> {
    let parameters = Parameters::new(parameters);
    let template = Template::new(&command.arguments, &parameters).map_err(Problem::internal)?;
    template.fill(&parameters.read(arguments)?)
}

/// The names under which files at these paths are published, in their order.
pub fn file_names(paths: &[&str]) -> Vec<String> {
    artifacts::names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>())
}

/// The lines that a program printed, which came in these pieces.
pub fn lines(pieces: &[&[u8]]) -> Vec<String> {
    let mut lines = Lines::default();
    let ended: Vec<_> = pieces.iter().flat_map(|piece| lines.push(piece)).collect();
    let all = ended.into_iter().chain(lines.finish());
    all.map(|line| line.text).collect()
}

/// How many messages the other side of the shim's socket sent, up to the first that is none.
pub fn messages(bytes: &[u8]) -> usize {
    let mut inbox = Inbox::default();
    inbox.push(bytes);
    std::iter::from_fn(|| inbox.next::<Value>().ok().flatten()).count()
}

/// The tools that an OpenAPI document makes of a service.
///
/// # Errors
/// What is wrong with the document.
pub fn openapi(document: &[u8]) -> Result<Vec<Tool>, Vec<String>> {
    static CLIENT: LazyLock<Result<Arc<service::Client>, Vec<String>>> = LazyLock::new(|| {
        let service = Service {
            base_url: Url::parse("https://example.com").map_err(|error| vec![error.to_string()])?,
            headers: BTreeMap::new(),
            timeout: Duration::from_secs(1),
            max_answer: 1 << 20,
            allowed_addresses: Vec::new(),
            openapi: None,
        };
        service::Client::new("s", &service).map(Arc::new)
    });
    let import = OpenApi {
        document: PathBuf::new(),
        operations: Vec::new(),
        tags: Vec::new(),
        names: BTreeMap::new(),
        descriptions: BTreeMap::new(),
    };
    let client = CLIENT.as_ref().map_err(Clone::clone)?;
    service::openapi::from_bytes(client, &import, document)
}

/// The URL that is asked at a service where callers say `arguments`.
///
/// # Errors
/// A problem of the caller's.
pub fn url(
    request: &Request,
    parameters: &[Parameter],
    arguments: &JsonObject,
    base_url: &Url,
) -> Result<Url, Problem> {
    let values = Parameters::new(parameters).read(arguments)?;
    let template = service::Template::declared(request, parameters);
    Ok(template.render(&values.to_json(), base_url)?.url)
}
