//! Base64 and dkim-quoted-printable, as tags hold them (RFC 6376 §2.10, §2.11).

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

/// Takes base64 with its padding or without, as key records in real zones have it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Writes base64 with padding.
pub(crate) fn base64_encode(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// Reads base64 with folding white space in it; nothing else may be wrong with it.
pub(crate) fn base64_decode(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(without_blanks(text)).ok()
}

/// Reads base64 with white space in it; the padding may be missing.
pub(crate) fn base64_decode_unpadded(text: &[u8]) -> Option<Vec<u8>> {
    LENIENT.decode(without_blanks(text)).ok()
}

/// The text without any white space.
pub(crate) fn without_blanks(text: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    for word in text.split(|octet| matches!(octet, b' ' | b'\t' | b'\r' | b'\n')) {
        octets.extend_from_slice(word);
    }
    octets
}

/// Reads dkim-quoted-printable. White space in it does not count.
pub(crate) fn quoted_printable_decode(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let text = without_blanks(text.as_bytes());
    let mut rest = text.as_slice();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'=' {
            octets.push(first);
            continue;
        }
        let (digits, tail) = tail.split_first_chunk::<2>()?;
        octets.push(hex(digits[0])? << 4 | hex(digits[1])?);
        rest = tail;
    }
    Some(octets)
}

/// Writes dkim-quoted-printable; `also` are further characters to be encoded.
pub(crate) fn quoted_printable_encode(octets: &[u8], also: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut text = String::with_capacity(octets.len());
    for &octet in octets {
        // RFC 6376 §2.11: "'!' - ':', '<', '>' - '~'"
        let safe = matches!(octet, b'!'..=b':' | b'<' | b'>'..=b'~') && !also.contains(&octet);
        if safe {
            text.push(char::from(octet));
        } else {
            let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
            text.extend(['=', digit(octet >> 4), digit(octet & 15)]);
        }
    }
    text
}

/// The value of a digit.
fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        // RFC 6376 §2.11: ""0123456789ABCDEF" (no lowercase characters permitted)"
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_may_be_folded_but_not_broken() {
        assert_eq!(base64_decode(b"aGVs\r\n bG8=").as_deref(), Some(&b"hello"[..]));
        for broken in [&b"aGVsbG8"[..], b"aGVsbG8==", b"aGVs-bG8=", b"aGVsbG8=x", b"aGVsbG9="] {
            assert_eq!(base64_decode(broken), None, "{}", broken.escape_ascii());
        }
        assert_eq!(base64_decode_unpadded(b"aGVs bG8").as_deref(), Some(&b"hello"[..]));
        assert_eq!(base64_decode_unpadded(b"aGVs*bG8"), None);
    }

    #[test]
    fn quoted_printable_goes_both_ways() {
        let all: Vec<u8> = (0..=255).collect();
        for also in [&b""[..], b"|"] {
            let text = quoted_printable_encode(&all, also);
            assert_eq!(quoted_printable_decode(&text).as_ref(), Some(&all));
            assert!(!text.contains([';', ' ', '\r']) && (also.is_empty() || !text.contains('|')));
        }
        assert_eq!(quoted_printable_decode("a =\r\n 3B b").as_deref(), Some(&b"a;b"[..]));
        for broken in ["=", "=4", "=4G", "=4a", "a=zz"] {
            assert_eq!(quoted_printable_decode(broken), None, "{broken}");
        }
    }
}
