//! `backup`: a copy of a data folder, made while its server works.
//!
//! First the database, of one moment, then the files that it names: a file never changes, so what
//! is copied later is what was there then. All of it is made under another name, and gets its own
//! when it is whole and on the disk; whatever happens on the way, nothing is left that looks like
//! a backup. What is not over begins again from zero where the copy is restored, because its work
//! folder is of no moment at all.

mod files;
mod folder;
mod report;

use std::{io, path::PathBuf};

use farcall_artifacts::{ArtifactError, Artifacts, Originals};
use farcall_config::Storage;
use farcall_core::crash_point;
use farcall_store::{SqliteStore, StoreError};
use secrecy::ExposeSecret;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use self::{
    files::Copying,
    folder::Unfinished,
    report::{Report, room},
};
use crate::{
    Failure,
    attach::{DataFlags, attach_folder},
    terminal::{print, print_json, printable, talk},
};

/// The places in a backup where a test can end the process, in the order they are passed.
pub const CRASH_POINTS: &[&str] = &[
    "backup.begun",
    "backup.records.copied",
    "backup.files.copied",
    "backup.named",
];

/// What `backup` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
To restore one, start a server with FARCALL_DATA_DIR set to the folder, or to a copy of it.

It is for SQLite. The jobs of a PostgreSQL database are backed up with pg_dump.

Exit status: 0 there is a backup, 1 there is none, 2 usage or configuration")]
pub struct Flags {
    /// Folder to make, for example /backups/2026-11-28; it must not be there yet
    #[arg(long, value_name = "FOLDER")]
    pub to: PathBuf,
    #[command(flatten)]
    data: DataFlags,
    /// Leave out files that are damaged or lost, and say which; without it they end the backup
    #[arg(long)]
    pub leave_out_damaged: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn backup(flags: Flags) -> Result<(), Failure> {
    let (_, storage) = flags.data.read()?;
    let stop = stopped_by_signals()?;
    let mut report = Report::new(&flags.to);
    let outcome = make(&flags, &storage, &stop, &mut report).await;
    if flags.json {
        print_json(&report.json(&outcome));
    } else if outcome.is_ok() {
        print(&report.text());
    }
    for damaged in &report.damaged {
        talk(&format!(
            "{}: {damaged}",
            if outcome.is_ok() {
                "left out"
            } else {
                "damaged"
            }
        ));
    }
    if outcome.is_ok() {
        let folder = flags.to.canonicalize().unwrap_or(flags.to);
        let folder = folder.to_string_lossy();
        let folder = printable(&folder);
        talk(&format!(
            "to restore it, start a server with FARCALL_DATA_DIR={folder}"
        ));
    }
    outcome
}

async fn make(
    flags: &Flags,
    storage: &Storage,
    stop: &CancellationToken,
    report: &mut Report,
) -> Result<(), Failure> {
    refuse_what_cannot_be_copied(storage)?;
    let store = attach_folder(&storage.data_dir).await?;
    let originals = originals(storage)?;
    let outcome = copy(flags, storage, &store, originals, stop, report).await;
    farcall_store::JobStore::close(&store).await;
    outcome
}

async fn copy(
    flags: &Flags,
    storage: &Storage,
    store: &SqliteStore,
    originals: Originals,
    stop: &CancellationToken,
    report: &mut Report,
) -> Result<(), Failure> {
    let unfinished = Unfinished::begin(&flags.to, &storage.data_dir)?;
    room(&store.volume().await.map_err(failed)?, unfinished.path())?;
    crash_point!("backup.begun");
    let stopped = stop.clone();
    let records = store.copy(unfinished.path(), move || !stopped.is_cancelled());
    let Some(mut records) = records.await.map_err(failed)? else {
        return Err(cut_off());
    };
    crash_point!("backup.records.copied");
    report.volume = records.volume().await.map_err(failed)?;

    let target =
        Artifacts::open(unfinished.path()).map_err(|error| Failure::failed(error.to_string()))?;
    let mut copying = Copying::new(originals, target, report.volume.file_bytes, stop.clone());
    loop {
        let files = records.next_files().await.map_err(failed)?;
        if files.is_empty() {
            break;
        }
        copying = copying.copy(files).await?;
    }
    (report.files, report.damaged) = copying.end();
    if !report.damaged.is_empty() && !flags.leave_out_damaged {
        return Err(Failure::failed(format!(
            "there is no backup: {} of {} files are not what was recorded",
            report.damaged.len(),
            report.volume.files
        ))
        .hint("--leave-out-damaged makes one without them"));
    }
    records.close(unfinished.path()).await.map_err(failed)?;
    crash_point!("backup.files.copied");
    unfinished.finish()?;
    crash_point!("backup.named");
    Ok(())
}

fn refuse_what_cannot_be_copied(storage: &Storage) -> Result<(), Failure> {
    if let Some(url) = &storage.database_url {
        return Err(Failure::usage(format!(
            "the jobs are in `{url}`, and a backup is of a data folder"
        ))
        .hint(
            "first pg_dump for the records, then the means of the bucket or the disk for the files",
        ));
    }
    let place = storage.artifacts.as_ref();
    if place.is_some_and(|place| place.url.scheme() == "memory") {
        return Err(Failure::usage(
            "FARCALL_ARTIFACTS_URL keeps the files in the memory of the server",
        )
        .hint("there is no way to them from outside; it is for tests"));
    }
    Ok(())
}

/// Where the files are that the records name.
fn originals(storage: &Storage) -> Result<Originals, Failure> {
    let Some(place) = &storage.artifacts else {
        return Originals::open(&storage.data_dir).map_err(unreadable);
    };
    let options = place.options.iter();
    let options = options.map(|(name, value)| (name.clone(), value.expose_secret().to_owned()));
    Originals::open_url(&place.url, options).map_err(unreadable)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it stands behind `map_err`, where the error comes as a value"
)]
fn unreadable(error: ArtifactError) -> Failure {
    Failure::usage(error.to_string())
        .hint("set FARCALL_DATA_DIR, FARCALL_ARTIFACTS_URL and the variables of its cloud as the server has them")
}

/// What the one database or the other says in the middle of it.
fn failed(error: StoreError) -> Failure {
    Failure {
        exit: crate::Exit::Failed,
        ..Failure::from(error)
    }
}

fn cut_off() -> Failure {
    Failure::failed("the backup was cut off by a signal")
}

/// Cancelled at the first SIGINT, SIGTERM or SIGHUP.
fn stopped_by_signals() -> Result<CancellationToken, Failure> {
    let listen = |kind| {
        signal(kind).map_err(|error: io::Error| {
            Failure::failed(format!("signals cannot be received: {error}"))
        })
    };
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        told.cancel();
    });
    Ok(stop)
}
