//! What a program offers, before it is put together.

use farcall_core::{
    catalog::{self, Catalog, Fault, Faults, Offers},
    content::ToolOutput,
    job::{Isolation, Job},
    problem::Problem,
    tool::{Tool, ToolDeclaration},
};
use farcall_jobs::{Links, Programs, Queue, contract};
use farcall_wrap::mount::Mounted;

/// Tools and jobs in the order they were registered, and the rest.
#[derive(Clone, Default)]
pub(crate) struct Offer {
    entries: Vec<Entry>,
    pub(crate) others: Offers,
    /// The servers that some of it comes from.
    pub(crate) mounts: Vec<Mounted>,
}

#[derive(Clone)]
enum Entry {
    Tool(Tool),
    Job(Job),
}

impl Offer {
    pub(crate) fn tool(&mut self, tool: Tool) {
        self.entries.push(Entry::Tool(tool));
    }

    pub(crate) fn job(&mut self, job: Job) {
        self.entries.push(Entry::Job(job));
    }

    /// Lets the steps of jobs that ask for it run in processes of their own. The program that it is a part of
    /// has to answer for them, before anything else.
    pub(crate) fn isolate(&mut self) {
        for entry in &mut self.entries {
            if let Entry::Job(job) = entry
                && job.options.isolation == Isolation::Process
            {
                *job = farcall_wrap::isolate::isolated(job.clone());
            }
        }
    }

    /// The tools that belong to no job.
    pub(crate) fn tools(&self) -> impl Iterator<Item = &Tool> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Tool(tool) => Some(tool),
            Entry::Job(_) => None,
        })
    }

    pub(crate) fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Job(job) => Some(job),
            Entry::Tool(_) => None,
        })
    }

    /// The names of its tools, those of jobs among them.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        self.declarations()
            .into_iter()
            .map(|declaration| declaration.name)
    }

    pub(crate) fn programs(&self) -> Programs {
        Programs::new(self.jobs().cloned())
    }

    /// What tools and jobs declare to clients, before anything is opened or bound.
    pub(crate) fn declarations(&self) -> Vec<ToolDeclaration> {
        let declarations = self.entries.iter().flat_map(|entry| match entry {
            Entry::Tool(tool) => vec![tool.declaration.clone()],
            Entry::Job(job) => contract::declarations(job),
        });
        declarations.collect()
    }

    /// Everything that is wrong with it, before anything is opened or bound.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let mut faults = catalog::faults(&self.declarations(), &self.others);
        faults.extend(self.jobs().flat_map(catalog::job_faults));
        faults
    }

    /// The catalog for somebody who looks at it and calls nothing; no store is opened.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn display(&self) -> Result<Catalog, Faults> {
        let faults = self.faults();
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        let tools = self.declarations().into_iter().map(|declaration| {
            Tool::dynamic(declaration, |_, _| async {
                Err::<ToolOutput, _>(Problem::internal("this tool is only looked at"))
            })
        });
        Catalog::new(tools.collect(), self.others.clone())
    }

    /// The catalog, in which jobs have become their contract tools.
    pub(crate) fn catalog(&self, jobs: Option<(&Queue, &Links)>) -> Result<Catalog, Faults> {
        let mut tools = Vec::new();
        for entry in &self.entries {
            match (entry, jobs) {
                (Entry::Tool(tool), _) => tools.push(tool.clone()),
                (Entry::Job(job), Some((queue, links))) => {
                    tools.extend(contract::tools(job, queue, links));
                }
                (Entry::Job(_), None) => {}
            }
        }
        Catalog::new(tools, self.others.clone())
    }
}
