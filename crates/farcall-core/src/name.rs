//! Names of tools and prompts, and of the files that jobs leave.

/// The longest tool name that real clients accept, in characters.
pub const MAX_TOOL_NAME: usize = 64;

/// The longest file name of an artifact, in bytes, so that every file system takes it.
pub const MAX_FILE_NAME: usize = 128;

/// Says what is wrong with `name` as the name of a tool, or `None`.
///
/// The rule is `^[A-Za-z0-9_-]{1,64}$`: the alphabet is the remote server guide's, the
/// length is what clients in use accept.
pub fn tool_name_fault(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("the name is empty".to_owned());
    }
    if name.chars().count() > MAX_TOOL_NAME {
        return Some(format!(
            "the name has {} characters, {MAX_TOOL_NAME} are allowed",
            name.chars().count()
        ));
    }
    let offender = name.chars().find(|c| !is_of_tool_names(*c))?;
    Some(format!(
        "`{}` is not allowed in a name, only letters, digits, `_` and `-`",
        offender.escape_debug()
    ))
}

fn is_of_tool_names(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// `text` as it may stand in a name of a tool: its first `longest` characters, with `_` in the place of
/// what is not allowed.
pub fn tool_name_of(text: &str, longest: usize) -> String {
    text.chars()
        .map(|c| if is_of_tool_names(c) { c } else { '_' })
        .take(longest)
        .collect()
}

/// Says what is wrong with `name` as the file name of an artifact, or `None`.
///
/// A file name becomes part of a path and of a URL, so only letters, digits and `._-` are
/// allowed, it neither starts nor ends with a dot, and it has at most 128 bytes.
pub fn file_name_fault(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("the file name is empty".to_owned());
    }
    if name.len() > MAX_FILE_NAME {
        return Some(format!(
            "the file name has {} bytes, {MAX_FILE_NAME} are allowed",
            name.len()
        ));
    }
    if name.starts_with('.') || name.ends_with('.') {
        return Some("a file name neither starts nor ends with a dot".to_owned());
    }
    let offender = name
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')))?;
    Some(format!(
        "`{}` is not allowed in a file name, only letters, digits, `.`, `_` and `-`",
        offender.escape_debug()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_guide_pass() {
        for name in ["add", "get_render_status", "a-b", "A9", &"x".repeat(64)] {
            assert_eq!(tool_name_fault(name), None, "{name}");
        }
    }

    #[test]
    fn bad_names_are_told_apart() {
        assert!(tool_name_fault("").unwrap().contains("empty"));
        assert!(tool_name_fault("a b").unwrap().contains("` `"));
        assert!(tool_name_fault("é").unwrap().contains("`é`"));
        assert!(tool_name_fault(&"x".repeat(65)).unwrap().contains("65"));
    }

    #[test]
    fn file_names_cannot_leave_their_folder() {
        assert_eq!(file_name_fault("out.tar.gz"), None);
        for name in [
            "", ".", "..", "../a", "a/b", "a\\b", ".env", "a.", "a\0b", "a b",
        ] {
            assert!(file_name_fault(name).is_some(), "{name:?}");
        }
    }
}
