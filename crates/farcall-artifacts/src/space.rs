//! How much room is left on the disks of this machine, and whether that is enough for more jobs.

use std::{
    fs::File,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, timeout};

use crate::error::ArtifactError;

/// For how long a look at the disks holds.
const HOLDS: Duration = Duration::from_secs(1);

/// How long a look may take: a disk of another machine may never answer.
const LOOK_TIME: Duration = Duration::from_secs(2);

/// The room where jobs write: in the data folder, in their work folders and, where those are in a
/// folder, among the files they leave. Where these are several disks, the fullest counts. Cheap to
/// clone.
#[derive(Clone, Debug)]
pub struct Space(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    places: Arc<[File]>,
    state: Mutex<State>,
    /// Held during a look, so that many who want one at once cause one.
    looking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    min_free: u64,
    looked: Option<Instant>,
    /// What the last look found; none where it failed, and then nothing is refused.
    free: Option<u64>,
    /// What was granted and may not be written yet.
    granted: u64,
    /// What was granted, and written since the last look.
    spent: u64,
    was_short: bool,
}

/// Less is free than has to stay free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{free} bytes are free, {min_free} have to stay free")]
pub struct Shortage {
    /// How many bytes are free, less what was granted.
    pub free: u64,
    /// How many have to stay free.
    pub min_free: u64,
}

/// Room that was granted; until this is dropped it counts as not written yet.
#[derive(Debug)]
#[must_use]
pub struct Granted {
    space: Space,
    bytes: u64,
}

impl Space {
    pub(crate) fn of(places: impl Into<Arc<[File]>>) -> Self {
        Self(Arc::new(Inner {
            places: places.into(),
            state: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
        }))
    }

    /// From now on, so many bytes have to stay free; 0 for none, which is the default.
    pub fn keep_free(&self, bytes: u64) {
        self.state().min_free = bytes;
    }

    /// Whether less is free than has to stay free. What a look found holds for a second.
    pub async fn shortage(&self) -> Option<Shortage> {
        self.look(None).await;
        self.state().left_after(0).err()
    }

    /// Grants `bytes`, where enough stays free after all that was granted so far: however many ask
    /// between two looks, together they get no more than there is.
    ///
    /// # Errors
    /// The [`Shortage`].
    pub async fn grant(&self, bytes: u64) -> Result<Granted, Shortage> {
        self.look(None).await;
        let (mut granted, guessed) = {
            let mut state = self.state();
            (state.grant(bytes), state.guessed_since())
        };
        if granted.is_err() && guessed.is_some() {
            // What was granted need not have been used.
            self.look(guessed).await;
            granted = self.state().grant(bytes);
        }
        granted?;
        Ok(Granted {
            space: self.clone(),
            bytes,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the disks, unless the last look still holds and is not the one from `outdated`.
    async fn look(&self, outdated: Option<Instant>) {
        if self.state().is_known(outdated) {
            return;
        }
        let _one = self.0.looking.lock().await;
        if self.state().is_known(outdated) {
            return;
        }
        let places = Arc::clone(&self.0.places);
        let look = tokio::task::spawn_blocking(move || free(&places));
        let found = match timeout(LOOK_TIME, look).await {
            Ok(Ok(found)) => found.map_err(|error| error.to_string()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("a disk does not answer".to_owned()),
        };
        if let Err(error) = &found {
            tracing::warn!(error, "how much space is free cannot be told");
        }
        self.state().note(found.ok());
    }
}

impl State {
    fn is_known(&self, outdated: Option<Instant>) -> bool {
        self.min_free == 0
            || self
                .looked
                .is_some_and(|looked| looked.elapsed() < HOLDS && Some(looked) != outdated)
    }

    fn note(&mut self, free: Option<u64>) {
        (self.looked, self.free, self.spent) = (Some(Instant::now()), free, 0);
        let shortage = self.left_after(0).err();
        match shortage {
            Some(Shortage { free, min_free }) if !self.was_short => {
                tracing::warn!(
                    free,
                    min_free,
                    "too little space is free, no job is started"
                );
            }
            None if self.was_short => {
                tracing::info!("enough space is free again, jobs are started");
            }
            _ => {}
        }
        self.was_short = shortage.is_some();
    }

    /// Whether enough stays free after `bytes` more.
    fn left_after(&self, bytes: u64) -> Result<(), Shortage> {
        let (Some(free), min_free) = (self.free, self.min_free) else {
            return Ok(());
        };
        #[cfg(debug_assertions)]
        if farcall_core::planted!("no-watermark") {
            return Ok(());
        }
        let free = free.saturating_sub(self.granted + self.spent);
        if free >= min_free.saturating_add(bytes) || min_free == 0 {
            return Ok(());
        }
        Err(Shortage { free, min_free })
    }

    fn grant(&mut self, bytes: u64) -> Result<(), Shortage> {
        self.left_after(bytes)?;
        self.granted += bytes;
        Ok(())
    }

    /// The last look, where something has been written since and nobody has seen how much.
    fn guessed_since(&self) -> Option<Instant> {
        self.looked.filter(|_| self.spent > 0)
    }
}

impl Drop for Granted {
    fn drop(&mut self) {
        let mut state = self.space.state();
        state.granted -= self.bytes;
        state.spent += self.bytes;
    }
}

/// How many bytes this user can still write, at the place where it is the least.
fn free(places: &[File]) -> Result<u64, ArtifactError> {
    let mut least = u64::MAX;
    for place in places {
        let disk = rustix::fs::fstatvfs(place)
            .map_err(|errno| ArtifactError::io("ask for the free space of", "a folder", errno))?;
        least = least.min(disk.f_bavail.saturating_mul(disk.f_frsize));
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn space(free: u64, min_free: u64) -> Space {
        let space = Space::of([]);
        space.keep_free(min_free);
        space.state().note(Some(free));
        space
    }

    #[tokio::test]
    async fn what_was_granted_since_the_last_look_is_not_granted_again() {
        let space = space(10 * MIB, 4 * MIB);
        let first = space.grant(5 * MIB).await.unwrap();
        let refused = space.grant(2 * MIB).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "5242880 bytes are free, 4194304 have to stay free"
        );
        let second = space.grant(MIB).await.unwrap();
        // On its way to the disk, it is not seen there yet.
        space.state().note(Some(10 * MIB));
        assert!(space.grant(MIB).await.is_err());
        drop((first, second));
        space.state().note(Some(4 * MIB));
        assert!(space.grant(MIB).await.is_err());
        space.state().note(Some(5 * MIB));
        assert!(space.grant(MIB).await.is_ok());
    }

    #[tokio::test]
    async fn before_a_guess_refuses_the_disks_are_looked_at() {
        let file = File::open("/").unwrap();
        let space = Space::of([file]);
        space.keep_free(1);
        space.state().note(Some(10));
        drop(space.grant(9).await.unwrap());
        // The guess says that nothing is left; the disk of this test says otherwise.
        assert!(space.grant(9).await.is_ok());
    }

    #[tokio::test]
    async fn what_cannot_be_told_is_not_refused() {
        let space = space(0, MIB);
        assert!(space.shortage().await.is_some());
        space.state().note(None);
        assert!(space.shortage().await.is_none());
        assert!(space.grant(MIB).await.is_ok());
    }

    #[tokio::test]
    async fn where_nothing_has_to_stay_free_nothing_is_refused() {
        let space = space(0, 0);
        assert!(space.shortage().await.is_none());
        assert!(space.grant(MIB).await.is_ok());
    }
}
