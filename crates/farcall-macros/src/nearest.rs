//! What somebody probably meant.
//!
//! `farcall-config` has a form of its own, with rules for keys. To share one would take a further crate, or
//! have every macro wait for `farcall-core` and all that it uses.

use std::cmp::Reverse;

/// The one of `known` that `word` is closest to, where one is close enough to be meant.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = plain(word);
    let rated = known.iter().map(|&candidate| {
        let bare = plain(candidate);
        let is_longer_form = bare.len() >= 3 && word.starts_with(&bare) && word != bare;
        let distance = if is_longer_form {
            1
        } else {
            distance(&word, &bare)
        };
        // Of two that are equally near, the longer one has more in common.
        (distance, Reverse(candidate.len()), candidate)
    });
    let (distance, _, candidate) = rated.min()?;
    (distance <= candidate.len() / 3).then_some(candidate)
}

/// "did you mean `x`?", or the list of what there is.
pub(crate) fn suggestion(word: &str, known: &[&str]) -> String {
    if let Some(candidate) = nearest(word, known) {
        return format!("did you mean `{candidate}`?");
    }
    if let [only] = known {
        return format!("there is only `{only}`");
    }
    let names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("there are {}", names.join(", "))
}

// So that `minLength` and `readOnlyHint` find `min_length` and `read_only`.
fn plain(word: &str) -> String {
    word.replace('_', "").to_lowercase()
}

/// How many characters must be added, removed or changed (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (column, &b) in to.iter().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["min", "max", "min_length", "pattern", "read_only"];

    #[test]
    fn slips_and_other_spellings_are_understood() {
        for (word, meant) in [
            ("minimum", "min"),
            ("minLength", "min_length"),
            ("patern", "pattern"),
            ("readOnlyHint", "read_only"),
            ("maxx", "max"),
        ] {
            assert_eq!(nearest(word, KNOWN), Some(meant), "{word}");
        }
    }

    #[test]
    fn nothing_is_guessed_for_another_word() {
        assert_eq!(nearest("colour", KNOWN), None);
        assert_eq!(
            suggestion("colour", &["min", "max"]),
            "there are `min`, `max`"
        );
    }
}
