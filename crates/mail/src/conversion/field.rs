//! The fields of an entity that say what its body is (RFC 2045), and long lines in its header.

use super::Inconvertible;
use crate::Header;
use mail_parser::HeaderValue;
use mail_parser::parsers::MessageStream;

/// RFC 5322 §2.1.1: "Each line of characters MUST be no more than 998 characters"
const LONGEST: usize = 998;

/// What an entity is, as far as that decides how it may be encoded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Without Content-Type: text (RFC 2045 §5.2).
    Untold,
    Text,
    /// A leaf of any other type.
    Other,
    Multipart {
        boundary: Vec<u8>,
        /// Whether parts without Content-Type are messages (RFC 2046 §5.1.5).
        digest: bool,
    },
    /// A message within the message.
    Message,
    /// Its octets are signed or encrypted as they are (RFC 1847).
    Protected,
    /// A `message` type that is no message, and takes no encoding.
    Rigid,
}

/// What Content-Transfer-Encoding says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Label {
    /// Nothing, or `7bit`.
    SevenBit,
    EightBit,
    Binary,
    QuotedPrintable,
    Base64,
    Unknown,
}

impl Kind {
    /// Reads Content-Type. `digest` says that the entity is a part of a `multipart/digest`.
    pub(super) fn of(header: &Header, digest: bool) -> Result<Self, Inconvertible> {
        let Some(value) = only(header, "Content-Type")? else {
            return Ok(if digest { Self::Message } else { Self::Untold });
        };
        // The parser wants the line end.
        let line = [value, b"\r\n"].concat();
        let HeaderValue::ContentType(told) = MessageStream::new(&line).parse_content_type() else {
            return Err(Inconvertible::Structure);
        };
        let attributes = told.attributes().into_iter().flatten();
        // Readers differ in which of two boundaries counts.
        if attributes.filter(|attribute| attribute.name.eq_ignore_ascii_case("boundary")).count() > 1 {
            return Err(Inconvertible::Structure);
        }
        let subtype = told.subtype().unwrap_or_default().to_ascii_lowercase();
        match (told.ctype().to_ascii_lowercase().as_str(), subtype.as_str()) {
            ("text", _) => Ok(Self::Text),
            ("multipart", "signed" | "encrypted") => Ok(Self::Protected),
            ("multipart", subtype) => {
                let boundary = told.attribute("boundary").unwrap_or_default();
                Ok(Self::Multipart { boundary: checked(boundary, value)?, digest: subtype == "digest" })
            }
            ("message", "rfc822" | "global") => Ok(Self::Message),
            ("message", _) => Ok(Self::Rigid),
            _ => Ok(Self::Other),
        }
    }
}

/// A boundary that every reader finds: RFC 2046 §5.1.1 has 1 to 70 characters out of few, and it must stand in the
/// field as it is, without escapes or encodings.
fn checked(boundary: &str, value: &[u8]) -> Result<Vec<u8>, Inconvertible> {
    let boundary = boundary.as_bytes();
    let fine = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte);
    let sound = (1..=70).contains(&boundary.len()) && boundary.iter().all(fine) && !boundary.ends_with(b" ");
    let verbatim = memchr::memmem::find(value, boundary).is_some();
    if sound && verbatim { Ok(boundary.to_vec()) } else { Err(Inconvertible::Structure) }
}

impl Label {
    /// Whether the octets stand there as they are.
    pub(super) const fn is_identity(self) -> bool {
        matches!(self, Self::SevenBit | Self::EightBit | Self::Binary)
    }

    pub(super) fn of(header: &Header) -> Result<Self, Inconvertible> {
        let value = only(header, "Content-Transfer-Encoding")?.unwrap_or(b"7bit");
        let end = value.iter().position(|byte| matches!(byte, b'(' | b';')).unwrap_or(value.len());
        Ok(match value[..end].trim_ascii().to_ascii_lowercase().as_slice() {
            b"7bit" => Self::SevenBit,
            b"8bit" => Self::EightBit,
            b"binary" => Self::Binary,
            b"quoted-printable" => Self::QuotedPrintable,
            b"base64" => Self::Base64,
            _ => Self::Unknown,
        })
    }
}

/// The value of a field that must not be there twice: readers would differ in which one counts.
fn only<'a>(header: &'a Header, name: &str) -> Result<Option<&'a [u8]>, Inconvertible> {
    let mut fields = header.named(name);
    let first = fields.next().map(|(_, field)| field.value());
    if fields.next().is_some() { Err(Inconvertible::Structure) } else { Ok(first) }
}

/// Writes a field with line ends before such blanks that no line is too long.
pub(super) fn fold(field: &[u8], out: &mut Vec<u8>) -> Result<(), Inconvertible> {
    for line in field.split_inclusive(|&byte| byte == b'\n') {
        let mut rest = line;
        while rest.trim_ascii_end().len() > LONGEST {
            let place = fold_place(rest).ok_or(Inconvertible::Word)?;
            out.extend_from_slice(&rest[..place]);
            out.extend_from_slice(b"\r\n");
            rest = &rest[place..];
        }
        let end = rest.strip_suffix(b"\r\n");
        // Blanks alone can make the line too long, and mean nothing at its end.
        if end.unwrap_or(rest).len() > LONGEST {
            out.extend_from_slice(rest.trim_ascii_end());
            out.extend_from_slice(b"\r\n");
        } else {
            out.extend_from_slice(rest);
        }
    }
    Ok(())
}

/// The last blank of a line that may begin the next one, with something other than blanks on either side.
fn fold_place(line: &[u8]) -> Option<usize> {
    let first = line.iter().position(|&byte| !is_blank(byte))?;
    (first + 1..=LONGEST).rev().find(|&at| is_blank(line[at]) && !is_blank(line[at - 1]))
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
