//! Patterns for addresses and texts.

use mail::{Domain, Mailbox};
use std::fmt;

/// A pattern for an address, or for whatever has a domain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AddressPattern {
    /// Every address of this domain.
    Domain(Domain),
    /// Every address of this domain and of its subdomains.
    Within(Domain),
    /// This address. Case does not matter, neither on the left side: nobody has two mailboxes that differ in it.
    Address(Mailbox),
    /// This address, with or without something like `+news` at the end of its local part.
    Extended(Mailbox),
    /// Every address that this text fits: `*` stands for anything, `?` for one character.
    Glob(Glob),
}

impl AddressPattern {
    /// Whether an address fits.
    #[must_use]
    pub fn fits(&self, address: &Mailbox) -> bool {
        match self {
            Self::Domain(domain) => address.domain == *domain,
            Self::Within(domain) => address.domain.is_within(domain),
            Self::Address(own) => {
                own.domain == address.domain && same_text(&own.local_part, &address.local_part)
            }
            Self::Extended(own) => {
                own.domain == address.domain
                    && same_text(&own.local_part, without_extension(&address.local_part))
            }
            Self::Glob(glob) => glob.fits(&address.to_string()),
        }
    }

    /// The domain that all the addresses that fit belong to, if there is one.
    pub(super) fn domain(&self) -> Option<&Domain> {
        match self {
            Self::Domain(domain) | Self::Within(domain) => Some(domain),
            Self::Address(own) | Self::Extended(own) => Some(&own.domain),
            Self::Glob(_) => None,
        }
    }

    /// The domain under which a rule with this pattern is found.
    pub(super) fn index_domain(&self) -> Option<Domain> {
        match self {
            Self::Glob(glob) => glob.domain(),
            _ => self.domain().cloned(),
        }
    }
}

impl fmt::Display for AddressPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => write!(f, "{domain}"),
            Self::Within(domain) => write!(f, "{domain} and its subdomains"),
            Self::Address(address) => write!(f, "{address}"),
            Self::Extended(address) => write!(f, "{address} with any extension"),
            Self::Glob(glob) => write!(f, "{glob}"),
        }
    }
}

/// A text with `*` and `?` in it. ASCII case does not matter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Glob(String);

impl Glob {
    /// Takes a pattern.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_ascii_lowercase())
    }

    /// The domain of all the addresses that fit, where the pattern says it in full.
    fn domain(&self) -> Option<Domain> {
        let (_, domain) = self.0.rsplit_once('@')?;
        Domain::parse(domain).ok()
    }

    /// Whether every text that fits another pattern fits this one; found out in the plain cases only.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let is_plain = !other.0.contains(['*', '?']);
        self.0 == "*" || self == other || (is_plain && self.fits(&other.0))
    }

    /// Whether the whole text fits.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        let pattern: Vec<char> = self.0.chars().collect();
        let text: Vec<char> = text.chars().map(|c| c.to_ascii_lowercase()).collect();
        let (mut at, mut in_text) = (0, 0);
        // Where the last star stood, and how much of the text it has swallowed so far: only that star ever has to
        // swallow more, so the time is the product of the lengths at worst.
        let mut star = None;
        while in_text < text.len() {
            match pattern.get(at) {
                Some('*') => {
                    star = Some((at, in_text));
                    at += 1;
                }
                Some(c) if *c == '?' || *c == text[in_text] => {
                    at += 1;
                    in_text += 1;
                }
                _ => {
                    let Some((star_at, swallowed)) = star else { return false };
                    star = Some((star_at, swallowed + 1));
                    (at, in_text) = (star_at + 1, swallowed + 1);
                }
            }
        }
        pattern[at..].iter().all(|c| *c == '*')
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn same_text(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

fn without_extension(local_part: &str) -> &str {
    match local_part.split_once('+') {
        Some((plain, _)) if !plain.is_empty() => plain,
        _ => local_part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Mailbox {
        let (local_part, domain) = text.rsplit_once('@').unwrap();
        Mailbox { local_part: local_part.to_owned(), domain: Domain::parse(domain).unwrap() }
    }

    #[test]
    fn addresses_fit_or_do_not() {
        let domain = || Domain::parse("a.example").unwrap();
        let joe = || address("joe@a.example");
        for (pattern, fitting, others) in [
            (AddressPattern::Domain(domain()), &["x@A.example"][..], &["x@b.a.example", "x@example"][..]),
            (AddressPattern::Within(domain()), &["x@a.example", "x@c.b.a.example"], &["x@ba.example"]),
            (AddressPattern::Address(joe()), &["Joe@a.example"], &["joe+x@a.example", "joe@b.a.example"]),
            (AddressPattern::Extended(joe()), &["joe@a.example", "JOE+x+y@a.example"], &["joey@a.example"]),
            (AddressPattern::Glob(Glob::new("*-news@*.example")), &["a-news@b.example"], &["news@a.example"]),
        ] {
            assert!(fitting.iter().all(|text| pattern.fits(&address(text))), "{pattern}");
            assert!(others.iter().all(|text| !pattern.fits(&address(text))), "{pattern}");
        }
    }

    /// Every pattern and every text of up to four characters, against a reference that tries everything.
    #[test]
    fn globs_are_what_a_naive_reader_thinks() {
        fn naive(pattern: &[u8], text: &[u8]) -> bool {
            match (pattern, text) {
                ([], []) => true,
                ([b'*', rest @ ..], _) => (0..=text.len()).any(|cut| naive(rest, &text[cut..])),
                ([b'?', rest @ ..], [_, text @ ..]) => naive(rest, text),
                ([c, rest @ ..], [d, text @ ..]) => c == d && naive(rest, text),
                _ => false,
            }
        }
        let words = |alphabet: &'static [u8]| {
            (0..=4_u32).flat_map(move |len| {
                (0..alphabet.len().pow(len)).map(move |n| {
                    (0..len)
                        .map(|i| alphabet[n / alphabet.len().pow(i) % alphabet.len()])
                        .collect::<Vec<u8>>()
                })
            })
        };
        for pattern in words(b"*?ab") {
            let glob = Glob::new(std::str::from_utf8(&pattern).unwrap());
            for text in words(b"ab") {
                let text_str = std::str::from_utf8(&text).unwrap();
                assert_eq!(glob.fits(text_str), naive(&pattern, &text), "{glob} {text_str}");
            }
        }
    }
}
