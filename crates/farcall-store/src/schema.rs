//! Versions of schemas, for whoever may not bring one up to date.

use std::cmp::Ordering;

use sqlx::migrate::Migration;

use crate::StoreError;

/// Refuses a store whose schema has a `version` that is not the last of `known`.
pub(crate) fn refuse_other(version: i64, known: &[Migration]) -> Result<(), StoreError> {
    let newest = known.iter().map(|migration| migration.version).max();
    match newest.cmp(&Some(version)) {
        Ordering::Less => Err(StoreError::NewerSchema { version }),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(StoreError::OlderSchema { version }),
    }
}
