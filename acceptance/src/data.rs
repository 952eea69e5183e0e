//! What lies in a data folder, seen past the server: by SQL and by the files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sqlx::{
    Connection, FromRow, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteRow},
};

use crate::sha256;

/// A data folder.
#[derive(Clone, Debug)]
pub struct DataFolder(PathBuf);

/// The row of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Its identity.
    pub id: String,
    /// Its state.
    pub state: String,
    /// The stage it has reached.
    pub stage: u32,
    /// How many there are.
    pub total_stages: u32,
    /// How often it was started.
    pub attempt: u32,
    /// How often it lost its worker.
    pub losses: u32,
    /// How often it lost one that it had for itself.
    pub counted_losses: u32,
    /// The class of its failure.
    pub error_code: Option<String>,
    /// The sentence of its failure.
    pub error_message: Option<String>,
}

impl FromRow<'_, SqliteRow> for JobRow {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get(0)?,
            state: row.try_get(1)?,
            stage: row.try_get(2)?,
            total_stages: row.try_get(3)?,
            attempt: row.try_get(4)?,
            losses: row.try_get(5)?,
            counted_losses: row.try_get(6)?,
            error_code: row.try_get(7)?,
            error_message: row.try_get(8)?,
        })
    }
}

impl DataFolder {
    /// The data folder `path`.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Every job, oldest first.
    pub async fn jobs(&self) -> Vec<JobRow> {
        self.query(
            "SELECT id, state, stage, total_stages, attempt, losses, counted_losses, error_code,
                    error_message
             FROM jobs ORDER BY sequence",
        )
        .await
    }

    /// Sees that the database is sound, and that every file in the folder is the database's own
    /// or one that it has published, whole: no part, no stray, no work that is over.
    pub async fn check_tidy(&self) {
        let soundness: Vec<(String,)> = self.query("PRAGMA integrity_check").await;
        assert_eq!(soundness, [("ok".to_owned(),)]);

        let published: Vec<(String, i64, String)> = self
            .query("SELECT location, size, sha256 FROM artifacts WHERE state = 'published'")
            .await;
        let mut files = self.files();
        for (location, size, checksum) in published {
            let bytes = files
                .remove(&format!("artifacts/{location}"))
                .unwrap_or_else(|| panic!("the published file `{location}` is gone"));
            assert_eq!(bytes.len(), usize::try_from(size).unwrap(), "{location}");
            assert_eq!(sha256(&bytes), checksum, "{location}");
        }
        let strays: Vec<_> = files.into_keys().collect();
        assert!(strays.is_empty(), "nobody needs these: {strays:?}");
    }

    /// The files of jobs, finished or not, in order.
    pub fn artifacts(&self) -> Vec<String> {
        let files = self.files().into_keys();
        files
            .filter(|name| name.starts_with("artifacts/"))
            .collect()
    }

    /// The files in the folder with their bytes, but for the database's own; an empty folder
    /// below the first level is a stray as well.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut open = vec![self.0.clone()];
        while let Some(folder) = open.pop() {
            let mut is_empty = true;
            for entry in fs::read_dir(&folder).unwrap() {
                is_empty = false;
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    found.insert(self.name(&path), fs::read(&path).unwrap());
                }
            }
            if is_empty && folder.parent() != Some(&self.0) {
                found.insert(self.name(&folder), Vec::new());
            }
        }
        found.retain(|name, _| {
            !["ballast", "lock", "place"].contains(&name.as_str())
                && !name.starts_with("jobs.sqlite3")
        });
        found
    }

    fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.0).unwrap().display().to_string()
    }

    pub(crate) async fn query<T>(&self, sql: &'static str) -> Vec<T>
    where
        T: for<'row> FromRow<'row, SqliteRow> + Send + Unpin,
    {
        let options = SqliteConnectOptions::new()
            .filename(self.0.join("jobs.sqlite3"))
            .read_only(true);
        let mut database = SqliteConnection::connect_with(&options).await.unwrap();
        let rows = sqlx::query_as(sql).fetch_all(&mut database).await.unwrap();
        database.close().await.unwrap();
        rows
    }
}
