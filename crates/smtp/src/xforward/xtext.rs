//! xtext (RFC 3461, section 4): an octet that cannot stand for itself is `+` and two hexadecimal digits.

use std::fmt::Write;

/// The octets that `text` stands for.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        match first {
            b'+' => {
                let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
                let digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(digits)?;
                octets.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &tail[2..];
            }
            // Postfix sends UTF-8 as it is where SMTPUTF8 is in use.
            b'!'..=b'<' | b'>'..=b'~' | 0x80.. => {
                octets.push(*first);
                rest = tail;
            }
            _ => return None,
        }
    }
    Some(octets)
}

/// `octets` as xtext.
pub(super) fn encode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for &octet in octets {
        match octet {
            b'+' | b'=' | ..=b' ' | 0x7f.. => {
                write!(text, "+{octet:02X}").expect("a string takes everything");
            }
            _ => text.push(char::from(octet)),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(encode(&all).as_bytes()), Some(all));
    }

    #[test]
    fn half_an_escape_is_refused() {
        for text in ["+", "+2", "+2G", "++2", "+-1", "a b", "a=b"] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }
}
