//! Templates: text in which `@name@` is filled in.

/// `template` with these values. Where a name stands alone on a line, its value is any number of lines, none
/// included, as far in as the name.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    for line in template.lines() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let alone = line
            .trim()
            .strip_prefix('@')
            .and_then(|rest| rest.strip_suffix('@'));
        if let Some(value) = alone.and_then(|name| value(values, name)) {
            for line in value.lines() {
                if !line.is_empty() {
                    filled.push_str(indent);
                }
                filled.push_str(line);
                filled.push('\n');
            }
        } else {
            within(line, values, &mut filled);
            filled.push('\n');
        }
    }
    filled
}

/// Values are not looked into again, whatever they hold.
fn within(mut rest: &str, values: &[(&str, &str)], filled: &mut String) {
    while let Some((before, after)) = rest.split_once('@') {
        filled.push_str(before);
        let found = after
            .split_once('@')
            .and_then(|(name, after)| Some((value(values, name)?, after)));
        let (text, after) = found.unwrap_or(("@", after));
        filled.push_str(text);
        rest = after;
    }
    filled.push_str(rest);
}

fn value<'a>(values: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    let found = values.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in_once_and_what_is_no_name_stays() {
        let values = [("a", "@b@"), ("b", "2"), ("lines", "x\n\ny"), ("none", "")];
        for (template, filled) in [
            ("1 @a@@b@ me@home @c@", "1 @b@2 me@home @c@\n"),
            ("  @lines@\n@none@\nend", "  x\n\n  y\nend\n"),
            ("<@none@>", "<>\n"),
        ] {
            assert_eq!(fill(template, &values), filled);
        }
    }
}
