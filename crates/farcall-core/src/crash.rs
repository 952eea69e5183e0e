//! Crash points: named places around durable steps where a test can end the process. And
//! planted bugs: what proves that the tests with crashes can fail.

/// Ends the process as `kill -9` would, where a test asked for it; nothing otherwise.
///
/// `FARCALL_CRASH_AT=<name>` picks the point, `<name>:<n>` its n-th passing. Where
/// `FARCALL_CRASH_AFTER` names a file, only passings count at which it exists, so that a test can
/// wait for what it wants to see cut off. It exists in builds with debug assertions only: a release
/// build has neither the check nor the names.
#[macro_export]
macro_rules! crash_point {
    ($name:expr) => {
        #[cfg(debug_assertions)]
        $crate::crash::pass($name);
    };
}

/// Whether a test asked for the bug called `name` with `FARCALL_PLANT=<name>`.
///
/// A harness that looks for lost and doubled work has to be seen to find some. The code of a
/// planted bug stands below `#[cfg(debug_assertions)]`, as this does: a release build holds
/// neither the bug nor its name.
#[cfg(debug_assertions)]
#[macro_export]
macro_rules! planted {
    ($name:expr) => {
        $crate::crash::is_planted($name)
    };
}

/// The code behind [`planted!`](crate::planted).
#[cfg(debug_assertions)]
pub fn is_planted(name: &str) -> bool {
    use std::sync::LazyLock;

    static CHOSEN: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("FARCALL_PLANT").ok());
    CHOSEN.as_deref() == Some(name)
}

/// The code behind [`crash_point!`](crate::crash_point).
#[cfg(debug_assertions)]
pub fn pass(name: &str) {
    use std::{
        path::PathBuf,
        sync::{
            LazyLock,
            atomic::{AtomicU32, Ordering},
        },
    };

    static CHOSEN: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
        let chosen = std::env::var("FARCALL_CRASH_AT").ok()?;
        Some(match chosen.split_once(':') {
            Some((name, passing)) => (name.to_owned(), passing.parse().ok()?),
            None => (chosen, 1),
        })
    });
    static AFTER: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| Some(std::env::var_os("FARCALL_CRASH_AFTER")?.into()));
    static PASSINGS: AtomicU32 = AtomicU32::new(0);

    let Some((chosen, passing)) = &*CHOSEN else {
        return;
    };
    if chosen != name || AFTER.as_ref().is_some_and(|after| !after.exists()) {
        return;
    }
    if PASSINGS.fetch_add(1, Ordering::SeqCst) + 1 == *passing {
        // A failure to signal ourselves leaves the process alive, and the test sees that.
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}
