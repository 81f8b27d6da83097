//! What EHLO offers (RFC 5321, section 4.1.1.1): read from the next hop, and written to the client.

use crate::reply::Reply;
use crate::xforward::AttributeSet;

/// An extension that we know. Whatever else a next hop offers is not passed on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Extension {
    /// RFC 2920
    Pipelining,
    /// RFC 1870
    Size,
    /// RFC 6152
    EightBitMime,
    /// RFC 6531
    Smtputf8,
    /// RFC 3461
    Dsn,
    /// RFC 2034
    EnhancedStatusCodes,
    /// RFC 3030
    Chunking,
    /// Postfix's XFORWARD how-to
    Xforward,
    /// Postfix's XCLIENT how-to
    Xclient,
}

impl Extension {
    /// Each of them, in the order in which EHLO names them.
    pub const ALL: [Self; 9] = [
        Self::Pipelining,
        Self::Size,
        Self::EightBitMime,
        Self::Smtputf8,
        Self::Dsn,
        Self::EnhancedStatusCodes,
        Self::Chunking,
        Self::Xforward,
        Self::Xclient,
    ];

    /// The word in the reply to EHLO.
    #[must_use]
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Pipelining => "PIPELINING",
            Self::Size => "SIZE",
            Self::EightBitMime => "8BITMIME",
            Self::Smtputf8 => "SMTPUTF8",
            Self::Dsn => "DSN",
            Self::EnhancedStatusCodes => "ENHANCEDSTATUSCODES",
            Self::Chunking => "CHUNKING",
            Self::Xforward => "XFORWARD",
            Self::Xclient => "XCLIENT",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of extensions.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Extensions(u16);

impl Extensions {
    /// The set with one more in it.
    #[must_use]
    pub const fn with(self, extension: Extension) -> Self {
        Self(self.0 | extension.bit())
    }

    /// The set with one less in it.
    #[must_use]
    pub const fn without(self, extension: Extension) -> Self {
        Self(self.0 & !extension.bit())
    }

    /// Whether `extension` is in it.
    #[must_use]
    pub const fn has(self, extension: Extension) -> bool {
        self.0 & extension.bit() != 0
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl FromIterator<Extension> for Extensions {
    fn from_iter<I: IntoIterator<Item = Extension>>(extensions: I) -> Self {
        extensions.into_iter().fold(Self::default(), Self::with)
    }
}

/// What one server offers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Offer {
    /// The extensions.
    pub extensions: Extensions,
    /// The largest message (RFC 1870), where one is named.
    pub size: Option<u64>,
    /// The attributes that XFORWARD takes.
    pub xforward: AttributeSet,
    /// The attributes that XCLIENT takes.
    pub xclient: AttributeSet,
}

impl Offer {
    /// Reads the reply to EHLO. Keywords that we do not know are left out.
    #[must_use]
    pub fn parse(reply: &Reply) -> Self {
        let mut offer = Self::default();
        for line in reply.lines().skip(1) {
            offer.read(line);
        }
        offer
    }

    fn read(&mut self, line: &[u8]) {
        // Some servers write an equals sign where a blank belongs.
        let mut words =
            line.split(|&byte| matches!(byte, b' ' | b'=' | b'\t')).filter(|word| !word.is_empty());
        let Some(keyword) = words.next() else { return };
        let is_it = |known: &Extension| keyword.eq_ignore_ascii_case(known.keyword().as_bytes());
        let Some(extension) = Extension::ALL.into_iter().find(is_it) else { return };
        self.extensions = self.extensions.with(extension);
        match extension {
            Extension::Size => {
                let number = words.next().and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
                // RFC 1870 §3: 0 says that there is no fixed maximum.
                self.size = number.filter(|&number| number > 0);
            }
            Extension::Xforward => self.xforward = AttributeSet::parse(words),
            Extension::Xclient => self.xclient = AttributeSet::parse(words),
            _ => {}
        }
    }

    /// Whether `extension` is offered.
    #[must_use]
    pub const fn has(&self, extension: Extension) -> bool {
        self.extensions.has(extension)
    }

    /// The reply to EHLO that makes this offer.
    #[must_use]
    pub fn write(&self, hostname: &str) -> Reply {
        let offered = Extension::ALL.into_iter().filter(|&extension| self.has(extension));
        let lines: Vec<String> = offered
            .map(|extension| match (extension, self.size) {
                (Extension::Size, Some(size)) => format!("SIZE {size}"),
                (Extension::Xforward, _) => format!("XFORWARD{}", self.xforward),
                (Extension::Xclient, _) => format!("XCLIENT{}", self.xclient),
                _ => extension.keyword().to_owned(),
            })
            .collect();
        Reply::of_lines(250, std::iter::once(hostname).chain(lines.iter().map(String::as_str)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_read_as_it_is_written() {
        let offer = Offer {
            extensions: Extension::ALL.into_iter().collect(),
            size: Some(1000),
            xforward: AttributeSet::FORWARDED,
            xclient: AttributeSet::CLIENT,
        };
        assert_eq!(Offer::parse(&offer.write("mx.example")), offer);
        assert_eq!(Offer::parse(&Offer::default().write("mx.example")), Offer::default());
    }

    #[test]
    fn what_is_unknown_is_left_out() {
        let lines = ["mx.example", "STARTTLS", "AUTH PLAIN", "size 0", "8bitmime", "XFORWARD NAME XYZ", ""];
        let offer = Offer::parse(&Reply::of_lines(250, lines));
        assert_eq!(offer.write("h").wire(), "250-h\r\n250-SIZE\r\n250-8BITMIME\r\n250 XFORWARD NAME\r\n");
        assert_eq!(Offer::parse(&Reply::of_lines(250, ["mx.example", "SIZE=42"])).size, Some(42));
    }
}
