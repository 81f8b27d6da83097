//! The text of a DomainKey-Signature field (RFC 4870 §3.3), and which fields it means.

use crate::canonical::{BodyForm, HeaderForm};
use crate::dkim::signature::Hashes;
use crate::encoding::base64_decode;
use crate::report::SignatureError;
use crate::tags::{TagList, items};
use mail::{Domain, Header};
use std::collections::HashMap;
use std::ops::Range;

/// The name of the field.
pub(crate) const NAME: &str = "DomainKey-Signature";

/// How header and body are brought into canonical form (`c=`).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum OldForm {
    /// As they are, without empty lines at the end.
    Simple,
    /// Without any white space.
    #[default]
    Nofws,
}

impl OldForm {
    /// Reads the value of `c=`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Simple, Self::Nofws].into_iter().find(|form| form.name().eq_ignore_ascii_case(name))
    }

    /// The value of `c=`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Nofws => "nofws",
        }
    }

    pub(crate) fn header(self) -> HeaderForm {
        match self {
            Self::Simple => HeaderForm::Simple,
            Self::Nofws => HeaderForm::Nofws,
        }
    }

    pub(crate) fn body(self) -> BodyForm {
        match self {
            Self::Simple => BodyForm::OldSimple,
            Self::Nofws => BodyForm::Nofws,
        }
    }
}

/// What a DomainKey-Signature field says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Signature {
    /// `c=`
    pub(crate) form: OldForm,
    /// `d=`
    pub(crate) domain: Domain,
    /// `s=`
    pub(crate) selector: Domain,
    /// `h=`, if any.
    pub(crate) fields: Option<Vec<String>>,
    /// `b=`
    pub(crate) b: Vec<u8>,
    /// Where the value of `b=` stands in the field's value, blanks included.
    pub(crate) b_span: Range<usize>,
}

impl Signature {
    /// Reads the value of a field.
    pub(crate) fn parse(value: &[u8], hashes: Hashes) -> Result<Self, SignatureError> {
        let tags = TagList::parse(value)?;
        // What was required then was often left out, so that a, c and q have the values that everybody used.
        let is_sha1 = tags.value("a").is_none_or(|name| name.eq_ignore_ascii_case("rsa-sha1"));
        let is_dns = tags.value("q").is_none_or(|name| name.eq_ignore_ascii_case("dns"));
        let form = tags.value("c").map_or(Some(OldForm::Simple), OldForm::parse);
        let name = |tag| match tags.value(tag) {
            Some(value) => Domain::parse(value).map_err(|_| SignatureError::Malformed(tag)),
            None => Err(SignatureError::Missing(tag)),
        };
        let b = tags.tag("b").ok_or(SignatureError::Missing("b"))?;
        let (domain, selector) = (name("d")?, name("s")?);
        if !is_sha1 {
            return Err(SignatureError::Algorithm);
        }
        if !is_dns {
            return Err(SignatureError::Query);
        }
        let signature = base64_decode(b.value.as_bytes()).filter(|b| !b.is_empty() || hashes == Hashes::Open);
        Ok(Self {
            form: form.ok_or(SignatureError::Canonicalization)?,
            domain,
            selector,
            fields: tags.value("h").map(|list| items(list).map(str::to_owned).collect()),
            b: signature.ok_or(SignatureError::Malformed("b"))?,
            b_span: b.span.clone(),
        })
    }

    /// The canonical header: the fields from place `from` on, or those of them that `h=` names.
    pub(crate) fn signed_header(&self, header: &Header, from: usize) -> Vec<u8> {
        let places = match &self.fields {
            Some(names) => select(header, from, names),
            None => (from..header.len()).collect(),
        };
        let mut text = Vec::new();
        for field in places.into_iter().filter_map(|place| header.field(place)) {
            self.form.header().put(field, &mut text);
        }
        text
    }
}

/// The places of the fields that `h=` means, in the order of their presentation.
///
/// Read backwards, each name takes the lowest field of its name that is left; where a name stands for the first time
/// in `h=`, it takes all that are left, in their own order: all occurrences have to be included.
fn select(header: &Header, from: usize, names: &[String]) -> Vec<usize> {
    let mut left: HashMap<Vec<u8>, (usize, Vec<usize>)> = HashMap::new();
    for name in names {
        left.entry(name.to_ascii_lowercase().into_bytes()).or_default().0 += 1;
    }
    for (place, field) in header.fields().enumerate().skip(from) {
        if let Some((_, places)) = left.get_mut(&field.name().to_ascii_lowercase()) {
            places.push(place);
        }
    }
    let mut selected = Vec::new();
    for name in names.iter().rev() {
        let Some((mentions, places)) = left.get_mut(name.to_ascii_lowercase().as_bytes()) else { continue };
        *mentions -= 1;
        let keep = if *mentions == 0 { 0 } else { places.len().saturating_sub(1) };
        selected.extend(places.drain(keep..).rev());
    }
    selected.reverse();
    selected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_occurrences_are_included() {
        let header = Header::parse(b"A: 0\r\nB: 1\r\nA: 2\r\nA: 3\r\n".to_vec());
        let names = |list: &str| list.split(':').map(String::from).collect::<Vec<_>>();
        for (list, from, expected) in [
            ("a:b", 0, vec![0, 2, 3, 1]),
            ("b:a", 0, vec![1, 0, 2, 3]),
            ("a:b:a", 0, vec![0, 2, 1, 3]),
            ("a:a:a:a", 0, vec![0, 2, 3]),
            ("a", 1, vec![2, 3]),
            ("x", 0, vec![]),
        ] {
            assert_eq!(select(&header, from, &names(list)), expected, "{list} from {from}");
        }
    }
}
