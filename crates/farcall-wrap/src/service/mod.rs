//! HTTP services as tools and jobs.
//!
//! A [`Services`] holds a connection pool for each service of a `farcall.toml`. Requests that the file
//! declares become tools and jobs, and so do the operations of an OpenAPI document.
//!
//! What a caller says becomes values: segments of a path, pairs of a query, fields of a JSON body. The
//! host, the method and the headers come from the file alone. Where a name leads is judged for each
//! connection; redirects are not followed; nothing of the caller's own request is passed on.

mod address;
mod client;
mod exchange;
mod guard;
mod headers;
mod network;
pub(crate) mod openapi;
mod operation;
mod patience;
mod request;
mod response;
mod upstream;

use std::{collections::BTreeMap, sync::Arc};

use farcall_config::file::{
    Body, Entry, JobEntry, Kind, OpenApi, Output, Parameter, Project, Request, ToolEntry,
};
use farcall_core::{
    catalog::{Fault, Faults},
    job::Job,
    tool::{Tool, ToolDeclaration},
};

pub(crate) use self::{client::Client, request::Template};
use self::{operation::Operation, response::Reading};
use crate::{output::promised, parameter::Parameters};

/// The HTTP services of a project, ready to be asked.
pub struct Services {
    clients: BTreeMap<String, Arc<Client>>,
    /// Of services that describe themselves.
    documents: Vec<(Arc<Client>, OpenApi)>,
}

impl Services {
    /// The services of `project`. Nothing is sent.
    ///
    /// # Errors
    /// Everything that is wrong with their declarations.
    pub fn new(project: &Project) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        let mut services = Self {
            clients: BTreeMap::new(),
            documents: Vec::new(),
        };
        for (name, service) in &project.services {
            match Client::new(name, service) {
                Ok(client) => {
                    let client = Arc::new(client);
                    let document = service.openapi.clone();
                    let document = document.map(|document| (Arc::clone(&client), document));
                    services.documents.extend(document);
                    services.clients.insert(name.clone(), client);
                }
                Err(reasons) => faults.extend(of_service(name, reasons)),
            }
        }
        none(faults).map(|()| services)
    }

    /// The tool that sends `request`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn tool(&self, entry: &ToolEntry, request: &Request) -> Result<Tool, Fault> {
        let operation = self.operation(request, &entry.parameters, &entry.output);
        let operation =
            operation.map_err(|reason| fault(format!("tool `{}`", entry.name), reason))?;
        let mut declaration = ToolDeclaration::new(&entry.name, &entry.description);
        declaration.input_schema = Parameters::new(&entry.parameters).schema();
        declaration.output_schema = promised(&entry.output);
        declaration.annotations = entry.annotations.clone();
        declaration.time_limit = entry.timeout;
        Ok(Arc::new(operation).into_tool(declaration))
    }

    /// The job that sends `request`, and waits for the end of the work where it declares how.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn job(&self, entry: &JobEntry, request: &Request) -> Result<Job, Fault> {
        self.declared_job(entry, request)
            .map_err(|reason| fault(format!("job `{}`", entry.name), reason))
    }

    fn declared_job(&self, entry: &JobEntry, request: &Request) -> Result<Job, String> {
        let operation = self.operation(request, &entry.parameters, &entry.output)?;
        let operation = Arc::new(operation);
        let check = Arc::clone(&operation);
        let program = match (&request.upstream, entry.stages.as_slice()) {
            (Some(upstream), stages) => {
                let result = (&entry.output, request.pointer.as_deref());
                upstream::program(operation, upstream, result, stages)?
            }
            (None, [stage]) => operation.into_program(stage.clone()),
            (None, _) => {
                return Err("one request is one stage; name one, or declare `upstream`".to_owned());
            }
        };
        let schema = Parameters::new(&entry.parameters).schema();
        let mut job = Job::dynamic(&entry.name, &entry.description, schema, program);
        job.annotations = entry.annotations.clone();
        job.options = entry.options.clone();
        // What cannot be sent is said to whoever starts the job, not to whoever polls it.
        Ok(job.before_start(move |_, arguments| {
            let verdict = check.check(&arguments);
            async move { verdict.map(|()| arguments) }
        }))
    }

    /// The tools of the OpenAPI documents, in the order of the services' names and of the documents.
    ///
    /// # Errors
    /// Everything that is wrong with the documents, each with a JSON pointer to the place.
    pub fn imported(&self) -> Result<Vec<Tool>, Faults> {
        let mut tools = Vec::new();
        let mut faults = Vec::new();
        for (client, import) in &self.documents {
            match openapi::tools(client, import) {
                Ok(more) => tools.extend(more),
                Err(reasons) => faults.extend(of_service(client.name(), reasons)),
            }
        }
        none(faults).map(|()| tools)
    }

    fn operation(
        &self,
        request: &Request,
        parameters: &[Parameter],
        output: &Output,
    ) -> Result<Operation, String> {
        let client = self.clients.get(&request.service);
        let client = client.ok_or_else(|| format!("there is no service `{}`", request.service))?;
        if let Some(file) = parameters
            .iter()
            .find(|parameter| names_files(&parameter.kind))
        {
            return Err(format!(
                "`{}` is a file of this machine, which a service does not get to read; take a text instead",
                file.name
            ));
        }
        Ok(Operation {
            client: Arc::clone(client),
            parameters: Some(Parameters::new(parameters)),
            template: Template::declared(request, parameters),
            reading: Reading::new(output, request.pointer.as_deref())?,
        })
    }
}

/// All tools and jobs that the services of `project` give: those of the file in its order, then those
/// of OpenAPI documents.
///
/// # Errors
/// Everything that is wrong with them.
pub fn offers(project: &Project) -> Result<(Vec<Tool>, Vec<Job>), Faults> {
    let services = Services::new(project)?;
    let (mut tools, mut jobs, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for entry in &project.entries {
        let outcome = match entry {
            Entry::Tool(entry) => match &entry.body {
                Body::Command(_) => continue,
                Body::Request(request) => {
                    services.tool(entry, request).map(|tool| tools.push(tool))
                }
            },
            Entry::Job(entry) => match &entry.body {
                Body::Command(_) => continue,
                Body::Request(request) => services.job(entry, request).map(|job| jobs.push(job)),
            },
        };
        faults.extend(outcome.err());
    }
    match services.imported() {
        Ok(more) => tools.extend(more),
        Err(more) => faults.extend(more.0),
    }
    none(faults).map(|()| (tools, jobs))
}

fn names_files(kind: &Kind) -> bool {
    match kind {
        Kind::Array { items, .. } => names_files(items),
        Kind::File { .. } => true,
        _ => false,
    }
}

/// What is wrong with the service called `name`.
fn of_service(name: &str, reasons: Vec<String>) -> impl Iterator<Item = Fault> {
    let subject = format!("service `{name}`");
    let reasons = reasons.into_iter();
    reasons.map(move |reason| fault(subject.clone(), reason))
}

/// What is wrong with `subject`.
fn fault(subject: String, reason: String) -> Fault {
    Fault { subject, reason }
}

fn none(faults: Vec<Fault>) -> Result<(), Faults> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Faults(faults))
    }
}
