//! Characters that stand for what callers say.
//!
//! What must hold of a template is that it is filled in the same way whatever callers say: its outcome for
//! a value is its outcome for one letter, with the value in the place of the letter.

/// The letter of the value with this number; Unicode gives it no meaning, and samples do not have it.
pub(crate) fn letter(number: usize) -> char {
    u32::try_from(number)
        .ok()
        .and_then(|number| char::from_u32(0xE000 + number))
        .unwrap_or('\u{F8FF}')
}

/// Whether `text` has such a letter of its own.
pub(crate) fn is_in(text: &str) -> bool {
    text.contains(|sign| ('\u{E000}'..='\u{F8FF}').contains(&sign))
}

/// `text` with what callers say in the place of the letters.
pub(crate) fn replaced(text: &str, values: &[&str]) -> String {
    let mut replaced = String::new();
    for sign in text.chars() {
        let value = values
            .iter()
            .enumerate()
            .find(|(number, _)| letter(*number) == sign);
        match value {
            Some((_, value)) => replaced.push_str(value),
            None => replaced.push(sign),
        }
    }
    replaced
}
