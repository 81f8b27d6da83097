//! Canonical forms of a header field (RFC 6376 §3.4.1, §3.4.2, RFC 4870 §3.4.2).

use crate::algorithm::Form;
use mail::Field;

/// A canonical form of a header field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum HeaderForm {
    /// As it is.
    Simple,
    /// Name in lower case, unfolded, white space folded.
    Relaxed,
    /// No white space at all.
    Nofws,
}

impl From<Form> for HeaderForm {
    fn from(form: Form) -> Self {
        match form {
            Form::Simple => Self::Simple,
            Form::Relaxed => Self::Relaxed,
        }
    }
}

impl HeaderForm {
    /// Adds a field, with one CR LF at its end, to the text that is to be hashed.
    pub(crate) fn put(self, field: Field<'_>, text: &mut Vec<u8>) {
        self.put_cut(field, None, text);
        text.extend_from_slice(b"\r\n");
    }

    /// Adds a field without CR LF at its end, and without the octets that `cut` names within its value.
    pub(crate) fn put_cut(self, field: Field<'_>, cut: Option<std::ops::Range<usize>>, text: &mut Vec<u8>) {
        let value = field.value();
        let cut = cut.unwrap_or(value.len()..value.len());
        let pieces = [&value[..cut.start], &value[cut.end..]];
        match self {
            Self::Simple => {
                let before =
                    field.raw().len() - field.raw().strip_suffix(b"\r\n").map_or(0, |_| 2) - value.len();
                text.extend_from_slice(&field.raw()[..before]);
                text.extend_from_slice(&pieces.concat());
            }
            Self::Relaxed => {
                text.extend(field.name().iter().map(u8::to_ascii_lowercase));
                text.push(b':');
                relax(&pieces, text);
            }
            Self::Nofws => {
                let all = field.name().iter().chain(b":").chain(pieces[0]).chain(pieces[1]);
                text.extend(all.filter(|octet| !matches!(octet, b' ' | b'\t' | b'\r' | b'\n')));
            }
        }
    }
}

/// Adds a value, given in two pieces, in relaxed form.
fn relax(pieces: &[&[u8]; 2], text: &mut Vec<u8>) {
    let start = text.len();
    let mut space = false;
    for (piece, rest) in [(pieces[0], pieces[1]), (pieces[1], &[])] {
        for (at, &octet) in piece.iter().enumerate() {
            let next = || piece.get(at + 1).or(rest.first());
            let previous = at.checked_sub(1).map(|at| piece[at]);
            match octet {
                b' ' | b'\t' => space = true,
                // RFC 6376 §3.4.2: "Unfold all header field continuation lines as described in"
                b'\r' if next() == Some(&b'\n') => {}
                b'\n' if previous == Some(b'\r') => {}
                _ => {
                    // RFC 6376 §3.4.2: "Delete any WSP characters remaining before and after the colon"
                    if std::mem::take(&mut space) && text.len() > start {
                        text.push(b' ');
                    }
                    text.push(octet);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::Header;

    fn canonical(form: HeaderForm, raw: &[u8]) -> String {
        let header = Header::parse(raw.to_vec());
        let mut text = Vec::new();
        header.fields().for_each(|field| form.put(field, &mut text));
        text.escape_ascii().to_string()
    }

    /// RFC 6376 §3.4.5.
    #[test]
    fn the_examples_of_the_rfc() {
        let raw = b"A: X\r\nB : Y\t\r\n\tZ  \r\n";
        assert_eq!(canonical(HeaderForm::Relaxed, raw), r"a:X\r\nb:Y Z\r\n");
        assert_eq!(canonical(HeaderForm::Simple, raw), r"A: X\r\nB : Y\t\r\n\tZ  \r\n");
        assert_eq!(canonical(HeaderForm::Nofws, raw), r"A:X\r\nB:YZ\r\n");
    }

    #[test]
    fn unusual_fields() {
        for (raw, relaxed) in [
            (&b"A:\r\n"[..], r"a:\r\n"),
            (b"A:\r\n \r\n", r"a:\r\n"),
            (b"A: \r\n b\r\n", r"a:b\r\n"),
            (b"A", r":A\r\n"),
            (b"A: b", r"a:b\r\n"),
            (b"A: b\rc\nd\r\n", r"a:b\rc\nd\r\n"),
            (b"A: b \r\r\n", r"a:b \r\r\n"),
            (b"A: caf\xc3\xa9 \xff\r\n", r"a:caf\xc3\xa9 \xff\r\n"),
        ] {
            assert_eq!(canonical(HeaderForm::Relaxed, raw), relaxed, "{}", raw.escape_ascii());
        }
    }

    #[test]
    fn what_is_cut_out_leaves_no_trace() {
        let header = Header::parse(b"S: a; b= \r\n xx ; c\r\n".to_vec());
        let field = header.field(0).unwrap();
        let mut text = Vec::new();
        HeaderForm::Relaxed.put_cut(field, Some(6..13), &mut text);
        assert_eq!(text.escape_ascii().to_string(), "s:a; b=; c");
        text.clear();
        HeaderForm::Simple.put_cut(field, Some(6..13), &mut text);
        assert_eq!(text.escape_ascii().to_string(), "S: a; b=; c");
    }
}
