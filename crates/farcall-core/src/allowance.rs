//! Which tools a caller may call.

use std::fmt;

use crate::name::{MAX_TOOL_NAME, tool_name_fault};

/// The most entries of a [`ToolAllowance`].
const MAX_ENTRIES: usize = 256;

/// The tools that a caller may call, by their names or by what these begin with.
///
/// A tool that is not in it does not exist for that caller: it is in no list, and a call of it is
/// answered like one of a tool that nobody has heard of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolAllowance(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Name(Box<str>),
    /// What the names begin with; everything where it is empty.
    Prefix(Box<str>),
}

/// Why a text says nothing about which tools may be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllowanceError {
    /// It is neither a name nor the beginning of one.
    #[error("the tools `{0}` are named in a way in which no tool is")]
    Entry(String),
    /// Nothing is listed, which would be everything to one reader and nothing to another.
    #[error("no tool is named")]
    Empty,
    /// More is listed than is looked through for each call.
    #[error("more than {MAX_ENTRIES} tools are named one by one")]
    TooMany,
}

impl AllowanceError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Entry(_) => {
                "write names of letters, digits, `_` and `-`, with a `*` at the end for all that begin so: `add,get_*`"
            }
            Self::Empty => "name the tools, or leave the list out for all of them",
            Self::TooMany => "use `*` at the end of what several names begin with",
        }
    }
}

impl ToolAllowance {
    /// The tools that `entries` name: each the name of a tool, or the beginning of names with a `*`
    /// after it.
    ///
    /// # Errors
    /// [`AllowanceError`] where there is none, where there are too many, or where one is neither.
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, AllowanceError> {
        let entries = entries.into_iter().map(|text| {
            let entry = match text.strip_suffix('*') {
                Some(prefix) => is_beginning(prefix).then(|| Entry::Prefix(prefix.into())),
                None => is_name(text).then(|| Entry::Name(text.into())),
            };
            let shown = || text.chars().take(80).flat_map(char::escape_debug).collect();
            entry.ok_or_else(|| AllowanceError::Entry(shown()))
        });
        let entries: Vec<_> = entries.collect::<Result<_, _>>()?;
        match entries.len() {
            0 => Err(AllowanceError::Empty),
            1..=MAX_ENTRIES => Ok(Self(entries)),
            _ => Err(AllowanceError::TooMany),
        }
    }

    /// Whether the tool called `name` is one of them.
    pub fn allows(&self, name: &str) -> bool {
        self.0.iter().any(|entry| match entry {
            Entry::Name(known) => **known == *name,
            Entry::Prefix(prefix) => name.starts_with(&**prefix),
        })
    }

    /// The entries as they were given.
    pub fn entries(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().map(ToString::to_string)
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Prefix(prefix) => write!(formatter, "{prefix}*"),
        }
    }
}

fn is_name(text: &str) -> bool {
    tool_name_fault(text).is_none()
}

fn is_beginning(text: &str) -> bool {
    text.is_empty() || (text.len() < MAX_TOOL_NAME && is_name(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(entries: &[&str]) -> ToolAllowance {
        ToolAllowance::new(entries.iter().copied()).unwrap()
    }

    #[test]
    fn names_are_meant_exactly_and_beginnings_with_all_that_follows() {
        let tools = allowance(&["add", "get_*"]);
        for allowed in ["add", "get_", "get_render_status"] {
            assert!(tools.allows(allowed), "{allowed}");
        }
        for other in ["", "ad", "adds", "Add", "get", "forget_it", "get-x"] {
            assert!(!tools.allows(other), "{other}");
        }
        assert!(allowance(&["*"]).allows("anything"));
    }

    #[test]
    fn what_names_no_tool_is_refused() {
        for text in ["", "a b", "a*b", "**", "ad\u{e9}", "a,b", &"x".repeat(65)] {
            let refused = ToolAllowance::new([text]).unwrap_err();
            assert!(matches!(refused, AllowanceError::Entry(_)), "{text:?}");
        }
        assert_eq!(ToolAllowance::new([]), Err(AllowanceError::Empty));
        let many = ["add"; MAX_ENTRIES + 1];
        assert_eq!(ToolAllowance::new(many), Err(AllowanceError::TooMany));
    }

    #[test]
    fn the_entries_come_back_as_they_were_given() {
        let entries = ["start_render", "get_*", "*"];
        assert!(allowance(&entries).entries().eq(entries));
    }
}
