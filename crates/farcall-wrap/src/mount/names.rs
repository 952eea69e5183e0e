//! What things of a server are called here.

use std::collections::HashSet;

use farcall_config::file::Mount;
use farcall_core::{
    JsonObject,
    name::{MAX_TOOL_NAME, tool_name_fault, tool_name_of},
};

use super::tool::text_of;

/// The names of all tools, or of all prompts.
pub(super) struct Names<'a> {
    mount: &'a Mount,
    /// Those of its own that were given.
    own: HashSet<String>,
    /// Those that nobody else gets.
    taken: HashSet<String>,
}

impl<'a> Names<'a> {
    /// Those of `items`; what has a name that fits keeps it, whatever stands before it.
    pub(super) fn new(mount: &'a Mount, items: &[JsonObject]) -> Self {
        let own = items.iter().map(|own| text_of(own, "name"));
        Self {
            mount,
            own: HashSet::new(),
            taken: own.filter(|own| tool_name_fault(own).is_none()).collect(),
        }
    }

    /// Whether it is the first of this name: a call could only mean that one.
    pub(super) fn is_first(&mut self, own: &str) -> bool {
        self.own.insert(own.to_owned())
    }

    /// What `own` is called, and what had to be changed for that.
    pub(super) fn name(&mut self, own: &str) -> (String, Option<String>) {
        let Some(fault) = tool_name_fault(own).filter(|_| self.mount.is_lenient && !own.is_empty())
        else {
            return (format!("{}{own}", self.mount.prefix), None);
        };
        let fitting = fitting(own, &self.taken);
        self.taken.insert(fitting.clone());
        let change = format!("is called `{fitting}` here: {fault}");
        (fitting, Some(change))
    }
}

/// A name like `own` that is not taken: `files_read` for `files.read`, else `files_read_2`.
fn fitting(own: &str, taken: &HashSet<String>) -> String {
    let mut fitting = tool_name_of(own, MAX_TOOL_NAME);
    let mut number = 1;
    while taken.contains(&fitting) {
        number += 1;
        let end = format!("_{number}");
        fitting = tool_name_of(own, MAX_TOOL_NAME - end.len()) + &end;
    }
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_fits_is_like_the_own_one_and_nobody_elses() {
        let long = "é".repeat(100);
        let mut taken = HashSet::from(["files_read".to_owned()]);
        for (own, name) in [
            ("files.read", "files_read_2"),
            ("files/read", "files_read_3"),
            ("a b", "a_b"),
            (&long, &"_".repeat(64)),
            (&long, &format!("{}_2", "_".repeat(62))),
        ] {
            let fitting = fitting(own, &taken);
            assert_eq!((fitting.as_str(), tool_name_fault(name)), (name, None));
            taken.insert(fitting);
        }
    }
}
