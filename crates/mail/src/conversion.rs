//! Making a message fit for transports that take lines of 998 octets, or seven bits, and no more.
//!
//! [`Survey`] finds what does not fit while a message comes in. [`convert`] encodes the leaf parts that hold it as
//! quoted-printable or base64 (RFC 2045 §6.7, §6.8), labels them, and folds header fields; everything else stays octet
//! for octet. Composite parts are walked and never encoded themselves (§6.4), and what is signed or encrypted as it is
//! stays as it is. Whoever decodes the message gets the same as before.
//!
//! Octets above 127 in header fields stay, also in those of parts: no server on the way converts them.

mod encode;
mod field;
mod multipart;
mod survey;
#[cfg(test)]
mod tests;

pub use survey::{Survey, Unfit};

use crate::Header;
use field::{Kind, Label};
use multipart::Parts;
use thiserror::Error;

/// How deep parts may lie within parts. Deeper ones are nobody's mail.
const DEPTH: usize = 50;

/// A message that was made fit.
#[derive(Clone, Debug)]
pub struct Converted {
    /// Its header section.
    pub header: Header,
    /// Its body.
    pub body: Vec<u8>,
    /// How many parts were encoded.
    pub parts: usize,
    /// What still does not fit: octets above 127 in the headers of parts.
    pub left: Unfit,
}

/// Why a message cannot be made fit.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Inconvertible {
    /// It is in a `multipart/signed` or `multipart/encrypted`, which must not change on the way (RFC 1847 §2.1).
    #[error("a part is signed or encrypted as it is")]
    Protected,
    /// It is in a part of a `message` type that takes no encoding, such as a delivery report.
    #[error("a part takes no encoding")]
    Rigid,
    /// The part is encoded in a way that is not known, or not as it says.
    #[error("a part has an unknown encoding")]
    Encoding,
    /// The MIME structure can be read in several ways.
    #[error("unclear MIME structure")]
    Structure,
    /// It is in a multipart body, but not in any part.
    #[error("it stands outside of the parts")]
    Outside,
    /// It is in the header of a part, which no server on the way converts.
    #[error("it stands in the header of a part")]
    PartHeader,
    /// A header field has a word that is longer than a line.
    #[error("a header field cannot be folded")]
    Word,
}

/// Makes a message fit in the ways that `wanted` names.
pub fn convert(header: &Header, body: &[u8], wanted: Unfit) -> Result<Converted, Inconvertible> {
    let mut conversion = Conversion { wanted, parts: 0 };
    let plan = conversion.plan(header, body, Place { is_message: true, digest: false })?;
    let mut raw = Vec::with_capacity(header.raw().len() + 200);
    conversion.write_header(header, &plan, &mut raw)?;
    let mut converted = Vec::with_capacity(body.len() + body.len() / 2);
    conversion.write_body(&plan, body, DEPTH, &mut converted)?;
    let left = Survey::of(&converted).and(wanted);
    // Only delimiters are left: everything else was looked at.
    if left.long_lines {
        return Err(Inconvertible::Outside);
    }
    if left.eight_bit && conversion.parts == 0 {
        return Err(Inconvertible::PartHeader);
    }
    let header = if header.is_terminated() { Header::parse(raw) } else { Header::parse(raw).unterminated() };
    Ok(Converted { header, body: converted, parts: conversion.parts, left })
}

/// A conversion on its way through a message.
struct Conversion {
    wanted: Unfit,
    parts: usize,
}

/// Where an entity stands.
#[derive(Clone, Copy)]
struct Place {
    /// Whether it is a whole message, which bears MIME-Version.
    is_message: bool,
    /// Whether it is a part of a `multipart/digest`.
    digest: bool,
}

/// What is to be done with an entity.
#[derive(Default)]
struct Plan {
    course: Course,
    /// What Content-Transfer-Encoding is to say, if not what it says.
    label: Option<&'static str>,
    /// Content-Type for an entity that had none.
    content_type: Option<&'static str>,
    mime_version: bool,
}

/// What is to be done with a body.
#[derive(Default)]
enum Course {
    #[default]
    Copy,
    /// It is this instead.
    Replace(Vec<u8>),
    Walk(Kind),
}

impl Conversion {
    fn plan(&self, header: &Header, body: &[u8], place: Place) -> Result<Plan, Inconvertible> {
        let found = Survey::of(body);
        let fits = found.and(self.wanted).is_none();
        if fits && !self.wanted.eight_bit {
            return Ok(Plan::default());
        }
        let mut plan = match self.course(header, body, place) {
            Ok(plan) => plan,
            // Nothing but labels would have changed.
            Err(_) if fits => Plan::default(),
            Err(error) => return Err(error),
        };
        let is_mime = header.named("MIME-Version").next().is_some();
        plan.mime_version = plan.label.is_some() && place.is_message && !is_mime;
        Ok(plan)
    }

    fn course(&self, header: &Header, body: &[u8], place: Place) -> Result<Plan, Inconvertible> {
        let found = Survey::of(body);
        let fits = found.and(self.wanted).is_none();
        let (kind, label) = (Kind::of(header, place.digest)?, Label::of(header)?);
        // What stays in seven bits must not be labelled as more: a server that converts goes by the labels.
        let lowers = self.wanted.eight_bit && matches!(label, Label::EightBit | Label::Binary);
        let lowered = Plan { label: lowers.then_some("7bit"), ..Plan::default() };
        match kind {
            Kind::Multipart { .. } | Kind::Message if label.is_identity() => {
                if let Kind::Multipart { boundary, .. } = &kind {
                    Parts::of(body, boundary)?;
                }
                Ok(Plan { course: Course::Walk(kind), ..lowered })
            }
            Kind::Multipart { .. } | Kind::Message => Err(Inconvertible::Encoding),
            Kind::Protected => Err(Inconvertible::Protected),
            Kind::Rigid => Err(Inconvertible::Rigid),
            // What is called binary may have lines of any length; what is called 7bit may not.
            Kind::Untold | Kind::Text | Kind::Other if fits && !found.long_lines => Ok(lowered),
            Kind::Untold | Kind::Text | Kind::Other if fits && !lowers => Ok(lowered),
            Kind::Untold | Kind::Text | Kind::Other => leaf(&kind, label, body),
        }
    }

    fn write_header(&self, header: &Header, plan: &Plan, out: &mut Vec<u8>) -> Result<(), Inconvertible> {
        let mut label = plan.label;
        for field in header.fields() {
            if field.is("Content-Transfer-Encoding")
                && let Some(label) = label.take()
            {
                write_field("Content-Transfer-Encoding", label, out);
            } else if self.wanted.long_lines && Survey::of(field.raw()).long_lines {
                field::fold(field.raw(), out)?;
            } else {
                out.extend_from_slice(field.raw());
            }
        }
        // The header of an entity without a body may end in the middle of a line.
        if (plan.mime_version || plan.content_type.is_some() || label.is_some())
            && !out.is_empty()
            && !out.ends_with(b"\r\n")
        {
            out.extend_from_slice(b"\r\n");
        }
        let version = plan.mime_version.then_some("1.0");
        for (name, value) in [
            ("MIME-Version", version),
            ("Content-Type", plan.content_type),
            ("Content-Transfer-Encoding", label),
        ] {
            if let Some(value) = value {
                write_field(name, value, out);
            }
        }
        Ok(())
    }

    fn write_body(
        &mut self,
        plan: &Plan,
        body: &[u8],
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Inconvertible> {
        match &plan.course {
            Course::Copy => out.extend_from_slice(body),
            Course::Replace(encoded) => {
                self.parts += 1;
                out.extend_from_slice(encoded);
            }
            Course::Walk(_) if depth == 0 => return Err(Inconvertible::Structure),
            Course::Walk(Kind::Multipart { boundary, digest }) => {
                let place = Place { is_message: false, digest: *digest };
                let parts = Parts::of(body, boundary)?;
                self.write_outside(parts.preamble, out)?;
                for (delimiter, part) in parts.each {
                    out.extend_from_slice(delimiter);
                    self.write_entity(part, place, depth - 1, out)?;
                }
                self.write_outside(parts.epilogue, out)?;
            }
            Course::Walk(_) => {
                let place = Place { is_message: true, digest: false };
                self.write_entity(body, place, depth - 1, out)?;
            }
        }
        Ok(())
    }

    /// Writes a part, or a message within the message.
    fn write_entity(
        &mut self,
        entity: &[u8],
        place: Place,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Inconvertible> {
        let (header, body) = Header::split(entity);
        let plan = self.plan(&header, body, place)?;
        self.write_header(&header, &plan, out)?;
        if header.is_terminated() {
            out.extend_from_slice(b"\r\n");
        }
        self.write_body(&plan, body, depth, out)
    }

    /// Writes what is no part, and cannot be encoded.
    fn write_outside(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), Inconvertible> {
        if !Survey::of(text).and(self.wanted).is_none() {
            return Err(Inconvertible::Outside);
        }
        out.extend_from_slice(text);
        Ok(())
    }
}

/// What becomes of a leaf part that does not fit.
fn leaf(kind: &Kind, label: Label, body: &[u8]) -> Result<Plan, Inconvertible> {
    let (encoded, label) = match (label, kind) {
        (Label::Unknown, _) => return Err(Inconvertible::Encoding),
        (Label::QuotedPrintable, _) => (encode::requote(body), None),
        (Label::Base64, _) => (encode::rearmour(body).ok_or(Inconvertible::Encoding)?, None),
        (_, Kind::Text | Kind::Untold) => (encode::quote(body), Some("quoted-printable")),
        (_, _) => (encode::armour(body), Some("base64")),
    };
    let untold = *kind == Kind::Untold && label.is_some();
    Ok(Plan {
        course: Course::Replace(encoded),
        label,
        content_type: untold.then(|| told(body)),
        mime_version: false,
    })
}

/// Content-Type for text that had none. Without it, quoted octets above 127 would be called ASCII.
fn told(body: &[u8]) -> &'static str {
    if body.is_ascii() {
        "text/plain; charset=us-ascii"
    } else if std::str::from_utf8(body).is_ok() {
        "text/plain; charset=utf-8"
    } else {
        // RFC 1428 has this name for it.
        "text/plain; charset=unknown-8bit"
    }
}

fn write_field(name: &str, value: &str, out: &mut Vec<u8>) {
    for piece in [name, ": ", value, "\r\n"] {
        out.extend_from_slice(piece.as_bytes());
    }
}
