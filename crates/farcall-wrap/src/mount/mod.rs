//! Existing MCP servers that speak over standard input and output, passed on to the callers of this one.
//!
//! At the start a server is asked once for all that it offers (`lists`), and that becomes ordinary tools,
//! jobs, resources and prompts of the one catalog. A call then goes from the catalog to the `pool`,
//! which has a running server or starts one, and over its `link`, which many callers share. A tool
//! that is declared as a job (`job`) has a server of its own for each run, so that it ends with its
//! lease, and is killed alone.
//!
//! The protocol is spoken here by one small file (`message`) in the place of the SDK's client, which reads
//! what a server says into types of its own: what they do not know would be lost on its way.

mod broken;
mod calls;
mod hearing;
mod job;
mod launch;
mod link;
mod lists;
mod message;
mod others;
mod pool;
mod tool;

use std::{
    collections::HashSet,
    sync::{Arc, Weak},
    time::Duration,
};

use farcall_config::file::{Mount, Sandbox};
use farcall_core::{
    JsonObject,
    catalog::{self, Offers},
    job::Job,
    tool::{Tool, ToolDeclaration},
};
use serde_json::Value;
use tokio::time::timeout;

use self::{broken::Broken, launch::Launch, lists::Lists, pool::Pool};
use crate::{command::Surroundings, text};

/// How long a server may take to say what it offers.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server that is passed on; cheap to clone. When the last one is dropped, and all that was made of
/// it, the server is stopped.
#[derive(Clone)]
pub struct Mounted {
    pool: Arc<Pool>,
    about: Arc<About>,
}

impl Mounted {
    /// What it says about itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Stops the server, and waits until it is gone.
    pub async fn stop(&self) {
        self.pool.stop().await;
    }

    /// The same for somebody who does not keep it.
    pub fn downgrade(&self) -> WeakMounted {
        WeakMounted {
            pool: Arc::downgrade(&self.pool),
            about: Arc::clone(&self.about),
        }
    }
}

/// A server as somebody knows it who does not keep it.
#[derive(Clone)]
pub struct WeakMounted {
    pool: Weak<Pool>,
    about: Arc<About>,
}

impl WeakMounted {
    /// The server, where anybody keeps it.
    pub fn upgrade(&self) -> Option<Mounted> {
        Some(Mounted {
            pool: self.pool.upgrade()?,
            about: Arc::clone(&self.about),
        })
    }
}

/// A server that was started, and what it offers.
pub struct Started {
    /// The server.
    pub server: Mounted,
    /// Its tools, and those that became jobs, in its order.
    pub entries: Vec<Entry>,
    /// What it offers besides.
    pub offers: Offers,
    /// What is wrong with it, each beginning with what it is wrong with.
    pub faults: Vec<String>,
    /// What was left out or changed on the way.
    pub warnings: Vec<String>,
}

/// A tool that is passed on.
#[derive(Debug)]
pub enum Entry {
    /// As a job.
    Job(Job),
    /// As it is.
    Tool(Tool),
}

/// What a server says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// A name for people.
    pub title: Option<String>,
    /// What an agent should know before it calls anything.
    pub instructions: Option<String>,
}

/// Starts the server of `mount`, and asks it what it offers. Dropped before that, it is stopped.
///
/// # Errors
/// Why it cannot be started or does not say what it offers, with the last words of its standard error.
pub fn start(
    mount: &Mount,
    surroundings: Surroundings<'_>,
) -> impl Future<Output = Result<Started, String>> + use<> {
    let launch = Launch::new(mount, surroundings);
    let mount = mount.clone();
    async move {
        let pool = Arc::new(Pool::new(&mount, launch.clone()));
        let asked = timeout(2 * PATIENCE, asked(&pool))
            .await
            .unwrap_or_else(|_| {
                Err(Broken::Unstartable(
                    "it does not say what it offers".to_owned(),
                ))
            });
        let (about, lists) = match asked {
            Ok(asked) => asked,
            Err(broken) => {
                pool.stop().await;
                return Err(format!("{broken}\n{}", hint(mount.command.sandbox)));
            }
        };
        let taking = Taking {
            mount: &mount,
            launch,
            pool,
            faults: Vec::new(),
            warnings: Vec::new(),
        };
        Ok(taking.all(about, lists))
    }
}

/// What a server says about itself, and all that it offers.
async fn asked(pool: &Arc<Pool>) -> Result<(About, Lists), Broken> {
    let borrowed = pool.borrow().await?;
    let about = About::read(&borrowed.link.hello);
    Ok((about, Lists::ask(&borrowed.link).await?))
}

/// What may be done about a server that does not start.
fn hint(sandbox: Sandbox) -> &'static str {
    match sandbox {
        Sandbox::Off => {
            "start it by hand to see what it says; it has to speak MCP over standard input and output"
        }
        // Its words seldom say so.
        _ => {
            "it reads and writes little besides its own folders; where it needs more, name it as `readable` or `writable`, or set `sandbox` to `off`"
        }
    }
}

impl About {
    fn read(hello: &JsonObject) -> Self {
        let of = |value: Option<&Value>| {
            let text = value.and_then(Value::as_str).map(text::visible);
            text.filter(|text| !text.trim().is_empty())
        };
        let own = hello.get("serverInfo");
        let own = |key: &str| of(own.and_then(|own| own.get(key)));
        Self {
            name: own("name"),
            version: own("version"),
            title: own("title"),
            instructions: of(hello.get("instructions")),
        }
    }
}

/// Takes over what a server offers.
struct Taking<'a> {
    mount: &'a Mount,
    launch: Launch,
    pool: Arc<Pool>,
    faults: Vec<String>,
    warnings: Vec<String>,
}

impl Taking<'_> {
    fn all(mut self, about: About, mut lists: Lists) -> Started {
        self.judge_names(&lists);
        let mut entries = Vec::new();
        for own in std::mem::take(&mut lists.tools) {
            entries.extend(self.entry(own));
        }
        let prefix = &self.mount.prefix;
        let offers = others::offers(&mut lists, prefix, &self.pool, &mut self.warnings);
        Started {
            server: Mounted {
                pool: self.pool,
                about: Arc::new(about),
            },
            entries,
            offers,
            faults: self.faults,
            warnings: self.warnings,
        }
    }

    /// What the file names has to be there.
    fn judge_names(&mut self, lists: &Lists) {
        let there: HashSet<_> = lists
            .tools
            .iter()
            .filter_map(|own| own.get("name").and_then(Value::as_str))
            .collect();
        let mount = self.mount;
        let allowed = mount.allowed.iter().flatten().map(|name| ("allow", name));
        let changed = mount.tools.keys().map(|name| ("tools", name));
        let jobs = mount.jobs.keys().map(|name| ("jobs", name));
        for (key, name) in allowed.chain(changed).chain(jobs) {
            if !there.contains(name.as_str()) {
                let mut known: Vec<_> = there.iter().map(|name| text::shown(name)).collect();
                known.sort();
                known.truncate(20);
                self.faults.push(format!(
                    "its `{key}` names the tool `{name}`, which it does not have; it has {}",
                    known.join(", ")
                ));
            }
        }
    }

    fn entry(&mut self, own: JsonObject) -> Option<Entry> {
        let own_name = tool::text_of(&own, "name");
        let mount = self.mount;
        let is_allowed = |allowed: &Vec<String>| allowed.contains(&own_name);
        if !mount.allowed.as_ref().is_none_or(is_allowed) {
            return None;
        }
        let changed = mount.tools.get(&own_name);
        let name = changed
            .and_then(|changed| changed.name.clone())
            .unwrap_or_else(|| format!("{}{own_name}", mount.prefix));
        let declaration = match tool::declaration(name, own, changed) {
            Ok(declaration) => declaration,
            Err(fault) => {
                self.fault(&own_name, &fault);
                return None;
            }
        };
        if declaration.description.trim().is_empty() {
            self.warnings.push(format!(
                "the tool `{own_name}` has no description; agents choose by it, so write one as `tools.{own_name}.description`"
            ));
        }
        if !self.is_sound(&own_name, &declaration) {
            return None;
        }
        match mount.jobs.get(&own_name) {
            None => Some(Entry::Tool(tool::tool(declaration, &own_name, &self.pool))),
            Some(declared) => match job::job(declaration, &own_name, declared, &self.launch) {
                Ok(job) => Some(Entry::Job(job)),
                Err(fault) => {
                    self.fault(&own_name, &fault);
                    None
                }
            },
        }
    }

    /// Whether the catalog will take it.
    fn is_sound(&mut self, own_name: &str, declaration: &ToolDeclaration) -> bool {
        let found = catalog::faults([declaration], &Offers::default());
        for fault in &found {
            self.fault(own_name, &fault.reason);
        }
        found.is_empty()
    }

    fn fault(&mut self, own_name: &str, fault: &str) {
        let shown = text::shown(own_name);
        self.faults.push(format!(
            "its tool `{shown}` cannot be passed on: {fault}; give it another name with `tools`, or leave it out with `allow`"
        ));
    }
}
