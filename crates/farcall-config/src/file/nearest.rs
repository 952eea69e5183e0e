//! What somebody probably meant.

/// The one of `known` that `word` is closest to, where one is close enough to be meant.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain_word = plain(word);
    let rated = known.into_iter().map(|candidate| {
        let bare = plain(candidate);
        // `args` of `arguments`, and `minimum` of `min`.
        let is_form = bare.len().min(plain_word.len()) >= 3
            && (plain_word.starts_with(&bare) || bare.starts_with(&plain_word));
        let distance = if is_form && bare != plain_word {
            1
        } else {
            distance(&plain_word, &bare)
        };
        (distance, bare.len().abs_diff(plain_word.len()), candidate)
    });
    let (distance, _, candidate) = rated.min()?;
    (distance <= (candidate.chars().count() / 3).max(1)).then_some(candidate)
}

/// "did you mean `x`?", or the list of what there is.
pub(super) fn suggestion<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    if let Some(candidate) = nearest(word, known.clone()) {
        return format!("did you mean `{candidate}`?");
    }
    let names: Vec<_> = known.into_iter().map(|name| format!("`{name}`")).collect();
    match &names[..] {
        [] => "there is none".to_owned(),
        [only] => format!("there is only {only}"),
        _ => format!("there are {}", names.join(", ")),
    }
}

/// So that `minLength`, `min-length` and `min_length` are one.
fn plain(word: &str) -> String {
    word.replace(['_', '-'], "").to_lowercase()
}

/// How many characters must be added, removed, changed or swapped with their neighbour.
fn distance(from: &str, to: &str) -> usize {
    // A key can be as long as a file; what is this long was not a slip.
    const LONGEST: usize = 100;
    let from: Vec<char> = from.chars().take(LONGEST).collect();
    let to: Vec<char> = to.chars().take(LONGEST).collect();
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    for (above, a) in from.iter().enumerate() {
        let mut row = vec![above + 1];
        for (column, b) in to.iter().enumerate() {
            let changed = rows[above][column] + usize::from(a != b);
            let mut best = changed
                .min(rows[above][column + 1] + 1)
                .min(row[column] + 1);
            let is_swapped =
                above > 0 && column > 0 && *a == to[column - 1] && from[above - 1] == *b;
            if is_swapped {
                best = best.min(rows[above - 1][column - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 6] = [
        "min",
        "max",
        "min_length",
        "pattern",
        "read_only",
        "command",
    ];

    #[test]
    fn slips_and_other_spellings_are_understood() {
        for (word, meant) in [
            ("minimum", "min"),
            ("minLength", "min_length"),
            ("patern", "pattern"),
            ("pattren", "pattern"),
            ("readOnlyHint", "read_only"),
            ("maxx", "max"),
            ("commandd", "command"),
        ] {
            assert_eq!(nearest(word, KNOWN), Some(meant), "{word}");
        }
    }

    #[test]
    fn nothing_is_guessed_for_another_word() {
        assert_eq!(nearest("colour", KNOWN), None);
        assert_eq!(
            suggestion("colour", ["min", "max"]),
            "there are `min`, `max`"
        );
        assert_eq!(suggestion("colour", ["min"]), "there is only `min`");
    }
}
