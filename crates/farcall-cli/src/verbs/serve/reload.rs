//! What is served, read from its file: when the server starts, and again at SIGHUP.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
};

use farcall_config::{
    Config, Source,
    file::{Finding, Project, setting_of},
};
use farcall_server::Changes;
use farcall_wrap::mount::Mounted;
use tokio::{sync::Notify, task::block_in_place};

use super::{environment, set_flags, valid};
use crate::{App, Failure, Running, command::ServeFlags, mounts, project, withheld::withheld};

/// A project that can be served, and the configuration that it is served with.
pub(super) struct Loaded {
    project: Project,
    /// Its `farcall.toml`, where it has one.
    file: Option<PathBuf>,
    pub(super) config: Config,
    pub(super) source: Source,
    /// What its programs do not reach.
    pub(super) withheld: Vec<PathBuf>,
    /// Sentences about what its author may not have meant, each with its line.
    warnings: Vec<(Option<usize>, String)>,
}

/// What a server reads when it is told to read again.
pub(super) enum Reload<'a> {
    /// Nothing: it is a program, which does not change while it runs.
    Nothing,
    /// The file, with what was said on the command line, and what it said at start.
    File {
        file: &'a Path,
        flags: &'a ServeFlags,
        source: Source,
        withheld: Vec<PathBuf>,
    },
}

impl Loaded {
    /// Reads a `farcall.toml`; what was withheld from its programs `before` stays so, because a server goes
    /// on with the folders that it was started with.
    ///
    /// # Errors
    /// Everything that is wrong with the file, or with the configuration it is a part of.
    pub(super) fn read(
        file: &Path,
        flags: &ServeFlags,
        before: &[PathBuf],
    ) -> Result<Self, Failure> {
        let source = environment()?;
        let (project, findings) = Project::read(file, &source).map_err(|faults| {
            Failure::usage(format!("`{}` has faults\n{faults}", file.display()))
        })?;
        let mut loaded = Self::configured(project, Some(file), flags, source)?;
        loaded.withheld.extend_from_slice(before);
        loaded.warnings.extend(findings.iter().map(warning));
        Ok(loaded)
    }

    /// The same for the MCP server that `command` starts, which no file declares.
    ///
    /// # Errors
    /// What is wrong with the command or with the configuration.
    pub(super) fn of_command(
        command: &[String],
        sandbox: Option<&str>,
        flags: &ServeFlags,
    ) -> Result<Self, Failure> {
        let source = environment()?;
        let project = mounts::alone(command, sandbox, &source)?;
        let mut loaded = Self::configured(project, None, flags, source)?;
        if sandbox.is_none() {
            let unconfined = mounts::unconfined(&loaded.project, &loaded.withheld);
            let unconfined = unconfined.map(|sentence| (None, sentence));
            loaded.warnings.extend(unconfined);
        }
        Ok(loaded)
    }

    fn configured(
        project: Project,
        file: Option<&Path>,
        flags: &ServeFlags,
        mut source: Source,
    ) -> Result<Self, Failure> {
        let unconfined = project::confinement(&project)?;
        source.set_file(&project.settings);
        set_flags(&mut source, flags);
        let config = valid(&mut source, flags)?;
        Ok(Self {
            withheld: withheld(file, &config.storage, config.audit.as_ref()),
            warnings: unconfined
                .into_iter()
                .map(|sentence| (None, sentence))
                .collect(),
            file: file.map(Path::to_owned),
            project,
            config,
            source,
        })
    }

    /// The app that serves it, whose mounted servers run, some of them since before.
    ///
    /// # Errors
    /// All that cannot work in it.
    pub(super) async fn app(&self, running: &[Mounted]) -> Result<App, Failure> {
        project::app(&self.project, &self.withheld, running).await
    }

    pub(super) fn warn(&self) {
        let file = self.file.as_ref().map(|file| file.display());
        let file = file.as_ref().map(tracing::field::display);
        for (line, sentence) in &self.warnings {
            tracing::warn!(file, line, "{sentence}");
        }
    }
}

fn warning(finding: &Finding) -> (Option<usize>, String) {
    let line = finding.place.as_ref().map(|place| place.line);
    (line, format!("{}; {}", finding.message, finding.hint))
}

impl Reload<'_> {
    /// Whenever it is `told` to, reads again, and lets `running` offer what there is now. Told while it reads,
    /// it reads once more.
    pub(super) async fn whenever(&self, told: &Notify, running: &Running) -> Infallible {
        loop {
            told.notified().await;
            running.reopen_audit();
            self.run(running).await;
        }
    }

    /// Where what is read cannot be offered, `running` goes on with what it offers, and the log says why.
    async fn run(&self, running: &Running) {
        let Self::File {
            file,
            flags,
            source,
            withheld,
        } = self
        else {
            tracing::info!(
                "SIGHUP changes nothing: this server has no file that it could read again"
            );
            return;
        };
        let outcome = async {
            // Whoever waits on this thread is helped elsewhere.
            let loaded = block_in_place(|| Loaded::read(file, flags, withheld))?;
            loaded.warn();
            let app = loaded.app(&running.mounts()).await?;
            Ok::<_, Failure>((running.exchange(&app)?, loaded.source))
        };
        match outcome.await {
            Ok((changes, now)) => {
                // The last line is that it holds: whoever waits for that line has then seen the others.
                tell_what_waits(source, &now);
                tell(file, &changes);
            }
            Err(failure) => {
                let file = file.display();
                tracing::error!(%file, "the file cannot be served, and what was offered before stays: {}", in_a_line(&failure));
            }
        }
    }
}

fn tell(file: &Path, changes: &Changes) {
    let Changes {
        added,
        changed,
        removed,
    } = changes;
    let file = file.display();
    tracing::info!(%file, ?added, ?changed, ?removed, "the file was read again, and holds from now on");
}

/// Says of what was opened at start that it stays as it was.
fn tell_what_waits(before: &Source, now: &Source) {
    for variable in before.differing(now) {
        let name = variable.name;
        let key = setting_of(variable).map(|key| format!(", `{key}` of `[server]`"));
        let key = key.unwrap_or_default();
        tracing::warn!(
            "`{name}`{key} has changed, which takes effect when the server is started again"
        );
    }
}

/// A failure of several lines in one of the log.
fn in_a_line(failure: &Failure) -> String {
    let hint = failure.hint.iter();
    let sentences = std::iter::once(&failure.message).chain(hint);
    let lines = sentences.flat_map(|sentence| sentence.lines());
    let lines: Vec<_> = lines
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("; ")
}
