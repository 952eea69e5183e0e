//! What is served, read from its file: when the server starts, and again at SIGHUP.

use std::path::{Path, PathBuf};

use farcall_config::{
    Config, Source,
    file::{Project, setting_of},
};
use farcall_server::Changes;

use super::{environment, set_flags, valid};
use crate::{App, Failure, Running, command::ServeFlags, project, withheld::withheld};

/// A `farcall.toml` that can be served.
pub(super) struct Loaded {
    pub(super) app: App,
    pub(super) config: Config,
    pub(super) source: Source,
    /// What its programs do not reach.
    pub(super) withheld: Vec<PathBuf>,
    /// Sentences about what its author may not have meant, each with its line.
    warnings: Vec<(Option<usize>, String)>,
}

/// What a server reads when it is told to read again.
pub(super) enum Again<'a> {
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
    /// Reads it; what was withheld from its programs `before` stays so, because a server goes on with the
    /// folders that it was started with.
    ///
    /// # Errors
    /// Everything that is wrong with the file, or with the configuration it is a part of.
    pub(super) fn read(
        file: &Path,
        flags: &ServeFlags,
        before: &[PathBuf],
    ) -> Result<Self, Failure> {
        let mut source = environment()?;
        let (project, warnings) = Project::read(file, &source).map_err(|faults| {
            Failure::usage(format!("`{}` has faults\n{faults}", file.display()))
        })?;
        let unconfined = project::confinement(&project)?;
        source.set_file(&project.settings);
        set_flags(&mut source, flags);
        let config = valid(&source, flags)?;
        let mut withheld = withheld(file, &config.storage);
        withheld.extend_from_slice(before);
        let app = project::app(&project, &withheld)?;
        let warnings = warnings.into_iter().map(|warning| {
            let line = warning.place.map(|place| place.line);
            (line, format!("{}; {}", warning.message, warning.hint))
        });
        let unconfined = unconfined.into_iter().map(|sentence| (None, sentence));
        Ok(Self {
            app,
            config,
            source,
            withheld,
            warnings: warnings.chain(unconfined).collect(),
        })
    }

    pub(super) fn warn(&self, file: &Path) {
        for (line, sentence) in &self.warnings {
            tracing::warn!(file = %file.display(), line, "{sentence}");
        }
    }
}

impl Again<'_> {
    /// Reads again, and lets `running` offer what there is now. Where that cannot be, it goes on with what
    /// it offers, and the log says why.
    pub(super) fn read(&self, running: &Running) {
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
        // Files are read, and patterns compiled; whoever waits on this thread is helped elsewhere.
        let outcome = tokio::task::block_in_place(|| {
            let loaded = Loaded::read(file, flags, withheld)?;
            loaded.warn(file);
            Ok::<_, Failure>((running.exchange(&loaded.app)?, loaded.source))
        });
        match outcome {
            Ok((changes, now)) => {
                tell(file, &changes);
                tell_what_waits(source, &now);
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
