//! The lines of a table: two columns or more, with blanks between them.

use crate::fault::Place;
use crate::text::Problem;

/// What stands in the place of octets that are no text.
const NO_TEXT: char = char::REPLACEMENT_CHARACTER;

/// UTF-8 may begin with a mark that says so, and is no part of the first line.
const MARK: &[u8] = "\u{feff}".as_bytes();

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

impl Line<'_> {
    /// Refuses a line with octets that were no text: it would fit nobody.
    pub(super) fn sound(self) -> Result<Self, Problem> {
        if self.key.contains(NO_TEXT) || self.value.contains(NO_TEXT) {
            return Err(Problem::new("which holds octets that are no UTF-8"));
        }
        Ok(self)
    }
}

/// What is a comment.
#[derive(Clone, Copy)]
pub(super) enum Comments {
    /// A line that begins with `#` or `;`, as DKIMproxy has it.
    Lines,
    /// Whatever follows a `#`, as OpenDKIM has it.
    Rests,
}

impl Comments {
    fn without(self, line: &str) -> &str {
        match self {
            Self::Lines if line.trim_start().starts_with(['#', ';']) => "",
            Self::Lines => line,
            Self::Rests => line.split('#').next().unwrap_or_default(),
        }
    }
}

/// The octets of a table behind the mark.
pub(super) fn without_mark(octets: &[u8]) -> &[u8] {
    octets.strip_prefix(MARK).unwrap_or(octets)
}

/// The lines of a table, without those that are empty.
pub(super) fn lines(text: &str, comments: Comments) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    (1..).zip(text.split_inclusive('\n')).filter_map(move |(number, raw)| {
        let at = start + raw.len() - raw.trim_start().len();
        start += raw.len();
        let line = comments.without(raw).trim();
        if line.is_empty() {
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
        let read: Vec<_> = lines(text, Comments::Lines).collect();
        let said: Vec<_> = read.iter().map(|line| (line.number, line.key, line.value)).collect();
        assert_eq!(said, [(3, "a.example", "dkim(x, y)"), (4, "alone", ""), (6, "last", "x")]);
        assert_eq!(read[0].place.text(text), "a.example\t dkim(x, y)");
        let read: Vec<_> = lines("a b # c\n#d\n;e#f", Comments::Rests).collect();
        let said: Vec<_> = read.iter().map(|line| (line.number, line.key, line.value)).collect();
        assert_eq!(said, [(1, "a", "b"), (3, ";e", "")]);
    }
}
