//! Who wrote a message: the one author that a signature may speak for.

use crate::{AddressError, Domain, Header, Mailbox, parse_mailboxes};
use mail_parser::{HeaderName, MessageParser};
use thiserror::Error;

/// The author of a message: the addresses of its one From field, all of one domain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Author {
    /// At least one.
    mailboxes: Vec<Mailbox>,
    first: Mailbox,
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
        let mailboxes = parse_mailboxes(field.value())?;
        let first = mailboxes.first().ok_or(AuthorError::NoAddress)?;
        if mailboxes.iter().any(|mailbox| mailbox.domain != first.domain) {
            return Err(AuthorError::SeveralDomains);
        }
        if second_opinion(header)
            != mailboxes.iter().map(|mailbox| Some(mailbox.domain.clone())).collect::<Vec<_>>()
        {
            return Err(AuthorError::Disputed);
        }
        Ok(Self { first: first.clone(), mailboxes })
    }

    /// The first author's address.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.first
    }

    /// The addresses of all the authors, at least one.
    #[must_use]
    pub fn mailboxes(&self) -> &[Mailbox] {
        &self.mailboxes
    }

    /// The domain of all the authors.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.first.domain
    }
}

/// The domains that mail-parser finds in what it takes for the From field, such as `Fr om:`.
///
/// It must not decide (it takes the last of two fields, and drops quoted local parts), but what it reads a mail
/// client may read too. So the domains are compared, and they are what a signature speaks for.
fn second_opinion(header: &Header) -> Vec<Option<Domain>> {
    let parser = MessageParser::new().header_address(HeaderName::From).default_header_ignore();
    let Some(message) = parser.parse_headers(header.raw()) else { return Vec::new() };
    let Some(from) = message.from() else { return Vec::new() };
    let domain = |address: &str| Domain::parse(address.rsplit_once('@')?.1).ok();
    from.iter().map(|address| address.address().and_then(domain)).collect()
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
        ] {
            assert_eq!(author(header), Err(error), "{header}");
        }
    }
}
