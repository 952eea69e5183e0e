//! The path of an operation.

use std::collections::HashSet;

use percent_encoding::percent_decode_str;

use super::Collecting;
use crate::{
    service::{openapi::operations::Found, request::Part},
    text::clean,
};

impl Collecting<'_> {
    /// Its segments; every placeholder has a parameter, and every parameter a place.
    pub(super) fn path(&mut self, found: &Found<'_>) -> Vec<Vec<Part>> {
        let mut unused: HashSet<String> =
            self.in_path.iter().map(|(name, _)| name.clone()).collect();
        let mut path = Vec::new();
        for segment in found.path.trim_start_matches('/').split('/') {
            path.push(self.segment(segment, &mut unused, &found.place));
        }
        for name in unused {
            self.fault(
                &found.place,
                &format!("the path has no place for its parameter `{}`", clean(&name)),
            );
        }
        // The base URL alone.
        if found.path.trim_start_matches('/').is_empty() {
            path.clear();
        }
        path
    }

    fn segment(&mut self, mut rest: &str, unused: &mut HashSet<String>, place: &str) -> Vec<Part> {
        let mut parts = Vec::new();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                self.fault(place, "a `{` in the path is not closed");
                return parts;
            };
            parts.extend(literal(before));
            match self.in_path.iter().find(|(own, _)| own == name) {
                Some((_, argument)) => parts.push(Part::Argument(argument.clone())),
                None => self.fault(
                    place,
                    &format!(
                        "the path needs the parameter `{}`, which is not declared",
                        clean(name)
                    ),
                ),
            }
            unused.remove(name);
            rest = after;
        }
        parts.extend(literal(rest));
        if let [Part::Text(text)] = parts.as_slice()
            && matches!(text.as_str(), "." | "..")
        {
            self.fault(place, "the path has `.` or `..` in it");
        }
        parts
    }
}

/// A piece of a path, which may be encoded in the document.
fn literal(text: &str) -> Option<Part> {
    let text = percent_decode_str(text).decode_utf8_lossy();
    (!text.is_empty()).then(|| Part::Text(text.into_owned()))
}
