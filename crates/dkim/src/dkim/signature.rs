//! The text of a DKIM-Signature field (RFC 6376 §3.5, RFC 6651 §3.1, RFC 8616 §5).

use crate::algorithm::{Algorithm, Canonicalization};
use crate::encoding::{base64_decode_unpadded, quoted_printable_decode};
use crate::report::SignatureError;
use crate::tags::{TagList, items};
use mail::Domain;
use std::ops::Range;

/// The name of the field.
pub(crate) const NAME: &str = "DKIM-Signature";

/// What a DKIM-Signature field says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Signature {
    /// `a=`
    pub(crate) algorithm: Algorithm,
    /// `c=`
    pub(crate) canonicalization: Canonicalization,
    /// `d=`
    pub(crate) domain: Domain,
    /// `s=`
    pub(crate) selector: Domain,
    /// The domain half of `i=`.
    pub(crate) identity: Domain,
    /// `h=`
    pub(crate) fields: Vec<String>,
    /// `bh=`
    pub(crate) bh: Vec<u8>,
    /// `b=`
    pub(crate) b: Vec<u8>,
    /// `l=`
    pub(crate) body_length: Option<u64>,
    /// `t=`
    pub(crate) signed_at: Option<u64>,
    /// `x=`
    pub(crate) expires_at: Option<u64>,
    /// Where the value of `bh=` stands in the field's value, blanks included.
    pub(crate) bh_span: Range<usize>,
    /// Where the value of `b=` stands in the field's value, blanks included.
    pub(crate) b_span: Range<usize>,
}

/// What a field may leave empty.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Hashes {
    /// Nothing: it has been signed.
    Filled,
    /// `b=` and `bh=`: it is to be signed.
    Open,
}

impl Signature {
    /// Reads the value of a field.
    pub(crate) fn parse(value: &[u8], hashes: Hashes) -> Result<Self, SignatureError> {
        if has_stray_line_end(value) {
            return Err(crate::tags::TagError::Control.into());
        }
        let tags = TagList::parse(value)?;
        let required = |name| tags.tag(name).ok_or(SignatureError::Missing(name));
        // RFC 6376 §6.1.1: "Verifiers MUST return PERMFAIL (incompatible version)"
        if required("v")?.value != "1" {
            return Err(SignatureError::Version);
        }
        let names = ["a", "b", "bh", "d", "h", "s"];
        names.into_iter().try_for_each(|name| required(name).map(drop))?;
        let algorithm = Algorithm::parse(required("a")?.value).ok_or(SignatureError::Algorithm)?;
        let domain = read_domain(required("d")?.value).ok_or(SignatureError::Malformed("d"))?;
        let signature = Self {
            algorithm,
            canonicalization: read_canonicalization(&tags)?,
            selector: read_name(required("s")?.value).ok_or(SignatureError::Malformed("s"))?,
            identity: read_identity(&tags, &domain)?,
            domain,
            fields: read_fields(required("h")?.value).ok_or(SignatureError::Malformed("h"))?,
            bh: read_base64(&tags, "bh", hashes)?,
            b: read_base64(&tags, "b", hashes)?,
            body_length: read_number(&tags, "l", 76)?,
            signed_at: read_number(&tags, "t", usize::MAX)?,
            expires_at: read_number(&tags, "x", usize::MAX)?,
            bh_span: required("bh")?.span.clone(),
            b_span: required("b")?.span.clone(),
        };
        check_query(&tags)?;
        signature.check_lifetime()?;
        Ok(signature)
    }

    /// Whether `h=` has a name.
    pub(crate) fn covers(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.eq_ignore_ascii_case(name))
    }

    fn check_lifetime(&self) -> Result<(), SignatureError> {
        match (self.signed_at, self.expires_at) {
            // RFC 6376 §3.5: "The value of the "x=" tag MUST be greater than the value of the "t=" tag if both are present."
            (Some(signed), Some(expires)) if expires <= signed => Err(SignatureError::Lifetime),
            _ => Ok(()),
        }
    }
}

/// The name under which a key is published (RFC 6376 §3.6.2.1); `None` if it would be too long.
pub(crate) fn key_name(selector: &Domain, domain: &Domain) -> Option<Domain> {
    Domain::parse(&format!("{selector}._domainkey.{domain}")).ok()
}

/// Whether a CR or LF stands alone, or a line end has no blank behind it.
fn has_stray_line_end(value: &[u8]) -> bool {
    let stray = |at: usize| match value[at] {
        b'\r' => value.get(at + 1) != Some(&b'\n'),
        _ => at == 0 || value[at - 1] != b'\r',
    };
    memchr::memchr2_iter(b'\r', b'\n', value).any(stray)
}

/// A domain name, which has a dot in it.
fn read_domain(text: &str) -> Option<Domain> {
    // RFC 6376 §3.5: "domain-name     = sub-domain 1*("." sub-domain)"
    text.contains('.').then(|| read_name(text))?
}

/// A name of one label or more.
fn read_name(text: &str) -> Option<Domain> {
    if text.ends_with('.') { None } else { Domain::parse(text).ok() }
}

fn read_canonicalization(tags: &TagList<'_>) -> Result<Canonicalization, SignatureError> {
    let Some(value) = tags.value("c") else { return Ok(Canonicalization::SIMPLE) };
    Canonicalization::parse(value).ok_or(SignatureError::Canonicalization)
}

/// The domain half of `i=`, which defaults to `d=`.
fn read_identity(tags: &TagList<'_>, domain: &Domain) -> Result<Domain, SignatureError> {
    let Some(value) = tags.value("i") else { return Ok(domain.clone()) };
    decode_identity(value)
        .and_then(|identity| read_name(identity.rsplit_once('@')?.1))
        .ok_or(SignatureError::Malformed("i"))
}

/// `i=` without its encoding.
pub(crate) fn decode_identity(value: &str) -> Option<String> {
    String::from_utf8(quoted_printable_decode(value)?).ok().filter(|text| !text.contains(char::is_control))
}

fn read_fields(value: &str) -> Option<Vec<String>> {
    // RFC 5322 §2.2: "characters that have values between 33 and 126, inclusive), except colon"
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|octet| matches!(octet, b'!'..=b'~'));
    items(value).map(|name| is_name(name).then(|| name.to_owned())).collect()
}

fn read_base64(tags: &TagList<'_>, name: &'static str, hashes: Hashes) -> Result<Vec<u8>, SignatureError> {
    let value = tags.value(name).ok_or(SignatureError::Missing(name))?;
    // The grammar of RFC 6376 §2.10 leaves the padding away at will, and so do others.
    match base64_decode_unpadded(value.as_bytes()) {
        Some(octets) if !octets.is_empty() || hashes == Hashes::Open => Ok(octets),
        _ => Err(SignatureError::Malformed(name)),
    }
}

/// A decimal number; one that does not fit 64 bits is as large as can be.
fn read_number(tags: &TagList<'_>, name: &'static str, digits: usize) -> Result<Option<u64>, SignatureError> {
    let Some(value) = tags.value(name) else { return Ok(None) };
    if value.is_empty() || value.len() > digits || !value.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(SignatureError::Malformed(name));
    }
    // RFC 6376 §3.5: "implementations MAY consider any value longer than 12 digits to be infinite"
    Ok(Some(value.parse().unwrap_or(u64::MAX)))
}

fn check_query(tags: &TagList<'_>) -> Result<(), SignatureError> {
    let Some(value) = tags.value("q") else { return Ok(()) };
    // RFC 6376 §3.5: "Unrecognized query mechanisms MUST be ignored."
    if items(value).any(|method| method.eq_ignore_ascii_case("dns/txt")) {
        Ok(())
    } else {
        Err(SignatureError::Query)
    }
}
