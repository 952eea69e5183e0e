//! The pipe through which a program tells how far it is, named in `$FARCALL_EVENTS`.

use std::path::{Path, PathBuf};

use farcall_core::problem::Problem;
use rustix::fs::{CWD, Mode, mkfifoat};
use tokio::{
    io::AsyncReadExt,
    net::unix::pipe::{OpenOptions, Receiver, Sender},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use super::{follow::Told, run::LINGER};
use crate::{events::Events, output::PIECE};

/// A pipe with a name, which a program and whatever it starts may open and close as they like.
pub(super) struct EventPipe {
    path: PathBuf,
    receiver: Receiver,
    /// Held while the program runs: without a writer the pipe would have ended.
    sender: Sender,
}

impl EventPipe {
    /// Makes it in `folder`.
    pub(super) fn create(folder: &Path) -> Result<Self, Problem> {
        let path = folder.join("events");
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR)?;
        let receiver = OpenOptions::new().open_receiver(&path)?;
        let sender = OpenOptions::new().open_sender(&path)?;
        Ok(Self {
            path,
            receiver,
            sender,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Hands on what comes, until the program is `over` and everything it said is read.
    pub(super) async fn tell(self, over: CancellationToken, told: &mpsc::Sender<Told>) {
        let Self {
            mut receiver,
            sender,
            ..
        } = self;
        let mut events = Events::default();
        let mut bytes = vec![0; PIECE];
        let closing = async {
            over.cancelled().await;
            drop(sender);
            // Only who is no descendant of the program can still hold it.
            tokio::time::sleep(LINGER).await;
        };
        let mut closing = std::pin::pin!(closing);
        loop {
            let count = tokio::select! {
                biased;
                count = receiver.read(&mut bytes) => count.unwrap_or(0),
                () = &mut closing => 0,
            };
            if count == 0 {
                return;
            }
            for event in events.push(&bytes[..count]) {
                // A follower that is gone has failed, and waits for the program to end.
                let _ = told.send(Told::Event(event)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::OpenOptions, io::Write};

    use super::*;
    use crate::events::Event;

    #[tokio::test]
    async fn what_was_said_before_the_end_is_read_whoever_said_it() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = EventPipe::create(folder.path()).unwrap();
        let path = pipe.path().to_owned();
        let write = move || {
            for number in 1..=200 {
                let mut file = OpenOptions::new().write(true).open(&path).unwrap();
                writeln!(file, "{{\"stage\":{number}}}").unwrap();
            }
        };
        let over = CancellationToken::new();
        let (sender, mut told) = mpsc::channel(1_000);
        let writing = async {
            tokio::task::spawn_blocking(write).await.unwrap();
            over.cancel();
        };
        tokio::join!(writing, pipe.tell(over.clone(), &sender));
        drop(sender);
        for number in 1..=200 {
            let said = told.recv().await.unwrap();
            let message = None;
            let expected = Event::Stage { number, message };
            assert!(
                matches!(said, Told::Event(Ok(event)) if event == expected),
                "{number}"
            );
        }
        assert!(told.recv().await.is_none());
    }
}
