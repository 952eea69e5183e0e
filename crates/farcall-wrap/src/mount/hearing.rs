//! What a server says besides answers: its standard error, its log, and what is no message at all.

use std::{
    borrow::Cow,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::{io::AsyncReadExt, net::unix::pipe::Receiver, task::yield_now, time::Instant};

use crate::{
    lines::Lines,
    output::{PIECE, Tail},
    text,
};

/// How much of one log entry or line of its standard error is told, in bytes.
const MAX_ENTRY: usize = 8 << 10;

/// How many lines are taken within [`SPELL`]; the others are counted.
const MOST: u32 = 200;

/// The time for which lines are counted.
const SPELL: Duration = Duration::from_secs(10);

/// Where its words go.
#[derive(Clone)]
pub(super) struct Hearing {
    /// Takes a line; must not block.
    tell: Arc<dyn Fn(&str) + Send + Sync>,
    tail: Arc<Mutex<Tail>>,
    spell: Arc<Mutex<Spell>>,
    /// Whether it was told once that something is no message.
    has_babbled: Arc<AtomicBool>,
    /// Whether it was told once that what is offered has changed.
    has_changed: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Spell {
    began: Instant,
    told: u32,
    left_out: u64,
}

impl Hearing {
    /// `tell` gets clean lines, a bounded number of them and each of 8 KiB at most, and must not block.
    pub(super) fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            tell: Arc::new(tell),
            tail: Arc::default(),
            spell: Arc::new(Mutex::new(Spell {
                began: Instant::now(),
                told: 0,
                left_out: 0,
            })),
            has_babbled: Arc::default(),
            has_changed: Arc::default(),
        }
    }

    /// Reads its standard error to the end.
    pub(super) async fn listen(&mut self, stderr: Option<Receiver>) {
        let Some(mut stderr) = stderr else { return };
        let mut lines = Lines::default();
        let mut bytes = vec![0; PIECE];
        loop {
            // Whatever is wrong with a pipe, there is no more to read from it.
            let count = stderr.read(&mut bytes).await.unwrap_or(0);
            let last = if count == 0 { lines.finish() } else { None };
            for line in lines.push(&bytes[..count]).into_iter().chain(last) {
                self.line(&line.text);
                let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
                tail.keep(line.text);
            }
            if count == 0 {
                return;
            }
            // However much it says there, it is also asked, and its answers are heard.
            yield_now().await;
        }
    }

    /// A notification that is about no request.
    pub(super) fn notification(&self, method: &str, params: &Value) {
        match method {
            "notifications/message" => {
                let data = match &params["data"] {
                    Value::String(text) => Cow::Borrowed(text.as_str()),
                    data => Cow::Owned(data.to_string()),
                };
                let entry = text::clean(&text::beginning(&data, MAX_ENTRY));
                // What an entry says must not look like one of somebody else.
                for line in entry.lines() {
                    self.line(line);
                }
            }
            "notifications/tools/list_changed"
            | "notifications/resources/list_changed"
            | "notifications/prompts/list_changed" => {
                self.complain(&self.has_changed, || "it says that what it offers has changed; what is passed on is what it offered at the start".into());
            }
            _ => {}
        }
    }

    /// A line that is no message. Many a server prints to its standard output what it should not.
    pub(super) fn nonsense(&self, line: &[u8], fault: &str) {
        self.complain(&self.has_babbled, || {
            let line = &line[..line.len().min(MAX_ENTRY)];
            let shown = text::shown(&text::clean(&text::of_bytes(line, true)));
            format!("it said what is no message of MCP, which is ignored, and so is every other like it: {fault}: {shown}")
        });
    }

    /// The last lines of its standard error.
    pub(super) fn tail(&self) -> String {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.text()
    }

    /// Tells once what is wrong; who makes a mistake makes it often.
    fn complain(&self, is_told: &AtomicBool, fault: impl FnOnce() -> String) {
        if !is_told.swap(true, Ordering::Relaxed) {
            self.line(&fault());
        }
    }

    fn line(&self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        let left_out = {
            let mut spell = self.spell.lock().unwrap_or_else(PoisonError::into_inner);
            let mut left_out = 0;
            if spell.began.elapsed() > SPELL {
                left_out = std::mem::take(&mut spell.left_out);
                (spell.began, spell.told) = (Instant::now(), 0);
            }
            if spell.told == MOST {
                spell.left_out += 1;
                return;
            }
            spell.told += 1;
            left_out
        };
        if left_out > 0 {
            (self.tell)(&format!("({left_out} lines were left out here)"));
        }
        (self.tell)(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hearing() -> (Hearing, Arc<Mutex<Vec<String>>>) {
        let told = Arc::<Mutex<Vec<String>>>::default();
        let teller = Arc::clone(&told);
        let hearing = Hearing::new(move |line| teller.lock().unwrap().push(line.to_owned()));
        (hearing, told)
    }

    #[test]
    fn a_flood_of_lines_is_counted_and_not_told() {
        let (hearing, told) = hearing();
        for _ in 0..1_000 {
            hearing.line("again");
        }
        assert_eq!(told.lock().unwrap().len(), MOST as usize);
        assert_eq!(
            hearing.spell.lock().unwrap().left_out,
            1_000 - u64::from(MOST)
        );
    }

    #[test]
    fn nonsense_is_told_once_clean_and_short() {
        let (hearing, told) = hearing();
        hearing.nonsense(b"\x1b[1mListening on \xff", "it is no JSON");
        hearing.nonsense(&vec![b'x'; 100_000], "it is no JSON");
        let told = told.lock().unwrap();
        assert_eq!(told.len(), 1);
        assert!(
            told[0].ends_with("it is no JSON: Listening on \u{fffd}"),
            "{}",
            told[0]
        );
    }

    #[test]
    fn each_kind_of_mistake_is_told() {
        let (hearing, told) = hearing();
        hearing.nonsense(b"hello", "it is no JSON");
        for _ in 0..2 {
            hearing.notification("notifications/tools/list_changed", &Value::Null);
        }
        let told = told.lock().unwrap();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[1].contains("has changed"), "{told:?}");
    }

    #[test]
    fn an_entry_is_short_and_forges_no_other() {
        let (hearing, told) = hearing();
        let entry = |data: &str| {
            let params = serde_json::json!({"level": "info", "data": data});
            hearing.notification("notifications/message", &params);
        };
        entry("one\r\n2026-01-01T00:00:00Z ERROR two\rthree\n\n");
        entry(&"ü".repeat(MAX_ENTRY));
        let told = told.lock().unwrap();
        let lines = ["one", "2026-01-01T00:00:00Z ERROR two", "three"];
        assert_eq!(told[..3], lines);
        assert_eq!(told.len(), 4);
        assert_eq!(told[3].len(), MAX_ENTRY + '…'.len_utf8());
    }

    #[test]
    fn a_log_is_told_whatever_its_data_is() {
        let (hearing, told) = hearing();
        for data in [
            serde_json::json!("text\u{1b}[0m"),
            serde_json::json!({"a": 1}),
        ] {
            let params = serde_json::json!({"level": "info", "data": data});
            hearing.notification("notifications/message", &params);
        }
        assert_eq!(*told.lock().unwrap(), ["text", "{\"a\":1}"]);
    }
}
