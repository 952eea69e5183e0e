//! Names of tools, by the rule of `farcall_core::name`.
//!
//! The rule is written a second time because a macro that depended on the core would have the
//! core, with all it stands on, built twice wherever host and target differ.

/// The longest tool name, as `farcall_core::name::MAX_TOOL_NAME`.
const MAX_TOOL_NAME: usize = 64;

/// Says what is wrong with `name` as the name of a tool, or `None`.
pub(crate) fn tool_fault(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("the name is empty".to_owned());
    }
    let length = name.chars().count();
    if length > MAX_TOOL_NAME {
        return Some(format!(
            "the name has {length} characters, {MAX_TOOL_NAME} are allowed"
        ));
    }
    let is_allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let offender = name.chars().find(|c| !is_allowed(c))?;
    Some(format!(
        "`{}` is not allowed in a name, only letters, digits, `_` and `-`",
        offender.escape_debug()
    ))
}

/// Says what is wrong with `name` as the name of a job, whose tools have longer names, or `None`.
pub(crate) fn job_fault(name: &str) -> Option<String> {
    let longest = format!("get_{name}_status");
    let length = longest.chars().count();
    if length <= MAX_TOOL_NAME || name.is_empty() {
        return tool_fault(name);
    }
    Some(format!(
        "its tool `{longest}` has {length} characters, {MAX_TOOL_NAME} are allowed"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_the_core_s() {
        let long = "x".repeat(MAX_TOOL_NAME);
        for name in [
            "add",
            "a-b_9",
            "",
            "a b",
            "é",
            "a\n",
            &long,
            &format!("{long}x"),
        ] {
            assert_eq!(
                tool_fault(name),
                farcall_core::name::tool_name_fault(name),
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_job_has_room_for_its_tools() {
        assert_eq!(job_fault(&"x".repeat(53)), None);
        assert!(job_fault(&"x".repeat(54)).is_some());
        assert!(job_fault("").is_some());
        assert!(job_fault("a b").is_some());
    }
}
