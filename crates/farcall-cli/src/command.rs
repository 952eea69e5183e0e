//! The command line of a program, and of the `farcall` binary.

use std::{ffi::OsString, path::PathBuf};

use clap::{Parser, Subcommand};

use crate::{App, Exit, Failure, logging, subject::Subject, verbs};

// Flags of `serve`, each with the variable it stands before.
#[expect(
    missing_docs,
    reason = "clap would show a doc comment as the help of the program"
)]
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ServeFlags {
    /// Address to bind [env: MCP_HOST] [default: 127.0.0.1]
    #[arg(long)]
    pub host: Option<String>,
    /// Port to bind; 0 lets the system choose [env: MCP_PORT] [default: 8900]
    #[arg(long)]
    pub port: Option<u16>,
    /// Folder of the job store and of the files [env: FARCALL_DATA_DIR] [default: .farcall]
    #[arg(long)]
    pub data_dir: Option<String>,
    /// What this process does: all, api or worker [env: FARCALL_ROLE] [default: all]
    #[arg(long)]
    pub role: Option<String>,
    /// Serve one client on standard input and output
    #[arg(long)]
    pub stdio: bool,
}

#[derive(Debug, Parser)]
#[command(
    about = "An MCP server; without a verb it serves",
    disable_help_subcommand = true
)]
struct Program {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    serve: ServeFlags,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve MCP over HTTP, or over standard input and output
    Serve(ServeFlags),
    /// Generate deployment files: systemd, docker, compose, cloudflared, caddy, nginx
    Deploy(verbs::deploy::Flags),
    /// Print a client's configuration for this server
    Handoff(verbs::handoff::Flags),
    /// Diagnose a server, from its configuration to a client's call, and suggest fixes
    Doctor(verbs::doctor::Flags),
    #[command(flatten)]
    Other(OtherVerb),
}

/// The verbs that need no program: those of every command line.
#[derive(Debug, Subcommand)]
enum OtherVerb {
    /// Test a server from outside: list, call, drive a job to its file
    Smoke(verbs::smoke::Flags),
    /// Look after jobs: list, show, watch, cancel, retry
    Jobs(verbs::jobs::Flags),
    /// Manage named callers and their tokens: create, list, revoke, rotate
    Token(verbs::token::Flags),
    /// List and rotate the keys that sign links to files: list, rotate
    Keys(verbs::keys::Flags),
    /// Copy jobs and files while the server works
    Backup(verbs::backup::Flags),
    /// Print a shell completion script
    Completions(verbs::completions::Flags),
    /// Check whether the server on this machine or in this container is alive
    Healthcheck(verbs::healthcheck::Flags),
}

impl OtherVerb {
    /// Does it, as a verb of `command`.
    fn run(self, command: clap::Command) -> Exit {
        ended(match self {
            Self::Smoke(flags) => in_runtime(verbs::smoke::smoke(flags)),
            Self::Jobs(flags) => in_runtime(verbs::jobs::jobs(flags)),
            Self::Token(flags) => in_runtime(verbs::token::token(flags)),
            Self::Keys(flags) => in_runtime(verbs::keys::keys(flags)),
            Self::Backup(flags) => in_runtime(verbs::backup::backup(flags)),
            Self::Completions(flags) => {
                verbs::completions::completions(&flags, command);
                Ok(())
            }
            Self::Healthcheck(flags) => verbs::healthcheck::healthcheck(flags),
        })
    }
}

/// The verbs of the `farcall` binary, which has a file instead of a program.
#[derive(Debug, Subcommand)]
enum BinaryVerb {
    /// Create a farcall.toml in this folder
    Init(verbs::init::Flags),
    /// Validate a farcall.toml and list the tools it offers
    Check(verbs::check::Flags),
    /// Print the JSON Schema of farcall.toml, for editors
    Schema(verbs::schema::Flags),
    /// Serve what a farcall.toml declares, or any MCP server: serve -- COMMAND
    Serve(FileFlags),
    /// Generate deployment files: systemd, docker, compose, cloudflared, caddy, nginx
    Deploy(DeployFlags),
    /// Print a client's configuration for this server, or for one at a URL
    Handoff(HandoffFlags),
    /// Diagnose a server, from its configuration to a client's call, and suggest fixes
    Doctor(DoctorFlags),
    #[command(flatten)]
    Other(OtherVerb),
}

#[derive(Debug, clap::Args)]
struct DeployFlags {
    /// The file that says what is served
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "farcall.toml"
    )]
    config: PathBuf,
    #[command(flatten)]
    deploy: verbs::deploy::Flags,
}

#[derive(Debug, clap::Args)]
struct HandoffFlags {
    /// The file that says what is served
    #[arg(long, value_name = "FILE", default_value = "farcall.toml")]
    config: PathBuf,
    #[command(flatten)]
    handoff: verbs::handoff::Flags,
}

#[derive(Debug, clap::Args)]
struct DoctorFlags {
    /// The file that says what is served
    #[arg(long, value_name = "FILE", default_value = "farcall.toml")]
    config: PathBuf,
    #[command(flatten)]
    doctor: verbs::doctor::Flags,
}

#[derive(Debug, clap::Args)]
struct FileFlags {
    /// The file that says what to serve
    #[arg(long, value_name = "FILE", default_value = "farcall.toml")]
    config: PathBuf,
    #[command(flatten)]
    serve: ServeFlags,
    /// Command that starts an MCP server to serve instead of a file
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "config")]
    command: Vec<String>,
    /// How that program is sandboxed [default: default, and off for npx, uvx and the like]
    #[arg(long, value_name = "WORD", requires = "command", value_parser = ["default", "required", "bwrap", "off"])]
    sandbox: Option<String>,
}

impl BinaryVerb {
    fn run(self) -> Exit {
        match self {
            Self::Init(flags) => ended(verbs::init::init(flags)),
            Self::Check(flags) => ended(in_runtime(verbs::check::check(flags))),
            Self::Schema(flags) => ended(verbs::schema::schema(flags)),
            Self::Serve(FileFlags {
                config,
                serve,
                command,
                sandbox,
            }) => ended(if command.is_empty() {
                in_runtime(verbs::serve::serve_file(&config, serve))
            } else {
                in_runtime(verbs::serve::serve_command(
                    &command,
                    sandbox.as_deref(),
                    serve,
                ))
            }),
            Self::Deploy(DeployFlags { config, deploy }) => {
                let subject = Subject::File(&config);
                ended(in_runtime(verbs::deploy::deploy(subject, deploy)))
            }
            Self::Handoff(HandoffFlags { config, handoff }) => {
                let subject = Subject::File(&config);
                ended(in_runtime(verbs::handoff::handoff(subject, handoff)))
            }
            Self::Doctor(DoctorFlags { config, doctor }) => {
                let subject = Subject::File(&config);
                ended(in_runtime(verbs::doctor::doctor(subject, doctor)))
            }
            Self::Other(verb) => verb.run(<Binary as clap::CommandFactory>::command()),
        }
    }
}

#[derive(Debug, Parser)]
#[command(
    name = "farcall",
    version,
    about = "Put your own code online as a remote MCP server",
    disable_help_subcommand = true
)]
struct Binary {
    #[command(subcommand)]
    verb: BinaryVerb,
}

/// The command line of a program that offers `app`.
pub(crate) fn run<I, A>(app: App, arguments: I) -> Exit
where
    I: IntoIterator<Item = A>,
    A: Into<OsString> + Clone,
{
    if let Some(exit) = as_shim().or_else(|| as_stage(&app)) {
        return exit;
    }
    let command = <Program as clap::CommandFactory>::command()
        .name(app.identity.name.clone())
        .version(app.identity.version.clone());
    let parsed = command
        .clone()
        .try_get_matches_from(arguments)
        .and_then(|matches| <Program as clap::FromArgMatches>::from_arg_matches(&matches));
    match parsed {
        Err(error) => explained(&error),
        Ok(
            Program { verb: None, serve }
            | Program {
                verb: Some(Verb::Serve(serve)),
                ..
            },
        ) => ended(in_runtime(verbs::serve::serve(app, serve))),
        Ok(Program {
            verb: Some(Verb::Deploy(flags)),
            ..
        }) => {
            let subject = Subject::App(&app);
            ended(in_runtime(verbs::deploy::deploy(subject, flags)))
        }
        Ok(Program {
            verb: Some(Verb::Handoff(flags)),
            ..
        }) => {
            let subject = Subject::App(&app);
            ended(in_runtime(verbs::handoff::handoff(subject, flags)))
        }
        Ok(Program {
            verb: Some(Verb::Doctor(flags)),
            ..
        }) => {
            let subject = Subject::App(&app);
            ended(in_runtime(verbs::doctor::doctor(subject, flags)))
        }
        Ok(Program {
            verb: Some(Verb::Other(verb)),
            ..
        }) => verb.run(command),
    }
}

/// The command line of the `farcall` binary.
pub fn run_binary<I, A>(arguments: I) -> Exit
where
    I: IntoIterator<Item = A>,
    A: Into<OsString> + Clone,
{
    if let Some(exit) = as_shim() {
        return exit;
    }
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    // clap takes this for no command at all, and so the file would be served.
    let ends_in_dashes = arguments.last().is_some_and(|last| last == "--");
    match Binary::try_parse_from(arguments) {
        Err(error) => explained(&error),
        Ok(Binary {
            verb: BinaryVerb::Serve(flags),
        }) if ends_in_dashes && flags.command.is_empty() => ended(Err(no_command())),
        Ok(Binary { verb }) => verb.run(),
    }
}

fn no_command() -> Failure {
    Failure::usage("there is no command behind `--`")
        .hint("name the program that is the MCP server, such as `farcall serve -- python3 server.py`; without `--` a farcall.toml is served")
}

/// Where a server started this process to look after a program, that is all it does. Nobody else calls it
/// so, and no help names it.
fn as_shim() -> Option<Exit> {
    let outcome = farcall_wrap::shim::main_if_asked()?;
    Some(ended(outcome.map_err(|error| {
        Failure::failed(format!("this is for a server to start: {error}"))
    })))
}

/// The same for a process that a server started to run one step of a job.
fn as_stage(app: &App) -> Option<Exit> {
    if !farcall_wrap::isolate::is_asked() {
        return None;
    }
    logging::start_in_stage();
    let outcome = farcall_wrap::isolate::main(app.offer.jobs());
    Some(ended(outcome.map_err(|error| {
        Failure::failed(format!("this is for a server to start: {error}"))
    })))
}

/// The command lines of the `farcall` binary and of a program, for the references.
pub fn command_lines() -> [clap::Command; 2] {
    let program = <Program as clap::CommandFactory>::command().name("<program>");
    [<Binary as clap::CommandFactory>::command(), program]
}

fn in_runtime(verb: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime =
        runtime.map_err(|error| Failure::failed(format!("no runtime can be started: {error}")))?;
    let outcome = runtime.block_on(verb);
    // Jobs and tools that do not stop when they are told to must not keep the process.
    runtime.shutdown_background();
    outcome
}

#[expect(
    clippy::print_stderr,
    reason = "this is where a program talks to whoever typed it"
)]
fn ended(outcome: Result<(), Failure>) -> Exit {
    match outcome {
        Ok(()) => Exit::Fine,
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit
        }
    }
}

/// Help and version are data, wrong usage is talk; clap knows which is which.
fn explained(error: &clap::Error) -> Exit {
    // Nothing can be done about a terminal that is gone.
    let _ = error.print();
    if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Fine
    }
}
