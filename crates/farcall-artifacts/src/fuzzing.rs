//! Parsers that are nobody's business but this crate's, for the targets of `fuzz`.

use crate::location::Location;

/// What a location of a file reads as, written again, and the name of the file in it; `None` where it is
/// none of this crate's.
pub fn location(text: &str) -> Option<(String, String)> {
    let location = Location::parse(text)?;
    Some((location.to_string(), location.name().to_owned()))
}
