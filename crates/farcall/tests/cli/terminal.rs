//! A terminal, before which somebody sees what a command draws there.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::Read,
    os::fd::OwnedFd,
    process::Child,
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use crate::harness::{PATIENCE, Typed};

const COLUMNS: usize = 80;

/// A command that runs on a terminal of its own.
pub(crate) struct Terminal {
    child: Child,
    drawn: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Terminal {
    pub(crate) fn start(typed: Typed) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: u16::try_from(COLUMNS).unwrap(),
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&ours, size).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let mut theirs = OpenOptions::new();
        theirs.read(true).write(true);
        let theirs = theirs.open(name.to_str().unwrap()).unwrap();
        let child = typed.variable("TERM", "xterm").on_terminal(&theirs);
        drop(theirs);
        let drawn = Arc::<Mutex<Vec<u8>>>::default();
        let reader = std::thread::spawn({
            let drawn = Arc::clone(&drawn);
            move || read(ours, &drawn)
        });
        Self {
            child,
            drawn,
            reader,
        }
    }

    /// Waits until `text` stands on the screen.
    pub(crate) async fn shows(&self, text: &str) {
        let showing = async {
            while !self.screen().to_string().contains(text) {
                tokio::task::yield_now().await;
            }
        };
        let shown = tokio::time::timeout(PATIENCE, showing).await;
        assert!(shown.is_ok(), "no `{text}` on:\n{}", self.screen());
    }

    /// Waits for the end of the command; returns how it ended, and what it has drawn.
    pub(crate) async fn end(mut self) -> (i32, Drawn) {
        let ending = tokio::task::spawn_blocking(move || {
            let status = self.child.wait().unwrap();
            self.reader.join().unwrap();
            (
                status.code().unwrap(),
                Drawn(self.drawn.lock().unwrap().clone()),
            )
        });
        let ended = tokio::time::timeout(PATIENCE, ending).await;
        ended.unwrap().unwrap()
    }

    fn screen(&self) -> Screen {
        Drawn(self.drawn.lock().unwrap().clone()).screen()
    }
}

/// The other side says that it is closed by an error.
fn read(ours: OwnedFd, drawn: &Mutex<Vec<u8>>) {
    let (mut ours, mut some) = (File::from(ours), [0; 1024]);
    while let Ok(read @ 1..) = ours.read(&mut some) {
        drawn.lock().unwrap().extend(&some[..read]);
    }
}

/// All that was ever sent to the terminal.
pub(crate) struct Drawn(Vec<u8>);

impl Drawn {
    /// The screen in the end.
    pub(crate) fn screen(&self) -> Screen {
        let mut screen = Screen::default();
        self.each_step(&mut screen, |_| ());
        screen
    }

    /// Whether `text` stood on the screen at any time.
    pub(crate) fn has_shown(&self, text: &str) -> bool {
        let (mut screen, mut has_shown) = (Screen::default(), false);
        self.each_step(&mut screen, |screen| {
            has_shown = has_shown || screen.to_string().contains(text);
        });
        has_shown
    }

    fn each_step(&self, screen: &mut Screen, mut look: impl FnMut(&Screen)) {
        let text = String::from_utf8_lossy(&self.0);
        let mut signs = text.chars();
        while let Some(sign) = signs.next() {
            if sign == '\u{1b}' {
                // The rest of an order may still be on its way.
                let Some(opening) = signs.next() else { return };
                assert_eq!(opening, '[', "no order that is known here");
                let mut order = String::new();
                let what = signs.by_ref().find(|sign| {
                    order.push(*sign);
                    sign.is_ascii_alphabetic()
                });
                if what.is_none() {
                    return;
                }
                screen.obey(order.trim_end_matches(char::is_alphabetic), what);
            } else {
                screen.put(sign);
            }
            look(screen);
        }
    }
}

/// What stands on the lines of a terminal, which does as it is told.
#[derive(Default)]
pub(crate) struct Screen {
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Screen {
    fn put(&mut self, sign: char) {
        match sign {
            '\r' => self.column = 0,
            '\n' => self.row += 1,
            _ => {
                // Only what comes after a full line is on the next.
                if self.column == COLUMNS {
                    (self.row, self.column) = (self.row + 1, 0);
                }
                *self.place() = sign;
                self.column += 1;
            }
        }
    }

    /// The place of the cursor.
    fn place(&mut self) -> &mut char {
        let blank = vec![' '; COLUMNS];
        let rows = self.lines.len().max(self.row + 1);
        self.lines.resize(rows, blank);
        &mut self.lines[self.row][self.column]
    }

    /// The orders of ECMA-48 that are given here, each with a number before it.
    fn obey(&mut self, number: &str, order: Option<char>) {
        let times = number.parse().unwrap_or(1).max(1);
        match order {
            Some('A') => self.row = self.row.saturating_sub(times),
            Some('B') => self.row += times,
            Some('C') => self.column = (self.column + times).min(COLUMNS),
            Some('D') => self.column = self.column.saturating_sub(times),
            Some('G') => self.column = times - 1,
            Some('J') => self.lines.truncate(self.row),
            Some('K') if number == "2" => self.erase(0),
            Some('K') => self.erase(self.column),
            // Colours, and whether the cursor shows.
            Some('m' | 'h' | 'l') => {}
            other => panic!("the order `{number}{other:?}` is not known here"),
        }
    }

    fn erase(&mut self, from: usize) {
        if let Some(line) = self.lines.get_mut(self.row) {
            line[from..].fill(' ');
        }
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines.iter().map(String::from_iter);
        let lines: Vec<_> = lines.map(|line| line.trim_end().to_owned()).collect();
        formatter.write_str(lines.join("\n").trim_end())
    }
}
