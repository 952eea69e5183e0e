//! What PostgreSQL says, by its five-letter codes.

use sqlx::postgres::PgDatabaseError;

/// What an error of the server means to a job.
pub(crate) enum Meaning {
    /// There is no room.
    Full,
    /// A rule of the record is broken: this one.
    Refused(String),
    /// The server is there no more, not yet, or has no time.
    Unavailable,
    /// Anything else.
    Other,
}

pub(crate) fn meaning(error: &PgDatabaseError) -> Meaning {
    let code = error.code();
    let class = code.get(..2).unwrap_or_default();
    match (class, code) {
        (_, "53100") => Meaning::Full,
        // Lost connections, deadlocks, the operator who stops the server or a statement; too many
        // connections, a standby, a transaction that was idle, a lock that was held.
        ("08" | "40" | "57", _) | (_, "53300" | "25006" | "25P03" | "55P03") => {
            Meaning::Unavailable
        }
        // Rules of the record, and values that no column can hold.
        ("22" | "23", _) => {
            let rule = error.constraint().unwrap_or(error.message());
            Meaning::Refused(rule.to_owned())
        }
        _ => Meaning::Other,
    }
}
