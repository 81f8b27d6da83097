//! What stands in `i=` (RFC 6376 §3.5).

use crate::encoding::quoted_printable_encode;
use crate::fill::LONGEST;
use crate::signing::SignError;
use mail::Domain;
use mail::local_part::{self, is_local_part};
use std::borrow::Cow;

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

/// The local part with the quotation marks that it needs and does not have. None is none.
fn written(local_part: &str) -> Option<Cow<'_, str>> {
    if local_part.is_empty() || is_local_part(local_part) {
        return Some(Cow::Borrowed(local_part));
    }
    Some(local_part::written(local_part)).filter(|written| is_local_part(written))
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
    fn a_line_holds_it_or_it_is_refused() {
        let longest = LONGEST - 1 - "\ti=@a.example;".len();
        assert_eq!(of(&"a".repeat(longest)).map(|text| text.len()), Ok(longest + "@a.example".len()));
        let expected = "the identity is too long for a line";
        assert_eq!(of(&"a".repeat(longest + 1)), Err(expected.to_owned()));
        assert_eq!(of(&" ".repeat(longest / 2)), Err(expected.to_owned()));
    }
}
