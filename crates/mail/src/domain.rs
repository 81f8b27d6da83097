//! Domain names (RFC 1034 §3.1, RFC 5890).

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A domain name in the form in which names are compared and looked up: A-labels, lower case, no final dot.
///
/// A label may hold an underscore, so that `s1._domainkey.example.org` is a name too.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Domain(Box<str>);

/// Why a text is no domain name.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum DomainError {
    /// Nothing there.
    #[error("empty domain name")]
    Empty,
    /// RFC 1035 §2.3.4: 255 octets on the wire, which are 253 in text.
    #[error("domain name longer than 253 octets")]
    TooLong,
    /// Two dots in a row, or one in front.
    #[error("empty label in domain name")]
    EmptyLabel,
    /// RFC 1035 §2.3.4.
    #[error("label longer than 63 octets in domain name")]
    LabelTooLong,
    /// An ASCII character other than letters, digits, hyphen and underscore.
    #[error("character {0:?} in domain name")]
    Character(char),
    /// Text beyond ASCII that RFC 5891 does not allow in a name.
    #[error("malformed internationalised domain name")]
    International,
}

impl Domain {
    /// Reads a name, with A-labels or U-labels, in any case, with or without a final dot.
    pub fn parse(text: &str) -> Result<Self, DomainError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_ascii() {
            return Self::from_ascii(text.to_ascii_lowercase());
        }
        let ascii = idna::domain_to_ascii(text).map_err(|_| DomainError::International)?;
        Self::from_ascii(ascii)
    }

    /// The name with A-labels.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name with U-labels where it has any, for people to read.
    #[must_use]
    pub fn to_unicode(&self) -> String {
        let (unicode, valid) = idna::domain_to_unicode(&self.0);
        if valid.is_ok() { unicode } else { self.0.to_string() }
    }

    /// Whether this is `other`, or a subdomain of it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.strip_suffix(&*other.0).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// The name without its first label.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.split_once('.').map(|(_, parent)| Self(parent.into()))
    }

    fn from_ascii(text: String) -> Result<Self, DomainError> {
        if text.is_empty() {
            return Err(DomainError::Empty);
        }
        if text.len() > 253 {
            return Err(DomainError::TooLong);
        }
        for label in text.split('.') {
            check_label(label)?;
        }
        Ok(Self(text.into_boxed_str()))
    }
}

fn check_label(label: &str) -> Result<(), DomainError> {
    if label.is_empty() {
        return Err(DomainError::EmptyLabel);
    }
    if label.len() > 63 {
        return Err(DomainError::LabelTooLong);
    }
    let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match label.chars().find(|c| !allowed(c)) {
        Some(c) => Err(DomainError::Character(c)),
        None => Ok(()),
    }
}

impl FromStr for Domain {
    type Err = DomainError;

    fn from_str(text: &str) -> Result<Self, DomainError> {
        Self::parse(text)
    }
}

impl AsRef<str> for Domain {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Domain {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, DomainError> {
        Domain::parse(text).map(|domain| domain.to_string())
    }

    #[test]
    fn names_are_folded_to_one_form() {
        for (text, name) in [
            ("Example.ORG.", "example.org"),
            ("s1._domainkey.example.org", "s1._domainkey.example.org"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(name), "{text}");
        }
        assert_eq!(Domain::parse("xn--bcher-kva.example").unwrap().to_unicode(), "bücher.example");
    }

    #[test]
    fn what_is_no_name_says_why() {
        for (text, error) in [
            ("", DomainError::Empty),
            (".", DomainError::Empty),
            ("a..b", DomainError::EmptyLabel),
            (".a", DomainError::EmptyLabel),
            ("a b", DomainError::Character(' ')),
            ("a\0b", DomainError::Character('\0')),
            ("a/b", DomainError::Character('/')),
        ] {
            assert_eq!(parse(text), Err(error), "{text:?}");
        }
        assert_eq!(parse(&"a".repeat(64)), Err(DomainError::LabelTooLong));
        assert_eq!(parse(&["a"; 128].join(".")), Err(DomainError::TooLong));
    }

    #[test]
    fn a_domain_is_within_itself_and_its_parents_only() {
        let domain = |text| Domain::parse(text).unwrap();
        assert!(domain("a.example").is_within(&domain("a.example")));
        assert!(domain("b.a.example").is_within(&domain("a.example")));
        assert!(!domain("ba.example").is_within(&domain("a.example")));
        assert!(!domain("example").is_within(&domain("a.example")));
        assert_eq!(domain("b.a.example").parent(), Some(domain("a.example")));
        assert_eq!(domain("example").parent(), None);
    }
}
