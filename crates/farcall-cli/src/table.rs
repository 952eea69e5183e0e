//! A table of aligned columns.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::terminal::printable;

/// What stands between two columns.
const GAP: usize = 2;

/// The least that is left of the last column, however narrow the terminal is.
const LEAST: usize = 12;

/// How wide a column may be on a terminal, but for the last.
const MOST: usize = 24;

/// The lines of a table: its head, then its rows. Where `width` says how many columns the terminal
/// has, long cells are cut, so that no line breaks.
pub(crate) fn lines<const N: usize>(
    head: [&str; N],
    rows: &[[String; N]],
    width: Option<usize>,
) -> Vec<String> {
    let safe = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| printable(cell)));
    let rows: Vec<[_; N]> = std::iter::once(head.map(Cow::from)).chain(safe).collect();
    let most = if width.is_some() { MOST } else { usize::MAX };
    let mut widths = [0; N];
    for (column, widest) in widths.iter_mut().enumerate().take(N - 1) {
        let cells = rows.iter().map(|row| row[column].width());
        *widest = cells.max().unwrap_or(0).min(most);
    }
    let taken: usize = widths.iter().map(|width| width + GAP).sum::<usize>() - GAP;
    widths[N - 1] = width.map_or(usize::MAX, |width| width.saturating_sub(taken).max(LEAST));
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line<const N: usize>(row: &[Cow<'_, str>; N], widths: &[usize; N]) -> String {
    let mut line = String::new();
    for (column, cell) in row.iter().enumerate() {
        let cell = cut(cell, widths[column]);
        line.push_str(&cell);
        if column + 1 < N {
            let blank = widths[column].saturating_sub(cell.width()) + GAP;
            line.extend(std::iter::repeat_n(' ', blank));
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// As much of `text` as fits, and `…` where that is not all.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let mut kept = String::new();
    for sign in text.chars() {
        let wide = sign.width().unwrap_or(0);
        if wide > left {
            break;
        }
        left -= wide;
        kept.push(sign);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<[String; 3]> {
        vec![
            [
                "a".to_owned(),
                "漢字".to_owned(),
                "the first one".to_owned(),
            ],
            ["long".to_owned(), String::new(), "\u{1b}[2J".to_owned()],
        ]
    }

    #[test]
    fn columns_stand_below_each_other_whatever_is_in_them() {
        let table = lines(["ID", "NAME", "MESSAGE"], &rows(), None);
        assert_eq!(
            table,
            [
                "ID    NAME  MESSAGE",
                "a     漢字  the first one",
                "long        \\u{1b}[2J"
            ]
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let table = lines(["ID", "NAME", "MESSAGE"], &rows(), Some(24));
        assert_eq!(table[1], "a     漢字  the first o…");
        assert!(table.iter().all(|line| line.width() <= 24));
        let mut wide = rows();
        wide[0][1] = "字".repeat(40);
        let table = lines(["ID", "NAME", "MESSAGE"], &wide, Some(60));
        assert!(table.iter().all(|line| line.width() <= 60), "{table:?}");
    }
}
