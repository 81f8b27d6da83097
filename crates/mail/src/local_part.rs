//! The local part of an address as it is written (RFC 5321 §4.1.2, RFC 6531 §3.3).

use std::borrow::Cow;

/// A character of an atom (RFC 5322 §3.2.3, RFC 6532 §3.2).
#[must_use]
pub fn is_atom_char(c: char) -> bool {
    let is_beyond_ascii = !c.is_ascii() && !c.is_whitespace() && !c.is_control();
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_beyond_ascii
}

/// Whether a text is a local part as it is written in an address: with quotation marks where it needs them.
///
/// RFC 5321 §4.1.2: "Local-part     = Dot-string / Quoted-string"
#[must_use]
pub fn is_local_part(text: &str) -> bool {
    is_dot_string(text) || is_quoted_string(text)
}

/// A local part without quotation marks, as it is written: with those that it needs.
#[must_use]
pub fn written(local_part: &str) -> Cow<'_, str> {
    if is_dot_string(local_part) {
        return Cow::Borrowed(local_part);
    }
    Cow::Owned(format!("\"{}\"", local_part.replace('\\', "\\\\").replace('"', "\\\"")))
}

fn is_dot_string(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char))
}

/// Whether this is one quoted string, with its marks.
fn is_quoted_string(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return false };
    let mut escaped = false;
    for c in inner.chars() {
        match c {
            _ if c.is_control() => return false,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return false,
            _ => {}
        }
    }
    !escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_no_mending_is_a_local_part() {
        for sound in ["a", "a.b", "a+b", "ë", "\"\"", "\"a b@c\"", "\"a\\\"\\\\\"", "\"ë\""] {
            assert!(is_local_part(sound), "{sound}");
        }
        for broken in
            ["", ".", "a.", ".a", "a..b", "a b", "a@b", "a\"b", "\"", "\"a", "\"a\"b\"", "\"\\\"", "a\n"]
        {
            assert!(!is_local_part(broken), "{broken}");
        }
    }

    #[test]
    fn what_is_written_is_one_unless_it_holds_a_control() {
        for (local_part, expected) in [
            ("a.b", "a.b"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("a\"\\", "\"a\\\"\\\\\""),
            ("\"a\"", "\"\\\"a\\\"\""),
        ] {
            assert_eq!(written(local_part), expected);
            assert!(is_local_part(expected), "{expected}");
        }
        assert!(!is_local_part(&written("a\nb")));
    }
}
