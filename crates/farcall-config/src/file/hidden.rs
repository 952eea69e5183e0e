//! Characters that a person who reads a text does not see, and a model does.

use serde_json::Value;

/// Whether a text for models must not hold this character: controls and escapes, what turns the order
/// of signs around, what has no width, and the tags (U+E0000 to U+E007F) that spell a second text.
/// Line breaks and tabs are judged by the caller.
pub fn is_hidden(sign: char) -> bool {
    sign.is_control()
        || matches!(sign,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0d}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The first hidden character of `text`; line breaks and tabs are none where it may have several
/// lines.
pub(super) fn hidden(text: &str, has_lines: bool) -> Option<char> {
    let text = if has_lines {
        text.replace("\r\n", "\n")
    } else {
        text.to_owned()
    };
    text.chars()
        .find(|&sign| is_hidden(sign) && !(has_lines && matches!(sign, '\n' | '\t')))
}

/// The first [hidden](is_hidden) character of any text in `value`, the names in it too. Line breaks and tabs
/// are none but in names.
pub fn hidden_within(value: &Value) -> Option<char> {
    match value {
        Value::String(text) => hidden(text, true),
        Value::Array(values) => values.iter().find_map(hidden_within),
        Value::Object(table) => {
            let mut pairs = table.iter();
            pairs.find_map(|(name, value)| hidden(name, false).or_else(|| hidden_within(value)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_found() {
        for sign in [
            '\u{0}',
            '\u{7}',
            '\u{1b}',
            '\u{7f}',
            '\u{9b}',
            '\u{200b}',
            '\u{200d}',
            '\u{202e}',
            '\u{2066}',
            '\u{feff}',
            '\u{ad}',
            '\u{3164}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e0100}',
        ] {
            assert_eq!(hidden(&format!("a{sign}b"), true), Some(sign));
        }
        assert_eq!(hidden("a\rb", true), Some('\r'));
        assert_eq!(hidden("a\nb", false), Some('\n'));
    }

    #[test]
    fn every_script_is_fine() {
        for text in [
            "Grüße, 漢字, עברית, हिन्दी",
            "two\r\nlines\tand a tab",
            "❤\u{fe0f} 🎉",
        ] {
            assert_eq!(hidden(text, true), None);
        }
    }
}
