//! Parsers that are nobody's business but this crate's, for the targets of `fuzz`.

use crate::resource::UriPattern;

/// The variables that a resource template finds in a URI, by name; `None` where the URI does not
/// follow the template.
///
/// # Errors
/// What is wrong with the template.
pub fn variables(template: &str, uri: &str) -> Result<Option<Vec<(String, String)>>, String> {
    let found = UriPattern::parse(template)?.matches(uri);
    Ok(found.map(|variables| variables.into_iter().collect()))
}
