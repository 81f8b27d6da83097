//! The lines of a table: two columns or more, with blanks between them.

use crate::fault::Place;

/// One line that is neither empty nor a comment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub(super) number: usize,
    /// Where it stands, without the blanks around it.
    pub(super) place: Place,
    /// The first column.
    pub(super) key: &'a str,
    /// All that follows; empty if nothing does.
    pub(super) value: &'a str,
}

/// The lines of a table, without those that are empty or begin with one of `comments`.
pub(super) fn lines<'a>(text: &'a str, comments: &'a [char]) -> impl Iterator<Item = Line<'a>> {
    let mut start = 0;
    (1..).zip(text.split_inclusive('\n')).filter_map(move |(number, raw)| {
        let at = start + raw.len() - raw.trim_start().len();
        start += raw.len();
        let line = raw.trim();
        if line.is_empty() || line.starts_with(comments) {
            return None;
        }
        let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        Some(Line { number, place: Place { start: at, length: line.len() }, key, value: value.trim_start() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_their_places() {
        let text = "# head\n\n  a.example\t dkim(x, y) \r\nalone\n;note\nlast x";
        let read: Vec<_> = lines(text, &['#', ';']).collect();
        let said: Vec<_> = read.iter().map(|line| (line.number, line.key, line.value)).collect();
        assert_eq!(said, [(3, "a.example", "dkim(x, y)"), (4, "alone", ""), (6, "last", "x")]);
        assert_eq!(read[0].place.text(text), "a.example\t dkim(x, y)");
    }
}
