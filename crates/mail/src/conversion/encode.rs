//! The two encodings of RFC 2045 §6.7 and §6.8.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// RFC 2045 §6.7 (5) and §6.8: no encoded line is longer than this.
const LINE: usize = 76;
/// What makes a whole line of base64.
const TRIPLES: usize = LINE / 4 * 3;

/// Quoted-printable of octets, whose line ends stay line ends.
pub(super) fn quote(octets: &[u8]) -> Vec<u8> {
    by_line(octets, |line, quoted| {
        for (at, &byte) in line.iter().enumerate() {
            // A blank must not end a line, or it is taken for padding (§6.7 (3)).
            let is_plain = match byte {
                b' ' | b'\t' => at + 1 < line.len(),
                b'=' => false,
                _ => byte.is_ascii_graphic(),
            };
            quoted.unit(if is_plain { &line[at..=at] } else { &[] }, byte);
        }
    })
}

/// Quoted-printable made sound: long lines are broken, and what stands there plainly but must not is quoted. What is
/// quoted already stays, so that it decodes to the same.
pub(super) fn requote(octets: &[u8]) -> Vec<u8> {
    by_line(octets, |line, quoted| {
        let line = line.trim_ascii_end();
        let mut at = 0;
        while let Some(&byte) = line.get(at) {
            let unit = match &line[at..] {
                [b'=', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => 3,
                // A soft line break.
                [b'='] => return quoted.out.push(b'='),
                _ => 1,
            };
            let is_plain =
                unit == 3 || byte.is_ascii_graphic() && byte != b'=' || matches!(byte, b' ' | b'\t');
            quoted.unit(if is_plain { &line[at..at + unit] } else { &[] }, byte);
            at += unit;
        }
    })
}

/// Base64 in lines, each of them ended.
pub(super) fn armour(octets: &[u8]) -> Vec<u8> {
    let mut out = String::with_capacity(octets.len() / TRIPLES * (LINE + 2) + LINE + 2);
    for line in octets.chunks(TRIPLES) {
        STANDARD.encode_string(line, &mut out);
        out.push_str("\r\n");
    }
    out.into_bytes()
}

/// Base64 in lines, out of base64 in lines of any length; nothing for what is no base64.
pub(super) fn rearmour(octets: &[u8]) -> Option<Vec<u8>> {
    let bare: Vec<u8> = octets.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let sound = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let lines = || bare.chunks(LINE).flat_map(|line| line.iter().chain(b"\r\n").copied());
    bare.iter().all(sound).then(|| lines().collect())
}

/// A line of quoted-printable that grows.
struct Quoted {
    out: Vec<u8>,
    /// Where the line starts in it.
    line: usize,
}

impl Quoted {
    /// Adds what stands for one octet: as it is, or quoted if `plain` is empty.
    fn unit(&mut self, plain: &[u8], byte: u8) {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let quoted = [b'=', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
        let mut unit = if plain.is_empty() { &quoted } else { plain };
        // There must be room for the mark of a soft line break.
        if self.out.len() - self.line + unit.len() >= LINE {
            self.out.extend_from_slice(b"=\r\n");
            self.line = self.out.len();
            // A line that was none before must not look like a boundary, which begins with two of these.
            if unit == b"-" {
                unit = &quoted;
            }
        }
        self.out.extend_from_slice(unit);
    }
}

/// Quotes line by line. Only CR LF ends a line.
fn by_line(octets: &[u8], quote: impl Fn(&[u8], &mut Quoted)) -> Vec<u8> {
    let mut quoted = Quoted { out: Vec::with_capacity(octets.len() + octets.len() / 8), line: 0 };
    let mut rest = octets;
    while let Some(end) = memchr::memmem::find(rest, b"\r\n") {
        quote(&rest[..end], &mut quoted);
        quoted.out.extend_from_slice(b"\r\n");
        quoted.line = quoted.out.len();
        rest = &rest[end + 2..];
    }
    quote(rest, &mut quoted);
    quoted.out
}
