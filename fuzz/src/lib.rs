//! What must hold of every parser, whatever it is given.
//!
//! Each target takes any bytes and panics where something does not hold that has to. `cargo test` gives
//! them the samples in `fuzz/corpus` and changed copies of those; `cargo xtask fuzz` lets libFuzzer look
//! for worse ones, and what it finds becomes a sample.

mod callers;
mod fetching;
mod files;
mod programs;
mod services;
mod stand_in;
mod tokens;

/// A parser, and what must hold of it.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// Panics where something does not hold.
    pub run: fn(&[u8]),
}

/// All targets: what callers send in the order in which a request meets it, what operators write, what services
/// are asked, what programs are given and say.
pub const TARGETS: &[Target] = &[
    Target {
        name: "host",
        run: callers::host,
    },
    Target {
        name: "forwarded",
        run: callers::forwarded,
    },
    Target {
        name: "authorization",
        run: tokens::authorization,
    },
    Target {
        name: "token",
        run: tokens::token,
    },
    Target {
        name: "assertion",
        run: tokens::assertion,
    },
    Target {
        name: "keys",
        run: tokens::keys,
    },
    Target {
        name: "body",
        run: callers::body,
    },
    Target {
        name: "trace",
        run: callers::trace,
    },
    Target {
        name: "uri",
        run: callers::uri,
    },
    Target {
        name: "job_id",
        run: fetching::job_id,
    },
    Target {
        name: "link",
        run: fetching::link,
    },
    Target {
        name: "range",
        run: fetching::range,
    },
    Target {
        name: "file_name",
        run: fetching::file_name,
    },
    Target {
        name: "farcall_toml",
        run: files::farcall_toml,
    },
    Target {
        name: "variables",
        run: files::variables,
    },
    Target {
        name: "units",
        run: files::units,
    },
    Target {
        name: "openapi",
        run: services::openapi,
    },
    Target {
        name: "request",
        run: services::request,
    },
    Target {
        name: "argv",
        run: programs::argv,
    },
    Target {
        name: "event",
        run: programs::event,
    },
    Target {
        name: "output",
        run: programs::output,
    },
    Target {
        name: "progress",
        run: programs::progress,
    },
    Target {
        name: "shim",
        run: programs::shim,
    },
];

/// The target of this name.
///
/// # Panics
/// Where there is none.
pub fn target(name: &str) -> Target {
    let found = TARGETS.iter().find(|target| target.name == name);
    *found.unwrap_or_else(|| panic!("there is no target `{name}`"))
}

/// The first byte, which chooses something, and the rest.
fn choice(data: &[u8]) -> (usize, &[u8]) {
    let (first, rest) = data.split_first().unwrap_or((&0, &[]));
    (usize::from(*first), rest)
}

/// Texts that `\u{1e}` separates, the record separator of ASCII; those that are not there are empty.
fn records<const COUNT: usize>(data: &[u8]) -> Option<[&str; COUNT]> {
    let mut records = str::from_utf8(data).ok()?.split('\u{1e}');
    Some([(); COUNT].map(|()| records.next().unwrap_or_default()))
}

/// `data` with what `words` are short for: `%` and a letter stand for a text, so that few changes lead from
/// what is right to what is nearly right.
fn spelled_out(data: &[u8], words: &[(u8, &str)]) -> Vec<u8> {
    let mut spelled_out = Vec::new();
    let mut rest = data;
    while let Some((first, after)) = rest.split_first() {
        let word = words
            .iter()
            .find(|(letter, _)| *first == b'%' && after.first() == Some(letter));
        if let Some((_, text)) = word {
            spelled_out.extend(text.bytes());
            rest = &after[1..];
        } else {
            spelled_out.push(*first);
            rest = after;
        }
    }
    spelled_out
}
