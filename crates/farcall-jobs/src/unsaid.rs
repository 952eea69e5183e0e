//! What the code of a job has said for its log, and is not written yet.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// How much of a line is kept; the store keeps no more either.
const MAX_LINE: usize = 2_048;

/// How many lines may wait to be written; of a whole job the store keeps no more.
const MAX_LINES: usize = 10_000;

/// How much text may wait to be written, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// Lines that wait to be written, bounded from the oldest one on.
#[derive(Default)]
pub(crate) struct Unsaid(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    lines: VecDeque<String>,
    bytes: usize,
    left_out: u64,
}

impl Unsaid {
    /// Takes `text`, each line of it as one of its own.
    pub(crate) fn push(&self, text: &str) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for line in text.lines() {
            waiting.push(kept(line));
        }
    }

    /// Everything that waits, oldest first.
    pub(crate) fn take(&self) -> Vec<String> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Waiting {
            lines, left_out, ..
        } = std::mem::take(&mut *waiting);
        drop(waiting);
        let gap = (left_out > 0).then(|| format!("({left_out} lines were left out here)"));
        gap.into_iter().chain(lines).collect()
    }
}

impl Waiting {
    fn push(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > MAX_LINES || self.bytes > MAX_BYTES {
            let Some(oldest) = self.lines.pop_front() else {
                return;
            };
            self.bytes -= oldest.len();
            self.left_out += 1;
        }
    }
}

/// A line at no length of its writer's choosing, without what databases do not take.
fn kept(line: &str) -> String {
    let line = &line[..line.floor_char_boundary(MAX_LINE)];
    line.replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_one_of_its_own() {
        let unsaid = Unsaid::default();
        unsaid.push("one\r\ntwo\n\nfo\0ur");
        unsaid.push("");
        assert_eq!(unsaid.take(), ["one", "two", "", "four"]);
        assert!(unsaid.take().is_empty());
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let unsaid = Unsaid::default();
        unsaid.push(&"ü".repeat(5_000));
        assert_eq!(unsaid.take(), ["ü".repeat(MAX_LINE / 2)]);
    }

    #[test]
    fn of_too_many_lines_the_oldest_are_left_out_and_counted() {
        let unsaid = Unsaid::default();
        for number in 0..MAX_LINES + 3 {
            unsaid.push(&number.to_string());
        }
        let lines = unsaid.take();
        assert_eq!(lines.len(), MAX_LINES + 1);
        assert_eq!(lines[..2], ["(3 lines were left out here)", "3"]);
        for _ in 0..2 * MAX_BYTES / MAX_LINE {
            unsaid.push(&"x".repeat(MAX_LINE));
        }
        let bytes: usize = unsaid.take().iter().map(String::len).sum();
        assert!(bytes <= MAX_BYTES + 100, "{bytes}");
    }
}
