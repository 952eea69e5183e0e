//! The job store: there, of this version, and not damaged.

use std::time::Duration;

use farcall_config::Storage;
use farcall_store::{JobStore as _, SqliteStore};
use tokio::time::timeout;

use super::{
    super::finding::{Chart, Finding},
    Machine,
};
use crate::attach::{self, Unattached};

const CHECK: &str = "store";

/// How long all pages of a database may be looked at.
const READING: Duration = Duration::from_secs(10);

pub(super) async fn look(machine: &Machine, chart: &mut Chart) {
    chart.add(judge(machine).await);
}

async fn judge(machine: &Machine) -> Finding {
    let storage = &machine.config.storage;
    let place = match &storage.database_url {
        Some(url) => format!("`{url}`"),
        None => format!("`{}`", storage.data_dir.display()),
    };
    if let Some(failure) = &machine.unusable {
        return unusable(failure.message.clone(), failure.hint.clone(), storage);
    }
    let store = match attach::try_attach(storage).await {
        Ok(store) => store,
        Err(Unattached::Missing) if machine.has_jobs => {
            return Finding::ok(
                CHECK,
                format!("there is none yet in {place}; the first start makes it"),
            );
        }
        Err(Unattached::Missing) => return Finding::ok(CHECK, "none is needed, there is no job"),
        Err(Unattached::Older(failure)) => {
            return Finding::warning(CHECK, failure.message)
                .cause("a farcall of an earlier version has it")
                .remedy("`farcall backup --to FOLDER` with that version, then start the server of this version, which brings it up to date");
        }
        Err(Unattached::Failed(failure)) => {
            return unusable(failure.message, failure.hint, storage);
        }
    };
    let answered = store.ping().await;
    store.close().await;
    if let Err(error) = answered {
        return unusable(
            format!("the store in {place} does not answer: {error}"),
            error.hint().map(str::to_owned),
            storage,
        );
    }
    if storage.database_url.is_some() {
        return Finding::ok(
            CHECK,
            format!("the database {place} answers, and has the schema of this version"),
        );
    }
    match attach::attach_folder(&storage.data_dir).await {
        Ok(store) => soundness(&store, &place, storage).await,
        Err(failure) => unusable(failure.message, failure.hint, storage),
    }
}

async fn soundness(store: &SqliteStore, place: &str, storage: &Storage) -> Finding {
    let found = timeout(READING, store.damage()).await;
    store.close().await;
    match found {
        Ok(Ok(None)) => Finding::ok(
            CHECK,
            format!("the store in {place} has the schema of this version, and no page is damaged"),
        ),
        Ok(Ok(Some(damage))) => unusable(
            format!("the store in {place} is damaged: {damage}"),
            None,
            storage,
        ),
        Ok(Err(error)) => unusable(
            format!("the store in {place} cannot be read: {error}"),
            None,
            storage,
        ),
        Err(_) => Finding::unverified(
            CHECK,
            format!(
                "the store in {place} opens; it is too large to look at every page in {} seconds",
                READING.as_secs()
            ),
        ),
    }
}

/// What is in the way, and the way out of it.
fn unusable(message: String, hint: Option<String>, storage: &Storage) -> Finding {
    let is_damaged = ["damaged", "malformed", "not a database", "corrupt"]
        .iter()
        .any(|word| message.contains(word));
    let finding = Finding::broken(CHECK, message);
    if is_damaged && storage.database_url.is_none() {
        return finding
            .cause("the file was changed by another program, copied while it was in use, or the disk has lost something")
            .remedy(format!(
                "stop the server, move `{}` away, and put the newest `farcall backup` in its place (docs/guide/operate.md)",
                storage.data_dir.display()
            ));
    }
    let finding = match &storage.database_url {
        Some(_) => finding.cause("the database is away, or does not take this user"),
        None => finding.cause("it is of another version, or not for this user"),
    };
    match hint {
        Some(hint) => finding.remedy(hint),
        None => finding.remedy("run this as the user of the server, in its folder"),
    }
}
