//! Secrets that several servers share, and their exchange for others.

use std::{fmt, time::Duration};

use farcall_core::clock::Timestamp;

use crate::{StoreError, limits::milliseconds};

/// A secret that several servers share. Its value cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its bytes.
    pub value: [u8; 32],
    /// When it was made, by the store's clock; 1970 where a version that kept no times has made it.
    pub made_at: Timestamp,
}

/// The secrets of one name that are live at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    /// The newest first: two of them at most, none where nobody has made one.
    pub live: Vec<Secret>,
    /// That moment, by the store's clock.
    pub read_at: Timestamp,
}

/// What becomes of the secrets that were there when others come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// They end with it.
    AtOnce,
    /// The newest one lives on beside the one that comes, but only where it has been there for so
    /// long: before, whoever shares it may still be using the one that would have to go.
    Overlapping(Duration),
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut secret = formatter.debug_struct("Secret");
        secret
            .field("made_at", &self.made_at)
            .finish_non_exhaustive()
    }
}

impl Rotation {
    /// How many secrets of a name are left.
    pub(crate) fn left(self) -> u8 {
        match self {
            Self::AtOnce => 1,
            Self::Overlapping(_) => 2,
        }
    }

    /// Whether it is too soon for it where the newest secret is from `newest`.
    pub(crate) fn is_too_soon(self, newest: Option<Timestamp>, now: Timestamp) -> bool {
        match (self, newest) {
            (Self::Overlapping(apart), Some(newest)) => {
                // A clock may have been set back since.
                now.0.saturating_sub(newest.0).max(0) < milliseconds(apart)
            }
            _ => false,
        }
    }
}

/// A secret as a database has it.
pub(crate) fn written(name: &str, value: Vec<u8>, made_at: i64) -> Result<Secret, StoreError> {
    let value = value.try_into().map_err(|_| StoreError::Corrupt {
        what: format!(
            "a secret called `{}` does not have 32 bytes",
            name.escape_debug()
        ),
    })?;
    Ok(Secret {
        value,
        made_at: Timestamp(made_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_printed_without_its_value() {
        let secret = Secret {
            value: [171; 32],
            made_at: Timestamp(5),
        };
        assert_eq!(
            format!("{secret:?}"),
            "Secret { made_at: Timestamp(5), .. }"
        );
    }
}
