//! Crash points: named places around durable steps where a test can end the process.

/// Ends the process as `kill -9` would, where a test asked for it; nothing otherwise.
///
/// `FARCALL_CRASH_AT=<name>` picks the point, `<name>:<n>` its n-th passing. It exists in
/// builds with debug assertions only: a release build has neither the check nor the names.
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {
        #[cfg(debug_assertions)]
        $crate::crash::pass($name);
    };
}

/// The code behind [`crash_point!`](crate::crash_point).
#[cfg(debug_assertions)]
pub fn pass(name: &str) {
    use std::sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    };

    static CHOSEN: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
        let chosen = std::env::var("FARCALL_CRASH_AT").ok()?;
        Some(match chosen.split_once(':') {
            Some((name, passing)) => (name.to_owned(), passing.parse().ok()?),
            None => (chosen, 1),
        })
    });
    static PASSINGS: AtomicU32 = AtomicU32::new(0);

    let Some((chosen, passing)) = &*CHOSEN else {
        return;
    };
    if chosen == name && PASSINGS.fetch_add(1, Ordering::SeqCst) + 1 == *passing {
        // A failure to signal ourselves leaves the process alive, and the test sees that.
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}
