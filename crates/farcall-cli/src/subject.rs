//! What a verb is about that stands beside a server: a Rust program, or a `farcall.toml`, and its configuration.

use std::path::Path;

use farcall_config::{Config, ConfigError, Source, file::Project, variables};

use crate::{App, Failure, running::callers};

/// What is served.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    /// What a Rust program offers.
    App(&'a App),
    /// What the `farcall.toml` at this path declares.
    File(&'a Path),
}

/// What was read of a subject.
pub(crate) struct Configured {
    /// What the file declares, where it is one.
    pub(crate) project: Option<Project>,
    pub(crate) config: Config,
}

/// The verb that reads, for what it says where it cannot.
pub(crate) struct Reader {
    /// Its name, and what is given to it.
    pub(crate) verb: &'static str,
    /// What is said of a file with faults: `has faults …`.
    pub(crate) has_faults: &'static str,
}

impl Subject<'_> {
    /// Reads file and configuration as a server would that has nothing but `source`, which then has what the file and
    /// the store say, too.
    ///
    /// # Errors
    /// Everything for which such a server would not start.
    pub(crate) async fn read(
        self,
        source: &mut Source,
        reader: &Reader,
    ) -> Result<Configured, Failure> {
        let project = match self {
            Self::App(app) => {
                if !app.verifiers.is_empty() {
                    source.set_own_authenticator();
                }
                None
            }
            Self::File(file) => {
                let project = project(file, source, reader)?;
                source.set_file(&project.settings);
                Some(project)
            }
        };
        // A database may be out of reach from here, so it is only asked where the answer decides.
        let is_near = source.filled(&variables::FARCALL_DATABASE_URL).is_none();
        if (is_near || Config::wants_authenticator(source)) && callers::are_there(source).await? {
            source.set_named_callers();
        }
        let config =
            Config::read(source).map_err(|error: ConfigError| Failure::usage(error.to_string()))?;
        Ok(Configured { project, config })
    }
}

fn project(file: &Path, source: &Source, reader: &Reader) -> Result<Project, Failure> {
    if !file.exists() {
        let failure = Failure::usage(format!("there is no `{}` here", file.display()));
        return Err(if Path::new("Cargo.toml").exists() {
            failure.hint(format!(
                "a Rust server has this verb itself: cargo run --release -- {}",
                reader.verb
            ))
        } else {
            failure.hint("begin one with `farcall init`, or name it with --config")
        });
    }
    let read = Project::read(file, source);
    let (project, _) = read.map_err(|faults| {
        Failure::usage(format!(
            "`{}` {}\n{faults}",
            file.display(),
            reader.has_faults
        ))
    })?;
    Ok(project)
}
