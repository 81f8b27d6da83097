//! A multipart body, taken apart at its boundary (RFC 2046 §5.1.1).

use super::Inconvertible;
use memchr::memmem;

/// The parts of a multipart body. All the slices in order are the body.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Parts<'a> {
    pub(super) preamble: &'a [u8],
    /// Each delimiter, with the line ends before and behind it, and the part that follows.
    pub(super) each: Vec<(&'a [u8], &'a [u8])>,
    /// The closing delimiter, if there is one, and what follows.
    pub(super) epilogue: &'a [u8],
}

/// Where a delimiter stands, line ends included.
struct Delimiter {
    start: usize,
    end: usize,
    closes: bool,
}

impl<'a> Parts<'a> {
    /// Takes a body apart. One that readers may take apart in different ways is not.
    pub(super) fn of(body: &'a [u8], boundary: &[u8]) -> Result<Self, Inconvertible> {
        let delimiters = delimiters(body, boundary)?;
        let first = delimiters.first().filter(|first| !first.closes).ok_or(Inconvertible::Structure)?;
        let mut parts = Self { preamble: &body[..first.start], ..Self::default() };
        for (index, delimiter) in delimiters.iter().enumerate() {
            if delimiter.closes {
                parts.epilogue = &body[delimiter.start..];
                break;
            }
            let end = delimiters.get(index + 1).map_or(body.len(), |next| next.start);
            parts.each.push((&body[delimiter.start..delimiter.end], &body[delimiter.end..end]));
        }
        Ok(parts)
    }
}

fn delimiters(body: &[u8], boundary: &[u8]) -> Result<Vec<Delimiter>, Inconvertible> {
    let needle = [b"--", boundary].concat();
    let mut all: Vec<Delimiter> = Vec::new();
    for at in memmem::find_iter(body, &needle) {
        let begins_a_line = at == 0 || body[..at].ends_with(b"\r\n");
        if !begins_a_line {
            continue;
        }
        let behind = at + needle.len();
        let end = memmem::find(&body[behind..], b"\r\n").map_or(body.len(), |end| behind + end + 2);
        let rest = body[behind..end].trim_ascii_end();
        // RFC 2046 §5.1.1 lets a line that goes on in any way count, and readers differ in that.
        if !matches!(rest, b"" | b"--") {
            return Err(Inconvertible::Structure);
        }
        // The line end before a delimiter is part of it, unless it is another delimiter's.
        let taken = all.last().map_or(0, |last| last.end);
        let start = if at >= taken + 2 { at - 2 } else { at };
        all.push(Delimiter { start, end, closes: rest == b"--" });
    }
    Ok(all)
}
