//! How often something may happen.

use std::{fmt, num::NonZeroU32, time::Duration};

/// So many times in so much time, for example 60 a minute; all of them may be at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many times.
    pub count: NonZeroU32,
    /// In how much time; more than none.
    pub per: Duration,
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} in {:?}", self.count, self.per)
    }
}
