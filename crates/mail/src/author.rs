//! Who wrote a message: the one author that a signature may speak for.

use crate::{AddressError, Domain, Header, Mailbox, parse_mailboxes};
use mail_parser::{HeaderName, MessageParser};
use memchr::{memchr, memchr2_iter};
use thiserror::Error;

/// How long a From field can be for a second parser to be asked about it, which may take long over it.
const LONGEST: usize = 64 << 10;

/// The author of a message: the addresses of its one From field, all of one domain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Author {
    /// At least one.
    mailboxes: Vec<Mailbox>,
}

/// Why nobody can be said to be the author.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum AuthorError {
    /// RFC 5322 §3.6 wants exactly one From field.
    #[error("no From field")]
    NoFrom,
    /// RFC 5322 §3.6 wants exactly one From field.
    #[error("more than one From field")]
    SeveralFrom,
    /// The field holds no address.
    #[error("no address in From field")]
    NoAddress,
    /// The field holds addresses of several domains.
    #[error("addresses of several domains in From field")]
    SeveralDomains,
    /// The field cannot be read for certain.
    #[error("unclear From field: {0}")]
    Malformed(#[from] AddressError),
    /// The field is longer than any that is meant for people.
    #[error("From field over {LONGEST} octets")]
    TooLong,
    /// A second parser reads another author, so a mail client may as well.
    #[error("From field that two parsers read differently")]
    Disputed,
}

impl Author {
    /// Finds the author of a message.
    pub fn of(header: &Header) -> Result<Self, AuthorError> {
        let mut from = header.named("from");
        let (_, field) = from.next().ok_or(AuthorError::NoFrom)?;
        if from.next().is_some() {
            return Err(AuthorError::SeveralFrom);
        }
        if field.raw().len() > LONGEST {
            return Err(AuthorError::TooLong);
        }
        let mailboxes = parse_mailboxes(field.value())?;
        let first = mailboxes.first().ok_or(AuthorError::NoAddress)?;
        if mailboxes.iter().any(|mailbox| mailbox.domain != first.domain) {
            return Err(AuthorError::SeveralDomains);
        }
        let is_plain = is_plain_address(field.value()) && has_plain_fields(header);
        if !is_plain && !is_seconded(header, &mailboxes) {
            return Err(AuthorError::Disputed);
        }
        Ok(Self { mailboxes })
    }

    /// The first author's address.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailboxes[0]
    }

    /// The first author's address, without a copy.
    #[must_use]
    pub fn into_mailbox(mut self) -> Mailbox {
        self.mailboxes.swap_remove(0)
    }

    /// The addresses of all the authors, at least one.
    #[must_use]
    pub fn mailboxes(&self) -> &[Mailbox] {
        &self.mailboxes
    }

    /// The domain of all the authors.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.mailbox().domain
    }
}

/// Whether the address of a From field stands there so plainly that no two readers can differ about it: bare, or in
/// angle brackets behind words of letters and digits. It is known to be an address field.
fn is_plain_address(value: &[u8]) -> bool {
    let text = value.trim_ascii();
    let open = text.iter().position(|&octet| octet == b'<');
    let address = open.map_or(text, |open| &text[open..]);
    value.iter().all(|octet| octet.is_ascii_alphanumeric() || b" .-_+@<>".contains(octet))
        && !address.contains(&b' ')
}

/// Whether no two readers can differ about which fields a header has: each is named as RFC 5322 §2.2 wants it, and
/// nothing but CR LF could be taken for the end of a line.
fn has_plain_fields(header: &Header) -> bool {
    let is_named = |name: &[u8], raw: &[u8]| {
        !name.is_empty() && name.iter().all(u8::is_ascii_graphic) && raw.get(name.len()) == Some(&b':')
    };
    let raw = header.raw();
    header.fields().all(|field| is_named(field.name(), field.raw()))
        && memchr2_iter(b'\r', b'\n', raw).all(|at| match raw[at] {
            b'\r' => raw.get(at + 1) == Some(&b'\n'),
            _ => at > 0 && raw[at - 1] == b'\r',
        })
}

/// Whether mail-parser finds the same domains in what it takes for the From field, such as `Fr om:`.
///
/// It must not decide (it takes the last of two fields, and drops quoted local parts), but what it reads a mail
/// client may read too. So the domains are compared, and they are what a signature speaks for.
fn is_seconded(header: &Header, mailboxes: &[Mailbox]) -> bool {
    if header.fields().filter(|field| may_be_from(field.raw())).count() > 1 {
        return false;
    }
    let parser = MessageParser::new().header_address(HeaderName::From).default_header_ignore();
    let Some(message) = parser.parse_headers(header.raw()) else { return false };
    let Some(from) = message.from() else { return false };
    let domain = |address: &str| Domain::parse(address.rsplit_once('@')?.1).ok();
    from.iter()
        .map(|address| address.address().and_then(domain))
        .eq(mailboxes.iter().map(|mailbox| Some(mailbox.domain.clone())))
}

/// Whether somebody may take a field for From: these are the characters before the first colon, with blanks, controls
/// and line ends between and around them, which some readers trim off.
fn may_be_from(raw: &[u8]) -> bool {
    let Some(colon) = memchr(b':', raw) else { return false };
    raw[..colon].iter().filter(|octet| octet.is_ascii_graphic()).map(u8::to_ascii_lowercase).eq(*b"from")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn author(header: &str) -> Result<String, AuthorError> {
        Author::of(&Header::parse(header.as_bytes().to_vec())).map(|author| author.mailbox().to_string())
    }

    #[test]
    fn the_one_from_field_names_the_author() {
        for (header, address) in [
            ("From: Joe <joe@b.example>\r\n", "joe@b.example"),
            ("To: x@y.example\r\nfrom : joe@b.example\r\n", "joe@b.example"),
            ("From: joe@b.example, ann@b.example\r\n", "joe@b.example"),
            ("From: \"a, b\" <joe@B.Example>\r\n", "joe@b.example"),
            ("From: =?utf-8?Q?J=C3=B6?=\r\n <joe@b.example>\r\n", "joe@b.example"),
            ("From: jö@bücher.example\r\n", "jö@xn--bcher-kva.example"),
            ("From: Team: joe@b.example;\r\n", "joe@b.example"),
        ] {
            assert_eq!(author(header).as_deref(), Ok(address), "{header}");
        }
    }

    #[test]
    fn who_is_not_sure_is_nobody() {
        for (header, error) in [
            ("To: a@b.example\r\n", AuthorError::NoFrom),
            ("From: a@b.example\r\nFROM: c@d.example\r\n", AuthorError::SeveralFrom),
            ("From: a@b.example, c@d.example\r\n", AuthorError::SeveralDomains),
            ("From: undisclosed:;\r\n", AuthorError::NoAddress),
            ("From: <a@b.example> <c@d.example>\r\n", AuthorError::Malformed(AddressError::Syntax)),
            ("From: a@b.example\r\nFr om: c@d.example\r\n", AuthorError::Disputed),
            ("From: a@b.example\r\nFrom\x0b: c@d.example\r\n", AuthorError::Disputed),
            ("From: a@b.example\r\nFrom\x0c: c@d.example\r\n", AuthorError::Disputed),
            ("From: a@b.example\r\n\x0bFrom: c@d.example\r\n", AuthorError::Disputed),
            ("From: a@b.example\r\nFrom\r\n : c@d.example\r\n", AuthorError::Disputed),
            ("\u{a0}From: c@d.example\r\nFrom: a@b.example\r\n", AuthorError::Disputed),
        ] {
            assert_eq!(author(header), Err(error), "{header}");
        }
    }

    /// Every address field of a few octets that is read and looks plain.
    #[test]
    fn what_is_plain_needs_no_second_parser() {
        let alphabet = *b"a .-@<>";
        let mut plain = 0;
        for length in 0..=7_u32 {
            for n in 0..alphabet.len().pow(length) {
                let octet = |i| alphabet[n / alphabet.len().pow(i) % alphabet.len()];
                let value: Vec<u8> = (0..length).map(octet).collect();
                let read = is_plain_address(&value).then(|| parse_mailboxes(&value));
                let Some(Ok(mailboxes)) = read else { continue };
                if mailboxes.is_empty() {
                    continue;
                }
                let header = Header::parse([b"From:", &value[..], b"\r\n"].concat());
                assert!(
                    has_plain_fields(&header) && is_seconded(&header, &mailboxes),
                    "{}",
                    value.escape_ascii()
                );
                plain += 1;
            }
        }
        assert!(plain > 1000, "{plain}");
    }

    #[test]
    fn what_could_be_read_otherwise_is_not_plain() {
        for value in [
            "a@b.example, c@b.example",
            "\"a\" <a@b.example>",
            "(a) a@b.example",
            "a @b.example",
            "a@b.example b",
        ] {
            assert!(!is_plain_address(value.as_bytes()), "{value}");
        }
        let is_plain = |raw: &str| has_plain_fields(&Header::parse(raw.as_bytes().to_vec()));
        assert!(is_plain("From: a@b.example\r\nTo: b\r\n\tc\r\n"));
        for header in [
            "Fr om: a@b.example\r\n",
            "From : a@b.example\r\n",
            " From: a@b.example\r\n",
            "From\r\n",
            "X: a\nFrom: a@b.example\r\n",
            "X: a\rFrom: a@b.example\r\n",
            "\nFrom: a@b.example\r\n",
            "X: a\r",
            "Fr\u{f6}m: a@b.example\r\n",
            "\0From: a@b.example\r\n",
            ": a@b.example\r\n",
        ] {
            assert!(!is_plain(header), "{header:?}");
        }
    }
}
