//! What stands in `i=` (RFC 6376 §3.5), and its local part (RFC 5321 §4.1.2, RFC 6531 §3.3).

use crate::encoding::quoted_printable_encode;
use crate::fill::LONGEST;
use crate::signing::SignError;
use mail::Domain;

/// `i=` as it is written, with A-labels.
pub(super) fn encoded(identity: &str, signing: &Domain) -> Result<String, SignError> {
    let (local_part, domain) = identity.rsplit_once('@').ok_or(SignError::Identity)?;
    let domain = Domain::parse(domain).map_err(|_| SignError::Identity)?;
    let local_part = written(local_part).ok_or(SignError::Identity)?;
    if !domain.is_within(signing) {
        return Err(SignError::IdentityOutside);
    }
    // RFC 6376 §3.5: "Internationalized domain names MUST be encoded as A-labels"
    let text = quoted_printable_encode(format!("{local_part}@{domain}").as_bytes(), b"\"");
    // Blanks may stand around the value and nowhere in it, so it has a line of its own at worst.
    if "\ti=;".len() + text.len() < LONGEST { Ok(text) } else { Err(SignError::IdentityTooLong) }
}

/// Whether a text is a local part as it is written in an address: with quotation marks where it needs them.
///
/// RFC 5321 §4.1.2: "Local-part     = Dot-string / Quoted-string"
#[must_use]
pub fn is_local_part(text: &str) -> bool {
    is_dot_string(text) || is_quoted_string(text)
}

/// The local part with the quotation marks that it needs and does not have. None is none.
fn written(local_part: &str) -> Option<String> {
    if local_part.is_empty() || is_local_part(local_part) {
        return Some(local_part.to_owned());
    }
    let quoted = format!("\"{}\"", local_part.replace('\\', "\\\\").replace('"', "\\\""));
    is_quoted_string(&quoted).then_some(quoted)
}

fn is_dot_string(text: &str) -> bool {
    let marks = "!#$%&'*+-/=?^_`{|}~";
    let is_atext = |c: char| c.is_ascii_alphanumeric() || marks.contains(c) || is_beyond_ascii(c);
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

fn is_quoted_string(text: &str) -> bool {
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|inner| {
        let mut characters = inner.chars();
        while let Some(character) = characters.next() {
            let sound = match character {
                '"' => false,
                '\\' => characters.next().is_some_and(|escaped| matches!(escaped, ' '..='~')),
                ' '..='~' => true,
                other => is_beyond_ascii(other),
            };
            if !sound {
                return false;
            }
        }
        true
    })
}

/// RFC 6531 §3.3 allows them wherever RFC 5321 allows letters.
fn is_beyond_ascii(character: char) -> bool {
    !character.is_ascii() && !character.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(local_part: &str) -> Result<String, String> {
        let domain = Domain::parse("a.example").unwrap();
        encoded(&format!("{local_part}@A.example"), &domain).map_err(|error| error.to_string())
    }

    #[test]
    fn local_parts_are_written_as_addresses_have_them() {
        for (local_part, expected) in [
            ("", "@a.example"),
            ("joe", "joe@a.example"),
            ("j.o+e=x", "j.o+e=3Dx@a.example"),
            ("zoë", "zo=C3=AB@a.example"),
            ("\"a b@c\"", "=22a=20b@c=22@a.example"),
            ("\"a\\\"b;\"", "=22a\\=22b=3B=22@a.example"),
            ("\"\"", "=22=22@a.example"),
            // What lacks its quotation marks gets them, as an author's does who was read out of From.
            ("a b", "=22a=20b=22@a.example"),
            ("a..b", "=22a..b=22@a.example"),
            (".a", "=22.a=22@a.example"),
            ("a\"\\", "=22a\\=22\\\\=22@a.example"),
            ("\"", "=22\\=22=22@a.example"),
            ("\"a\"b\"", "=22\\=22a\\=22b\\=22=22@a.example"),
        ] {
            assert_eq!(of(local_part).as_deref(), Ok(expected), "{local_part}");
        }
        for local_part in ["a\nb", "\"a\nb\"", "a\tb", "a\0", "\u{7f}", "\u{85}", "\"a\\\u{e9}\n\""] {
            assert_eq!(of(local_part), Err("the identity is not an address".to_owned()), "{local_part:?}");
        }
    }

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
    fn a_line_holds_it_or_it_is_refused() {
        let longest = LONGEST - 1 - "\ti=@a.example;".len();
        assert_eq!(of(&"a".repeat(longest)).map(|text| text.len()), Ok(longest + "@a.example".len()));
        let expected = "the identity is too long for a line";
        assert_eq!(of(&"a".repeat(longest + 1)), Err(expected.to_owned()));
        assert_eq!(of(&" ".repeat(longest / 2)), Err(expected.to_owned()));
    }
}
