//! Fills a tag of a field that is given whole.

use crate::signing::SignError;
use mail::{Header, NewField};
use std::ops::Range;

/// RFC 5322 §3.5: "Lines in a message MUST be a maximum of 998 characters"
///
/// What is shorter is not folded: the folding of a template is its own.
pub(crate) const LONGEST: usize = 998;

/// The only field of `template` with base64 put into a tag whose value stands at `span` of the field's value.
///
/// A value that is there already is replaced character by character: so a foreign signature keeps its folding.
pub(crate) fn fill_tag(template: &Header, span: &Range<usize>, base64: &str) -> Result<NewField, SignError> {
    let field = template.field(0).ok_or(SignError::NoTemplate)?;
    let raw = field.raw();
    let value_at = raw.len() - field.value().len() - if raw.ends_with(b"\r\n") { 2 } else { 0 };
    let (before, rest) = raw.split_at(value_at + span.start);
    let (old, after) = rest.split_at(span.len());
    let mut filled = before.to_vec();
    let length = old.iter().filter(|octet| !octet.is_ascii_whitespace()).count();
    if length == 0 {
        put_cut(base64.as_bytes(), margin(raw), LONGEST, &mut filled);
        // A line end could end up on a line of nothing but blanks.
        let stays = old.iter().all(|octet| matches!(octet, b' ' | b'\t'));
        filled.extend_from_slice(if stays { old } else { &[] });
    } else {
        put_laid_out(base64.as_bytes(), old, raw, &mut filled);
    }
    // What grew may leave no room for the blanks behind it and the rest of its line.
    let follows = memchr::memchr(b'\r', after).unwrap_or(after.len());
    if base64.len() > length && column(&filled) + follows > LONGEST {
        filled.truncate(filled.trim_ascii_end().len());
        if follows > 0 {
            fold(margin(raw), &mut filled);
        }
    }
    filled.extend_from_slice(after);
    NewField::from_raw(filled).ok_or(SignError::NoTemplate)
}

/// Adds base64 with its blanks and line ends where `old` has them.
///
/// Blanks within that a shorter one does not reach are left out, or they would make lines of nothing else. What is left
/// of a longer one goes on in lines as wide as those of the field, if there are line ends.
fn put_laid_out(base64: &[u8], old: &[u8], raw: &[u8], text: &mut Vec<u8>) {
    let end = old.iter().rposition(|octet| !octet.is_ascii_whitespace()).map_or(0, |last| last + 1);
    let (old, blanks_behind) = old.split_at(end);
    let mut left = base64;
    for octet in old {
        let Some((first, rest)) = left.split_first() else { break };
        if octet.is_ascii_whitespace() {
            text.push(*octet);
        } else {
            text.push(*first);
            left = rest;
        }
    }
    let folded = old.contains(&b'\n');
    let (margin, width) = if folded { (margin(old), widest(raw)) } else { (margin(raw), LONGEST) };
    put_cut(left, margin, width, text);
    text.extend_from_slice(blanks_behind);
}

/// Adds base64, on more lines than one where it would make one too long.
fn put_cut(base64: &[u8], margin: &[u8], width: usize, text: &mut Vec<u8>) {
    let mut column = column(text);
    for octet in base64 {
        if column >= width {
            fold(margin, text);
            column = margin.len();
        }
        text.push(*octet);
        column += 1;
    }
}

fn fold(margin: &[u8], text: &mut Vec<u8>) {
    text.extend_from_slice(b"\r\n");
    text.extend_from_slice(margin);
}

/// How long the last line is.
fn column(text: &[u8]) -> usize {
    text.len() - memchr::memrchr(b'\n', text).map_or(0, |end| end + 1)
}

/// How long the longest line is, or could be.
fn widest(raw: &[u8]) -> usize {
    let lines = raw.split(|&octet| octet == b'\n');
    lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line).len()).max().unwrap_or(0).min(LONGEST)
}

/// What the first continuation line starts with; a tab if there is none.
fn margin(raw: &[u8]) -> &[u8] {
    let Some(end) = memchr::memmem::find(raw, b"\r\n").filter(|end| end + 2 < raw.len()) else {
        return b"\t";
    };
    let line = &raw[end + 2..];
    let blanks = line.iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
    // Some indent by half the line.
    &line[..blanks.min(LONGEST / 2)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The field `X` with `n` characters put where `old` stands.
    fn filled(old: &str, after: &str, n: usize) -> String {
        let (before, value) = (" a=1;\r\n  b=", format!("{old}{after}"));
        let template = Header::parse(format!("X:{before}{value}\r\n").into_bytes());
        let span = before.len()..before.len() + old.len();
        let field = fill_tag(&template, &span, &"N".repeat(n)).unwrap();
        String::from_utf8(field.raw().to_vec()).unwrap().replace("X: a=1;\r\n  b=", "")
    }

    #[test]
    fn a_value_of_the_same_length_keeps_every_blank() {
        for old in ["oooo", " o o\r\n oo ", "\r\n\too\r\n  \t oo\r\n ", "ooo \r\n \r\n o"] {
            assert_eq!(filled(old, "; c=1", 4), format!("{}; c=1\r\n", old.replace('o', "N")));
        }
    }

    #[test]
    fn a_shorter_value_leaves_no_lines_of_blanks() {
        for (old, after, expected) in [
            ("ooo\r\n ooo\r\n ooo", "", "NNN\r\n N\r\n"),
            ("oooo\r\n ooo\r\n ooo", "", "NNNN\r\n"),
            ("\r\n oooo\r\n oooo\r\n ", ";\r\n c=1", "\r\n NNNN\r\n ;\r\n c=1\r\n"),
            ("o o o o o o ", "; c=1", "N N N N ; c=1\r\n"),
        ] {
            assert_eq!(filled(old, after, 4), expected, "{old:?}");
        }
    }

    #[test]
    fn a_longer_value_goes_on_as_it_is_folded() {
        assert_eq!(filled("oo", "; c=1", 50), format!("{}; c=1\r\n", "N".repeat(50)));
        let expected = "NNNNNN\r\n\tNNN NNNNN\r\n\tNNNNNNNNN\r\n\tNN;\r\n";
        assert_eq!(filled("oooooo\r\n\tooo oo", ";", 25), expected);
        assert_eq!(filled("\r\n o\r\n ", "; c=123456", 9), "\r\n NNNNNNNNN\r\n ; c=123456\r\n");
    }

    #[test]
    fn no_line_becomes_too_long() {
        for old in ["", " ", "o", "oo\r\n oo", &"o".repeat(990)] {
            for length in 980..1_010 {
                for after in ["", "; c=1", "; c=1\r\n d=2"] {
                    let text = filled(old, after, length);
                    assert!(
                        text.lines().all(|line| line.len() <= LONGEST && !line.trim().is_empty()),
                        "{text}"
                    );
                    let value = text.split(';').next().unwrap().matches('N').count();
                    assert_eq!(value, length);
                }
            }
        }
    }
}
