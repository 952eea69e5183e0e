//! `deploy`: writes the files with which a server goes online and stays there, filled in from its
//! configuration.
//!
//! A module a kind. What a file looks like stands in `templates`, with `@names@` for what is filled in. Each
//! begins with the commands that it is used by; they are shown once it is written. Standard output is the paths
//! of the files, or with `--print` the files; everything else is talk, on standard error.

mod caddy;
mod cloudflared;
mod compose;
mod deployment;
mod docker;
mod ignored;
mod lacks;
mod nginx;
mod package;
mod project;
mod proxy;
mod read;
mod systemd;
mod template;
mod write;

use std::path::PathBuf;

use clap::Subcommand;

pub use self::{
    cloudflared::Flags as CloudflaredFlags,
    compose::Flags as ComposeFlags,
    deployment::{Build, Deployment},
    project::Needs,
    proxy::Flags as ProxyFlags,
    write::Planned,
};
pub(in crate::verbs) use self::{deployment::upstream, proxy::trusted_proxies};
pub use crate::subject::Subject;
use crate::{
    Failure,
    terminal::{print, printable, talk},
};

/// What `deploy` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
It reads what a server in this folder would read: `.env`, farcall.toml where there is one, and the variables of this
shell. A variable that only the shell has is written into the unit of systemd and the file of compose; a secret goes into
no file that is written here: those belong in `.env`, mode 0600. A file that is there stays, unless --force is given.

Exit status: 0 the files are written, 1 they cannot be, 2 one is there already, or the configuration or the command
is wrong"
)]
pub struct Flags {
    #[command(subcommand)]
    kind: Kind,
    /// Replace files that are there
    #[arg(long, global = true)]
    force: bool,
    /// Folder to write into, instead of this one
    #[arg(long, global = true, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print the files, and write nothing
    #[arg(long, global = true, conflicts_with_all = ["force", "out"])]
    print: bool,
}

/// What can be written.
#[derive(Clone, Debug, Subcommand)]
pub enum Kind {
    /// User services for the server and its Cloudflare Tunnel: deploy/NAME.service, deploy/cloudflared-NAME.service
    Systemd,
    /// An image: Dockerfile, .dockerignore; in a workspace Dockerfile.dockerignore too
    Docker,
    /// Containers: docker-compose.yml; with --replicas, several of them with PostgreSQL and an S3 store
    Compose(compose::Flags),
    /// The configuration of a Cloudflare Tunnel: deploy/cloudflared.config.yml, or without --tunnel
    /// deploy/cloudflared.config.example.yml, to be filled in
    Cloudflared(cloudflared::Flags),
    /// Caddy in front of the server: deploy/Caddyfile
    Caddy(proxy::Flags),
    /// nginx in front of the server: deploy/nginx.conf
    Nginx(proxy::Flags),
}

impl Kind {
    /// The files that it writes for `deployment`.
    ///
    /// # Errors
    /// Where the configuration, or what was said on the command line, does not go with it.
    pub fn files(&self, deployment: &Deployment) -> Result<Vec<Planned>, Failure> {
        match self {
            Self::Systemd => Ok(systemd::files(deployment)),
            Self::Docker => docker::files(deployment),
            Self::Compose(flags) => compose::files(deployment, flags),
            Self::Cloudflared(flags) => cloudflared::files(deployment, flags),
            Self::Caddy(flags) => caddy::files(deployment, flags),
            Self::Nginx(flags) => nginx::files(deployment, flags),
        }
    }

    /// What whoever uses the files should know of the configuration.
    fn warnings(&self, deployment: &Deployment) -> Vec<String> {
        match self {
            Self::Caddy(_) | Self::Nginx(_) => proxy::warnings(deployment),
            Self::Cloudflared(_) => cloudflared::warnings(deployment),
            Self::Systemd => systemd::warnings(deployment),
            Self::Compose(flags) => compose::warnings(deployment, flags),
            Self::Docker => lacks::warnings(deployment),
        }
    }
}

pub(crate) async fn deploy(subject: Subject<'_>, flags: Flags) -> Result<(), Failure> {
    let (deployment, left_out) = read::read(subject).await?;
    let files = flags.kind.files(&deployment)?;
    if flags.print {
        show(&files);
        return Ok(());
    }
    let folder = flags.out.unwrap_or_default();
    write::write(&folder, &files, flags.force)?;
    for file in &files {
        print(&folder.join(&file.path).to_string_lossy());
    }
    let warnings = flags.kind.warnings(&deployment);
    for warning in warnings.iter().chain(&left_out) {
        talk(&format!("warning: {}", printable(warning)));
    }
    if let Some(first) = files.first() {
        if folder.as_os_str().is_empty() {
            talk("next, as the file itself says:");
        } else {
            let folder = folder.display().to_string();
            talk(&format!(
                "next, as the file itself says of a folder that it is in, and it is in `{}`:",
                printable(&folder)
            ));
        }
        for command in first.commands() {
            talk(&format!("  {}", printable(command)));
        }
    }
    Ok(())
}

/// The files as they would be written: several of them apart, as `head` does it.
fn show(files: &[Planned]) {
    for file in files {
        if files.len() > 1 {
            print(&format!("==> {} <==", file.path));
        }
        print(file.text.trim_end());
    }
}
