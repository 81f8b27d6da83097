//! The header section of a message, octet for octet (RFC 5322 §2.2).

use memchr::{memchr, memmem};
use std::fmt;
use std::ops::Range;

/// A header section: its octets, and where its fields stand in them.
///
/// Fields keep their order, their case, their folding and whatever is wrong with them. The empty line that ends
/// the section is not among the octets; [`Header::is_terminated`] tells whether there was one.
#[derive(Clone, Default)]
pub struct Header {
    raw: Vec<u8>,
    fields: Vec<Span>,
    terminated: bool,
}

/// Where one field stands.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    /// The length of the name with the blanks behind it; `None` for a line without a colon.
    colon: Option<usize>,
    end: usize,
}

/// One field of a [`Header`], as a slice of it.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    raw: &'a [u8],
    colon: Option<usize>,
}

impl Header {
    /// Finds the fields in the octets of a header section, without the empty line that ends it.
    ///
    /// Only CR LF ends a line; a CR or a LF that stands alone is text.
    #[must_use]
    pub fn parse(raw: Vec<u8>) -> Self {
        let fields = field_ranges(&raw).map(|range| Span::of(&raw, range)).collect();
        Self { raw, fields, terminated: true }
    }

    /// Says that no empty line followed: the message ended with its header.
    #[must_use]
    pub fn unterminated(self) -> Self {
        Self { terminated: false, ..self }
    }

    /// Splits a whole message into its header section and its body.
    #[must_use]
    pub fn split(message: &[u8]) -> (Self, &[u8]) {
        if let Some(body) = message.strip_prefix(b"\r\n") {
            return (Self::parse(Vec::new()), body);
        }
        match memmem::find(message, b"\r\n\r\n") {
            Some(end) => (Self::parse(message[..end + 2].to_vec()), &message[end + 4..]),
            None => (Self::parse(message.to_vec()).unterminated(), &[]),
        }
    }

    /// The octets as they came.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Whether an empty line stood between this header and the body, so that one has to be written again.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.terminated
    }

    /// How many fields there are, lines that are no field included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether the first line is a continuation line, which continues nothing: below another field it would be a part of
    /// that.
    #[must_use]
    pub fn begins_folded(&self) -> bool {
        self.raw.first().copied().is_some_and(is_blank)
    }

    /// The fields from top to bottom.
    #[must_use]
    pub fn fields(&self) -> impl DoubleEndedIterator<Item = Field<'_>> + ExactSizeIterator {
        self.fields.iter().map(|span| span.field(&self.raw))
    }

    /// The field at `index`, counted from the top.
    #[must_use]
    pub fn field(&self, index: usize) -> Option<Field<'_>> {
        self.fields.get(index).map(|span| span.field(&self.raw))
    }

    /// The fields of one name from top to bottom, each with its index.
    #[must_use]
    pub fn named(&self, name: &str) -> impl DoubleEndedIterator<Item = (usize, Field<'_>)> {
        self.fields().enumerate().filter(move |(_, field)| field.is(name))
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.fields()).finish()
    }
}

impl Span {
    fn of(raw: &[u8], range: Range<usize>) -> Self {
        let Range { start, end } = range;
        // A continuation line on top of the header continues nothing, and is no field whatever it holds.
        let colon = memchr(b':', &raw[start..end]).filter(|_| !is_blank(raw[start]));
        // A name does not go on over a line end: RFC 5322 §2.2 has printable characters only.
        let colon = colon.filter(|&at| memchr(b'\n', &raw[start..start + at]).is_none());
        Self { start, colon, end }
    }

    fn field<'a>(&self, raw: &'a [u8]) -> Field<'a> {
        Field { raw: &raw[self.start..self.end], colon: self.colon }
    }
}

impl<'a> Field<'a> {
    /// The whole field with its final CR LF, if it had one.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The name as written, without blanks before the colon; empty for a line that is no field.
    #[must_use]
    pub fn name(&self) -> &'a [u8] {
        let Some(colon) = self.colon else { return &[] };
        let end = self.raw[..colon].iter().rposition(|&byte| !is_blank(byte)).map_or(0, |last| last + 1);
        &self.raw[..end]
    }

    /// What follows the colon, folded as it came, without the final CR LF; the line itself if it is no field.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        let from = self.colon.map_or(0, |colon| colon + 1);
        let value = &self.raw[from..];
        value.strip_suffix(b"\r\n").unwrap_or(value)
    }

    /// Whether the field bears this name; case does not matter (RFC 5322 §1.2.2).
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name.as_bytes())
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.raw.escape_ascii())
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The ranges of the fields: each line with the continuation lines that follow it.
fn field_ranges(raw: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        if start == raw.len() {
            return None;
        }
        let mut line = start;
        let end = loop {
            line = match memmem::find(&raw[line..], b"\r\n") {
                Some(at) => line + at + 2,
                None => break raw.len(),
            };
            // RFC 5322 §2.2.3: "Unfolding is accomplished by simply removing any CRLF that is immediately followed by WSP."
            if !raw.get(line).copied().is_some_and(is_blank) {
                break line;
            }
        };
        Some(std::mem::replace(&mut start, end)..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raws(raw: &[u8]) -> Vec<String> {
        Header::parse(raw.to_vec()).fields().map(|field| field.raw().escape_ascii().to_string()).collect()
    }

    #[test]
    fn a_field_is_its_line_and_the_continuations() {
        assert_eq!(raws(b"A: 1\r\n 2\r\n\t3\r\nB: 4\r\n"), ["A: 1\\r\\n 2\\r\\n\\t3\\r\\n", "B: 4\\r\\n"]);
        assert_eq!(raws(b""), Vec::<String>::new());
        assert_eq!(raws(b"A: 1"), ["A: 1"]);
    }

    #[test]
    fn a_line_end_is_cr_lf_and_nothing_else() {
        assert_eq!(raws(b"A: 1\nB: 2\rC: 3\r\n"), ["A: 1\\nB: 2\\rC: 3\\r\\n"]);
    }

    #[test]
    fn names_and_values() {
        let header = Header::parse(b"Subject \t: a\r\n b\r\nno colon\r\n: empty\r\n".to_vec());
        let all: Vec<_> = header.fields().map(|field| (field.name(), field.value())).collect();
        let expected: [(&[u8], &[u8]); 3] = [(b"Subject", b" a\r\n b"), (b"", b"no colon"), (b"", b" empty")];
        assert_eq!(all, expected);
        assert_eq!(header.named("SUBJECT").count(), 1);
        // RFC 6376 §3.4.2: "Delete any WSP characters remaining before and after the colon", and nothing else.
        let other = Header::parse(b"Subject\x0c: a\r\nSubject\r: b\r\nSubject\x0b: c\r\n".to_vec());
        assert_eq!(other.named("Subject").count(), 0);
    }

    #[test]
    fn a_colon_in_a_continuation_makes_no_name() {
        let header = Header::parse(b" x: y\r\nFrom\r\n : a@a.example\r\n".to_vec());
        assert!(header.fields().all(|field| field.name().is_empty()), "{header:?}");
    }

    /// Every text of up to seven octets over the octets that matter: the fields together are the text, no field
    /// but the first starts with a blank, and each but the last ends a line.
    #[test]
    fn fields_partition_the_octets() {
        let alphabet = *b"x :\r\n";
        for len in 0..=7_u32 {
            for n in 0..5_usize.pow(len) {
                let raw: Vec<u8> = (0..len).map(|i| alphabet[n / 5_usize.pow(i) % 5]).collect();
                let header = Header::parse(raw.clone());
                let fields: Vec<_> = header.fields().map(|field| field.raw()).collect();
                assert_eq!(fields.concat(), raw);
                assert!(fields.iter().skip(1).all(|field| !is_blank(field[0])));
                assert!(fields.iter().rev().skip(1).all(|field| field.ends_with(b"\r\n")));
            }
        }
    }
}
