//! Reverse-paths and forward-paths (RFC 5321, section 4.1.2; RFC 6531, section 3.3).
//!
//! A path is passed on as it came. What is checked is only that it is one path: that it ends where
//! everyone would say that it ends, and holds nothing that could stand for more.

use bytes::Bytes;
use std::fmt;

/// A path, with its angle brackets.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct Path(Bytes);

impl Path {
    /// Takes a path off the beginning of `text`, and says what follows it.
    #[must_use]
    pub fn take(text: &Bytes) -> Option<(Self, Bytes)> {
        let end = closing_bracket(text)?;
        let path = text.slice(..=end);
        std::str::from_utf8(&path).ok()?;
        Some((Self(path), text.slice(end + 1..)))
    }

    /// Whether it is `<>`, the reverse-path of bounces.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.0.len() == 2
    }

    /// Whether it needs SMTPUTF8.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.0.is_ascii()
    }

    /// The path with its brackets.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The mailbox alone: no brackets, no source route. Empty for `<>`.
    #[must_use]
    pub fn mailbox(&self) -> &str {
        // A path is UTF-8 when it is made.
        let inner = std::str::from_utf8(&self.0[1..self.0.len() - 1]).unwrap_or_default();
        // RFC 5321 §4.1.2: A-d-l = At-domain *( "," At-domain ); it ends in a colon.
        match inner.strip_prefix('@').and_then(|route| route.split_once(':')) {
            Some((_, mailbox)) => mailbox,
            None => inner,
        }
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path({})", self.0.escape_ascii())
    }
}

/// Where the `>` stands that closes the `<` at the beginning.
fn closing_bracket(text: &[u8]) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    if text.first() != Some(&b'<') {
        return None;
    }
    for (at, &byte) in text.iter().enumerate().skip(1) {
        match byte {
            _ if byte.is_ascii_control() => return None,
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(at),
            b' ' | b'<' if !quoted => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(text: &str) -> Option<(String, String, String)> {
        let (path, rest) = Path::take(&Bytes::copy_from_slice(text.as_bytes()))?;
        let whole = String::from_utf8(path.as_bytes().to_vec()).unwrap();
        Some((whole, path.mailbox().to_owned(), String::from_utf8(rest.to_vec()).unwrap()))
    }

    #[test]
    fn what_is_a_path_and_where_it_ends() {
        for (text, path, mailbox, rest) in [
            ("<>", "<>", "", ""),
            ("<a@b.example> SIZE=1", "<a@b.example>", "a@b.example", " SIZE=1"),
            (r#"<"a>b\" c"@d>x"#, r#"<"a>b\" c"@d>"#, r#""a>b\" c"@d"#, "x"),
            ("<@a,@b:c@d>", "<@a,@b:c@d>", "c@d", ""),
            ("<postmaster>", "<postmaster>", "postmaster", ""),
            ("<\u{e4}@\u{f6}.example>", "<\u{e4}@\u{f6}.example>", "\u{e4}@\u{f6}.example", ""),
            ("<a@[IPv6:::1]>", "<a@[IPv6:::1]>", "a@[IPv6:::1]", ""),
        ] {
            assert_eq!(take(text), Some((path.into(), mailbox.into(), rest.into())), "{text}");
        }
        for text in ["", "a@b", "<a@b", "<a b@c>", "<<a@b>>", "<a\r@b>", "<\"a@b>", "<\"a\\\">", "<a\0@b>"] {
            assert_eq!(take(text), None, "{text:?}");
        }
        assert!(Path::take(&Bytes::from_static(b"<\xff@b>")).is_none());
    }
}
