//! Fills an empty tag of a field that is given whole.

use crate::signing::SignError;
use mail::{Header, NewField};
use std::ops::Range;

/// No line gets longer by what is filled in.
const WIDTH: usize = 78;
/// What a tab counts for.
const TAB: usize = 8;

/// The only field of `template` with base64 put into a tag whose value stands at `span` of the field's value.
pub(crate) fn fill_tag(template: &Header, span: &Range<usize>, base64: &str) -> Result<NewField, SignError> {
    let field = template.field(0).ok_or(SignError::NoTemplate)?;
    let old = &field.value()[span.clone()];
    // Blanks stay where they are, but a line end could end up on a line of nothing but blanks.
    let stays = old.iter().all(|octet| matches!(octet, b' ' | b'\t'));
    let replaced = if stays { span.start..span.start } else { span.clone() };
    fill(template, &replaced, base64)
}

/// The only field of `template` with the octets of `span`, which counts from the start of its value, replaced by base64.
/// The lines that this makes start with what the template's own continuation lines start with.
fn fill(template: &Header, span: &Range<usize>, base64: &str) -> Result<NewField, SignError> {
    let field = template.field(0).ok_or(SignError::NoTemplate)?;
    let raw = field.raw();
    let value_at = raw.len() - field.value().len() - if raw.ends_with(b"\r\n") { 2 } else { 0 };
    let (before, after) = (&raw[..value_at + span.start], &raw[value_at + span.end..]);
    let margin = margin(raw);
    let mut filled = before.to_vec();
    let line = before.iter().rposition(|&octet| octet == b'\n').map_or(before, |end| &before[end + 1..]);
    let mut column = width(line);
    for octet in base64.bytes() {
        if column >= WIDTH {
            filled.extend_from_slice(b"\r\n");
            filled.extend_from_slice(margin);
            column = width(margin);
        }
        filled.push(octet);
        column += 1;
    }
    filled.extend_from_slice(after);
    NewField::from_raw(filled).ok_or(SignError::NoTemplate)
}

/// What the first continuation line starts with; a tab if there is none.
fn margin(raw: &[u8]) -> &[u8] {
    let Some(end) = memchr::memmem::find(raw, b"\r\n").filter(|end| end + 2 < raw.len()) else {
        return b"\t";
    };
    let line = &raw[end + 2..];
    let blanks = line.iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
    // Some indent by half the line.
    &line[..blanks.min(WIDTH / 2)]
}

/// How wide a line is, a tab counting for eight.
fn width(line: &[u8]) -> usize {
    line.iter().map(|octet| if *octet == b'\t' { TAB } else { 1 }).sum()
}
