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
mod cut;
mod hearing;
mod job;
mod launch;
mod link;
mod lists;
mod message;
mod names;
mod origin;
mod others;
mod outbox;
mod pool;
mod prose;
mod taking;
mod tending;
mod tool;

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use farcall_config::file::{Mount, Sandbox};
use farcall_core::{JsonObject, catalog::Offers, job::Job, tool::Tool};
use serde_json::Value;
use tokio::time::timeout;

use self::{broken::Broken, launch::Launch, lists::Lists, origin::Origin, pool::Pool};
use crate::{command::Surroundings, text};

/// How long a server may take to say what it offers.
const LISTING: Duration = Duration::from_mins(1);

/// A server that is passed on; cheap to clone. When the last one is dropped, and all that was made of
/// it, the server is stopped.
#[derive(Clone)]
pub struct Mounted {
    pool: Arc<Pool>,
    about: Arc<About>,
    origin: Arc<Origin>,
}

impl Mounted {
    /// What it says about itself.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Whether both are the same running server.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pool, &other.pool)
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
            origin: Arc::clone(&self.origin),
        }
    }
}

/// A server as somebody knows it who does not keep it.
#[derive(Clone)]
pub struct WeakMounted {
    pool: Weak<Pool>,
    about: Arc<About>,
    origin: Arc<Origin>,
}

impl WeakMounted {
    /// The server, where anybody keeps it.
    pub fn upgrade(&self) -> Option<Mounted> {
        Some(Mounted {
            pool: self.pool.upgrade()?,
            about: Arc::clone(&self.about),
            origin: Arc::clone(&self.origin),
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

/// Starts the server of `mount`, and asks it what it offers. Dropped before that, it is stopped. One of those
/// that are `running` is asked instead, where it was started from the same.
///
/// # Errors
/// Why it cannot be started or does not say what it offers, with the last words of its standard error.
pub fn start(
    mount: &Mount,
    surroundings: Surroundings<'_>,
    running: &[Mounted],
) -> impl Future<Output = Result<Started, String>> + use<> {
    let launch = Launch::new(mount, surroundings);
    let origin = Arc::new(Origin::of(mount, surroundings));
    let mut same = running.iter().filter(|running| running.origin == origin);
    let kept = same.next_back().map(|running| Arc::clone(&running.pool));
    let mount = mount.clone();
    async move {
        let kept = match kept {
            // One that does not answer any more is replaced.
            Some(pool) => asked(&pool, LISTING).await.ok().map(|asked| (pool, asked)),
            None => None,
        };
        let (pool, (about, lists)) = match kept {
            Some(kept) => kept,
            None => anew(&mount, launch.clone()).await?,
        };
        let server = Mounted {
            pool,
            about: Arc::new(about),
            origin,
        };
        Ok(taking::take(&mount, launch, server, lists))
    }
}

/// Starts the server of `mount`, and asks it.
async fn anew(mount: &Mount, launch: Launch) -> Result<(Arc<Pool>, (About, Lists)), String> {
    let pool = Arc::new(Pool::new(mount, launch));
    match asked(&pool, 2 * LISTING).await {
        Ok(asked) => Ok((pool, asked)),
        Err(broken) => {
            pool.stop().await;
            Err(format!("{broken}\n{}", hint(mount.command.sandbox)))
        }
    }
}

/// What a server says about itself, and all that it offers, where it does so within `patience`.
async fn asked(pool: &Arc<Pool>, patience: Duration) -> Result<(About, Lists), Broken> {
    let asking = async {
        let borrowed = pool.borrow().await?;
        let about = About::read(&borrowed.link.hello);
        Ok((about, Lists::ask(&borrowed.link).await?))
    };
    let silent = |_| Broken::Unstartable("it does not say what it offers".to_owned());
    timeout(patience, asking).await.map_err(silent)?
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
