//! Opening: the folder, the connections, the version, the schema.

use std::{io, path::Path, sync::Arc, time::Duration};

use farcall_core::clock::{Clock, Timestamp};
use sqlx::{
    ConnectOptions, SqlSafeStr, SqliteConnection,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    sqlite::{
        SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions,
        SqliteSynchronous,
    },
};

use super::{
    SqliteStore,
    folder::{self, FolderLock},
    polls::Polls,
    room::Room,
    writer::Writer,
};
use crate::{StoreError, hints::Hints, schema};

/// The database, in its folder.
pub(super) const FILE: &str = "jobs.sqlite3";

/// The first version without the corruption that several connections with a write-ahead log
/// could cause (3.7.0 to 3.51.2).
const SOUND_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// How many polls can be read at the same moment; more only wait for a processor.
const READERS: u32 = 4;

/// How large the log may stay on disk after it was moved into the database file: twice as large as
/// it gets before SQLite moves it. A larger one would be taken from whoever fills a small disk.
const LOG_LIMIT_BYTES: &str = "8388608";

/// How long to wait for a lock that another program, such as a backup, holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait for a free connection before the caller is told.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

impl SqliteStore {
    /// Opens the store in `folder`, and makes both where they are missing.
    ///
    /// The folder is for its owner only (`0700`), the files in it as well (`0600`). No other
    /// process can open it until this store is closed, or dropped and its last write done. The
    /// schema is brought up to date, and whatever worker was there before has lost its lease: its
    /// process cannot be alive. All times are those of `clock`.
    ///
    /// # Errors
    /// [`StoreError::Folder`], [`StoreError::Locked`], [`StoreError::NetworkFileSystem`],
    /// [`StoreError::NewerSchema`], [`StoreError::Migration`], or what the database says.
    pub async fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::open_with(folder, clock, SqliteSynchronous::Full).await
    }

    /// The same for tests with thousands of stores: a commit does not wait for the disk.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    #[cfg(feature = "conformance")]
    #[doc(hidden)]
    pub async fn open_careless(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        Self::open_with(folder, clock, SqliteSynchronous::Off).await
    }

    async fn open_with(
        folder: &Path,
        clock: Arc<dyn Clock>,
        synchronous: SqliteSynchronous,
    ) -> Result<Self, StoreError> {
        let (full, lock) = folder::prepare(folder)?;
        let file = full.join(FILE);
        folder::create_database(&file).map_err(|source| StoreError::Folder {
            folder: folder.to_owned(),
            source,
        })?;
        let (options, room) = (options(&file), Room::of(&full));
        let writer = loop {
            match made_ready(&options, synchronous).await {
                // What is there can still be read, and pruned.
                Err(StoreError::Full(_)) if room.give_up_a_piece() => {}
                opened => break opened?,
            }
        };
        Self::with(options, writer, clock, room, Some(lock)).await
    }

    /// Opens the store in `folder` beside the process that has it, to look at its jobs and to
    /// start or cancel some. Nobody is locked out or held up, nothing is made, and nothing is
    /// brought up to date.
    ///
    /// It is not for workers: leases are of the other process, and here none is ever over. The
    /// other process hears of nothing that is done here, and finds it when it looks.
    ///
    /// # Errors
    /// [`StoreError::NoStore`], [`StoreError::Folder`], [`StoreError::NewerSchema`],
    /// [`StoreError::OlderSchema`], or what the database says.
    pub async fn attach(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let file = folder.join(FILE);
        let missing = || StoreError::NoStore {
            place: format!("the folder `{}`", folder.display()),
        };
        match file.metadata() {
            // Made a moment ago, and nothing is in it yet.
            Ok(found) if found.len() == 0 => return Err(missing()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(missing()),
            Err(source) => {
                return Err(StoreError::Folder {
                    folder: folder.to_owned(),
                    source,
                });
            }
        }
        let options = options(&file);
        // Whoever made the database has set its journal.
        let mut writer = options
            .clone()
            .synchronous(SqliteSynchronous::Full)
            .connect()
            .await?;
        refuse_unsound_sqlite(&mut writer).await?;
        let version = schema_version(&mut writer).await?.ok_or_else(missing)?;
        schema::refuse_other(version, &migrations())?;
        let room = Room::beside(folder);
        Self::with(options, writer, Arc::new(Beside(clock)), room, None).await
    }

    /// From now on, where less than `bytes` are free, the room of deleted jobs is given back to the
    /// disk; elsewhere it stays in the file for the next ones.
    pub fn keep_free(&self, bytes: u64) {
        self.room.keep_free(bytes);
    }

    async fn with(
        options: SqliteConnectOptions,
        writer: SqliteConnection,
        clock: Arc<dyn Clock>,
        room: Room,
        lock: Option<FolderLock>,
    ) -> Result<Self, StoreError> {
        // After the writer, whose log they share.
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            // Each has a thread and a cache of its own, so the others wait until they are needed.
            .min_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // A connection to a file does not go stale, and a test of it would double every poll.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.read_only(true))
            .await?;
        let hints = Hints::new();
        let writer = Writer::new(
            writer,
            Arc::clone(&clock),
            hints.clone(),
            room.clone(),
            lock,
        )?;
        let polls = Polls::new(readers.clone(), Arc::clone(&clock));
        Ok(Self {
            readers,
            polls,
            writer,
            clock,
            hints,
            room,
        })
    }
}

/// The clock of a process beside the one that gives leases, for which none is over.
#[derive(Debug)]
struct Beside(Arc<dyn Clock>);

impl Clock for Beside {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn steady(&self) -> Timestamp {
        Timestamp(ENDED)
    }
}

/// The end of a lease that is over whatever the steady clock says, which is never negative.
const ENDED: i64 = -1;

// Leases count on the steady clock of the process that had the folder.
const END_LEASES: &str = "UPDATE workers SET lease_until = -1 WHERE gone_at IS NULL";

/// The connection that writes, with a schema that is up to date and no lease of anybody else.
async fn made_ready(
    options: &SqliteConnectOptions,
    synchronous: SqliteSynchronous,
) -> Result<SqliteConnection, StoreError> {
    let mut writer = writer(options, synchronous).await?;
    refuse_unsound_sqlite(&mut writer).await?;
    farcall_core::crash_point!("store.migrate.begun");
    migrate(&mut writer).await?;
    farcall_core::crash_point!("store.migrate.committed");
    sqlx::query(END_LEASES).execute(&mut writer).await?;
    Ok(writer)
}

/// What all connections have in common.
pub(super) fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // A read through a mapping of a file that shrinks or fails ends the process.
        .pragma("mmap_size", "0")
        // The deletion of a job with a long log goes through a temporary file, and where that would
        // lie may be full as well.
        .pragma("temp_store", "memory")
        .disable_statement_logging()
}

async fn writer(
    options: &SqliteConnectOptions,
    synchronous: SqliteSynchronous,
) -> Result<SqliteConnection, StoreError> {
    let options = options.clone().journal_mode(SqliteJournalMode::Wal);
    let options = options.synchronous(synchronous);
    // Only a file that was made so can become smaller.
    let options = options.auto_vacuum(SqliteAutoVacuum::Incremental);
    Ok(options
        .pragma("journal_size_limit", LOG_LIMIT_BYTES)
        .connect()
        .await?)
}

async fn refuse_unsound_sqlite(writer: &mut SqliteConnection) -> Result<(), StoreError> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(writer)
        .await?;
    if is_sound(&version) {
        Ok(())
    } else {
        Err(StoreError::OldSqlite { version })
    }
}

fn is_sound(version: &str) -> bool {
    let mut numbers = version
        .split('.')
        .map(|number| number.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next()) >= SOUND_SQLITE
}

/// The migrations of this version, in their order.
fn migrations() -> [Migration; 9] {
    let migrations = [
        (1, "jobs", include_str!("migrations/0001_jobs.sql")),
        (2, "workers", include_str!("migrations/0002_workers.sql")),
        (3, "machines", include_str!("migrations/0003_machines.sql")),
        (
            4,
            "checkpoints",
            include_str!("migrations/0004_checkpoints.sql"),
        ),
        (5, "reloads", include_str!("migrations/0005_reloads.sql")),
        (6, "callers", include_str!("migrations/0006_callers.sql")),
        (7, "secrets", include_str!("migrations/0007_secrets.sql")),
        (8, "tally", include_str!("migrations/0008_tally.sql")),
        (9, "traces", include_str!("migrations/0009_traces.sql")),
    ];
    migrations.map(|(version, name, sql)| {
        Migration::new(
            version,
            name.into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    })
}

async fn migrate(writer: &mut SqliteConnection) -> Result<(), StoreError> {
    let migrator = Migrator::with_migrations(migrations().into());
    migrator.run(writer).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => StoreError::NewerSchema { version },
        MigrateError::Execute(error) => error.into(),
        error => StoreError::Migration(error),
    })
}

/// The version of the schema; `None` where there is none yet.
async fn schema_version(connection: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    const HAS_SCHEMA: &str = "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    let tables: i64 = sqlx::query_scalar(HAS_SCHEMA)
        .fetch_one(&mut *connection)
        .await?;
    if tables == 0 {
        return Ok(None);
    }
    let version = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success");
    Ok(version.fetch_one(connection).await?)
}

#[cfg(test)]
mod tests {
    use farcall_core::clock::SystemClock;

    use super::{super::writer::Write, *};
    use crate::moment::Moment;

    #[test]
    fn versions_compare_as_numbers() {
        for sound in ["3.51.3", "3.51.10", "3.52.0", "4.0.0"] {
            assert!(is_sound(sound), "{sound}");
        }
        for unsound in ["3.40.1", "3.51.2", "3.6.99", "", "x"] {
            assert!(!is_sound(unsound), "{unsound}");
        }
    }

    /// A look at the writer's connection.
    struct Look(&'static str);

    impl Write for Look {
        type Answer = String;
        const NAME: &'static str = "look";

        async fn run(
            &self,
            connection: &mut SqliteConnection,
            _: Moment,
        ) -> Result<String, StoreError> {
            Ok(sqlx::query_scalar(self.0).fetch_one(connection).await?)
        }
    }

    #[tokio::test]
    async fn every_connection_is_set_up_as_promised() {
        const SETTINGS: &str = "
            SELECT concat_ws(' ', journal_mode, 'synchronous', synchronous, 'foreign_keys',
                             foreign_keys, 'busy', timeout, 'temp', temp_store, 'vacuum', auto_vacuum)
            FROM pragma_journal_mode, pragma_synchronous, pragma_foreign_keys, pragma_busy_timeout,
                 pragma_temp_store, pragma_auto_vacuum";
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path(), Arc::new(SystemClock))
            .await
            .unwrap();
        let reader: String = sqlx::query_scalar(SETTINGS)
            .fetch_one(&store.readers)
            .await
            .unwrap();
        let writer = store.writer.write(Look(SETTINGS)).await.unwrap();
        for settings in [reader, writer] {
            // 2 is FULL, a commit waits for the disk; MEMORY; and INCREMENTAL.
            assert_eq!(
                settings,
                "wal synchronous 2 foreign_keys 1 busy 5000 temp 2 vacuum 2"
            );
        }
        let mapped: Option<i64> = sqlx::query_scalar("PRAGMA mmap_size")
            .fetch_optional(&store.readers)
            .await
            .unwrap();
        assert_eq!(mapped.unwrap_or(0), 0);
        let write = sqlx::query("UPDATE jobs SET message = ''")
            .execute(&store.readers)
            .await;
        assert!(write.unwrap_err().to_string().contains("readonly"));
    }
}
