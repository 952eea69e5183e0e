//! What the kernel says about a process and those it started.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};

/// The kernel's unit of processor time in `/proc/<pid>/stat`: USER_HZ, 100 on every Linux.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// A process by its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// Resident memory in bytes, its children's too.
    pub(crate) fn resident(self) -> Result<u64> {
        let status = self.read("status")?;
        // One that has ended, and that nobody has taken leave of yet, has no memory and no such line.
        let own = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .map_or(Some(0), |size| {
                size.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
            })
            .context("/proc/<pid>/status is odd about VmRSS")?;
        self.with_children(own * 1024, Self::resident)
    }

    /// This one.
    pub(crate) fn own() -> Self {
        Self(std::process::id())
    }

    /// Processor time so far, without its children's.
    pub(crate) fn processor_time_alone(self) -> Result<Duration> {
        let stat = self.read("stat")?;
        // The second field is the program's name in parentheses, and may hold anything.
        let (_, rest) = stat.rsplit_once(')').context("/proc/<pid>/stat is odd")?;
        let ticks = rest
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(str::parse::<u32>)
            .sum::<Result<u32, _>>()?;
        Ok(TICK * ticks)
    }

    /// Processor time of the threads that live now, and of its children's, to the nanosecond: the
    /// kernel's ticks are samples, an idle process does not fill one in seconds, and one that works
    /// in bursts is hit or missed by them.
    pub(crate) fn exact_processor_time(self) -> Result<Duration> {
        let mut sum = Duration::ZERO;
        for thread in fs::read_dir(self.path("task"))? {
            // A thread may end while we look.
            let spent = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
            let nanoseconds = spent.split_whitespace().next().unwrap_or("0").parse()?;
            sum += Duration::from_nanos(nanoseconds);
        }
        self.with_children(sum, Self::exact_processor_time)
    }

    /// How many files it has open.
    pub(crate) fn open_files(self) -> Result<usize> {
        Ok(fs::read_dir(self.path("fd"))?.count())
    }

    /// The processes it started, and has not taken leave of.
    pub(crate) fn children(self) -> Result<Vec<Self>> {
        let mut children = Vec::new();
        for thread in fs::read_dir(self.path("task"))? {
            // A thread may end while we look.
            let started = fs::read_to_string(thread?.path().join("children")).unwrap_or_default();
            children.extend(
                started
                    .split_whitespace()
                    .filter_map(|pid| pid.parse().ok())
                    .map(Self),
            );
        }
        Ok(children)
    }

    fn with_children<T: std::ops::Add<Output = T>>(
        self,
        own: T,
        of: fn(Self) -> Result<T>,
    ) -> Result<T> {
        let mut sum = own;
        for child in self.children()? {
            match of(child) {
                Ok(more) => sum = sum + more,
                // A child may end while we look; wrapped programs do all the time.
                Err(_) if !child.path("").exists() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sum)
    }

    fn read(self, file: &str) -> Result<String> {
        fs::read_to_string(self.path(file))
            .with_context(|| format!("process {} cannot be looked at", self.0))
    }

    fn path(self, file: &str) -> PathBuf {
        format!("/proc/{}/{file}", self.0).into()
    }
}

/// Waits; there is nobody to be woken by.
#[expect(
    clippy::disallowed_methods,
    reason = "the servers are other processes, and time itself is measured"
)]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
