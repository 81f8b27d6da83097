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
    if old.iter().all(u8::is_ascii_whitespace) {
        put_cut(base64, margin(raw), &mut filled);
        // A line end could end up on a line of nothing but blanks.
        let stays = old.iter().all(|octet| matches!(octet, b' ' | b'\t'));
        filled.extend_from_slice(if stays { old } else { &[] });
    } else {
        filled.extend(laid_out(base64, old));
    }
    filled.extend_from_slice(after);
    NewField::from_raw(filled).ok_or(SignError::NoTemplate)
}

/// Adds base64, on more lines than one where it would make one too long.
fn put_cut(base64: &str, margin: &[u8], text: &mut Vec<u8>) {
    let line = text.iter().rposition(|&octet| octet == b'\n').map_or(0, |end| end + 1);
    let mut column = text.len() - line;
    for octet in base64.bytes() {
        if column >= LONGEST {
            text.extend_from_slice(b"\r\n");
            text.extend_from_slice(margin);
            column = margin.len();
        }
        text.push(octet);
        column += 1;
    }
}

/// Base64 with its blanks and line ends where `old` has them.
fn laid_out(base64: &str, old: &[u8]) -> Vec<u8> {
    let mut left = base64.bytes();
    let last = old.iter().rposition(|octet| !octet.is_ascii_whitespace());
    let mut text = Vec::with_capacity(old.len());
    for (at, octet) in old.iter().enumerate() {
        if octet.is_ascii_whitespace() {
            text.push(*octet);
        } else {
            text.extend(left.next());
        }
        if Some(at) == last {
            text.extend(left.by_ref());
        }
    }
    text
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
