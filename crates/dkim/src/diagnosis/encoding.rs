//! Undoes what a server did to 8-bit text for a next hop that does not take it (RFC 6152 §3).

use crate::encoding::base64_decode;
use mail::Header;
use memchr::memmem;

/// More boundaries than these are not looked for.
const BOUNDARIES: usize = 50;

/// A body as it was before its encoding, and the name of that: of the whole body, or of parts of it.
pub(super) fn decoded(header: &Header, body: &[u8]) -> Option<(&'static str, Vec<u8>)> {
    let label = header.named("Content-Transfer-Encoding").last();
    match label.map(|(_, field)| field.value().trim_ascii().to_ascii_lowercase()).as_deref() {
        Some(b"quoted-printable") => Some(("quoted-printable", unquoted(body))),
        Some(b"base64") => Some(("base64", base64_decode(body)?)),
        _ => Some(("quoted-printable", parts_unquoted(header, body))),
    }
}

/// Where a line stands that is no delimiter.
enum Place {
    /// Where nothing was changed.
    Outside,
    /// In the header of a part, which says that the part is quoted-printable, or has not said so yet.
    Header { quoted: bool },
    /// In such a part; its text so far.
    Quoted(Vec<u8>),
}

/// A body with all parts decoded that are quoted-printable, and called 8bit.
fn parts_unquoted(header: &Header, body: &[u8]) -> Vec<u8> {
    let delimiters = [delimiters(header.raw()), delimiters(body)].concat();
    let mut out = Vec::with_capacity(body.len());
    let mut place = Place::Outside;
    for line in body.split_inclusive(|octet| *octet == b'\n') {
        if delimiters.iter().any(|delimiter| line.starts_with(delimiter)) {
            if let Place::Quoted(text) = std::mem::replace(&mut place, Place::Header { quoted: false }) {
                out.extend(unquoted(&text));
            }
            out.extend_from_slice(line);
            continue;
        }
        match &mut place {
            Place::Quoted(text) => text.extend_from_slice(line),
            Place::Header { quoted } if line.trim_ascii().is_empty() => {
                place = if *quoted { Place::Quoted(Vec::new()) } else { Place::Outside };
                out.extend_from_slice(line);
            }
            Place::Header { quoted } => {
                let relabelled = relabelled(line);
                *quoted |= relabelled.is_some();
                out.extend(relabelled.unwrap_or_else(|| line.to_vec()));
            }
            Place::Outside => out.extend_from_slice(line),
        }
    }
    if let Place::Quoted(text) = place {
        out.extend(unquoted(&text));
    }
    out
}

/// What the lines between parts begin with, as far as the text has `boundary=` in it.
fn delimiters(text: &[u8]) -> Vec<Vec<u8>> {
    let lower = text.to_ascii_lowercase();
    let starts = memmem::find_iter(&lower, b"boundary=").map(|at| at + b"boundary=".len());
    let ends = |octet: &u8| matches!(octet, b'"' | b';' | b'\r' | b'\n') || octet.is_ascii_whitespace();
    starts
        .map(|start| {
            let value = text[start..].strip_prefix(b"\"").unwrap_or(&text[start..]);
            let end = value.iter().position(ends).unwrap_or(value.len());
            [b"--", &value[..end]].concat()
        })
        .filter(|delimiter| delimiter.len() > 2)
        .take(BOUNDARIES)
        .collect()
}

/// The field that says quoted-printable, saying 8bit instead.
fn relabelled(line: &[u8]) -> Option<Vec<u8>> {
    const QUOTED: &[u8] = b"quoted-printable";
    let lower = line.to_ascii_lowercase();
    let at = memmem::find(&lower, QUOTED).filter(|_| lower.starts_with(b"content-transfer-encoding"))?;
    Some([&line[..at], b"8bit", &line[at + QUOTED.len()..]].concat())
}

/// Quoted-printable decoded (RFC 2045 §6.7); what is none stays as it is.
fn unquoted(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((&first, tail)) = rest.split_first() {
        let hex =
            |at: usize| char::from(*tail.get(at)?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        rest = match (first, tail, hex(0), hex(1)) {
            (b'=', [b'\r', b'\n', next @ ..], ..) => next,
            (b'=', _, Some(high), Some(low)) => {
                out.push(high << 4 | low);
                &tail[2..]
            }
            _ => {
                out.push(first);
                tail
            }
        };
    }
    out
}
