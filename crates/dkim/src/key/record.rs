//! Key records (RFC 6376 §3.6.1, RFC 8463 §4).

use super::public::{PublicKey, PublicKeyError};
use crate::algorithm::{HashAlgorithm, KeyKind};
use crate::encoding::{base64_decode_unpadded, base64_encode, quoted_printable_encode};
use crate::tags::{TagError, TagList, items};
use std::fmt;
use thiserror::Error;

/// A key record.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeyRecord {
    /// `p=`; `None` if the key was revoked.
    pub key: Option<PublicKey>,
    /// `h=`: the hash functions that may be used, by name; empty if any may.
    pub hashes: Vec<String>,
    /// `s=`: what the key is for; empty if for anything.
    pub services: Vec<String>,
    /// `t=`: all flags, known or not.
    pub flags: Vec<String>,
    /// `n=`: a note to people, as it stands there.
    pub note: Option<String>,
    /// `g=` (RFC 4871 §3.6.1): DKIM ignores it since, DomainKeys does not.
    pub granularity: Option<String>,
}

/// Why a text is no key record.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum KeyRecordError {
    /// No tag list.
    #[error(transparent)]
    TagList(#[from] TagError),
    /// `v=` is there, but not first, or not `DKIM1`.
    #[error("unsupported version of the key record")]
    Version,
    /// `k=` is none that we know.
    #[error("unknown key type")]
    Kind,
    /// No `p=`.
    #[error("tag p= is missing")]
    Missing,
    /// `p=` is no base64.
    #[error("tag p= is not base64")]
    Base64,
    /// `p=` is no key.
    #[error(transparent)]
    Key(#[from] PublicKeyError),
}

impl KeyRecord {
    /// The record for a new key.
    #[must_use]
    pub fn new(key: PublicKey) -> Self {
        Self { key: Some(key), ..Self::default() }
    }

    /// Reads a record, its strings put together.
    pub fn parse(text: &[u8]) -> Result<Self, KeyRecordError> {
        let tags = TagList::parse(text)?;
        let first = tags.iter().next().map(|tag| tag.name);
        // RFC 6376 §3.6.1: "This tag MUST be the first tag in the record."
        if let Some(version) = tags.value("v")
            && (version != "DKIM1" || first != Some("v"))
        {
            return Err(KeyRecordError::Version);
        }
        let list = |name| tags.value(name).map(|value| items(value).map(String::from).collect());
        Ok(Self {
            key: read_key(&tags)?,
            hashes: list("h").unwrap_or_default(),
            services: list("s").unwrap_or_default(),
            flags: list("t").unwrap_or_default(),
            note: tags.value("n").map(String::from),
            granularity: tags.value("g").map(String::from),
        })
    }

    /// Whether `h=` allows this hash function.
    #[must_use]
    pub fn allows_hash(&self, hash: HashAlgorithm) -> bool {
        self.hashes.is_empty() || self.hashes.iter().any(|name| name.eq_ignore_ascii_case(hash.name()))
    }

    /// Whether `s=` allows electronic mail.
    #[must_use]
    pub fn allows_mail(&self) -> bool {
        let allows = |service: &String| service == "*" || service.eq_ignore_ascii_case("email");
        self.services.is_empty() || self.services.iter().any(allows)
    }

    /// Whether `t=y` says that the domain is testing.
    #[must_use]
    pub fn is_testing(&self) -> bool {
        self.has_flag("y")
    }

    /// Whether `t=s` forbids subdomains in `i=`.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.has_flag("s")
    }

    /// Sets the note, encoding whatever a note cannot hold.
    #[must_use]
    pub fn with_note(mut self, note: &str) -> Self {
        self.note = Some(quoted_printable_encode(note.as_bytes(), b""));
        self
    }

    fn has_flag(&self, flag: &str) -> bool {
        self.flags.iter().any(|known| known.eq_ignore_ascii_case(flag))
    }
}

fn read_key(tags: &TagList<'_>) -> Result<Option<PublicKey>, KeyRecordError> {
    let value = tags.value("p").ok_or(KeyRecordError::Missing)?;
    // RFC 6376 §3.6.1: "An empty value means that this public key has been revoked."
    if value.is_empty() {
        return Ok(None);
    }
    // RFC 6376 §3.6.1: "OPTIONAL, default is "rsa""
    let name = tags.value("k").unwrap_or("rsa");
    let kinds = [KeyKind::Rsa, KeyKind::Ed25519];
    let kind =
        kinds.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name)).ok_or(KeyRecordError::Kind)?;
    let octets = base64_decode_unpadded(value.as_bytes()).ok_or(KeyRecordError::Base64)?;
    Ok(Some(PublicKey::parse(kind, &octets)?))
}

impl fmt::Display for KeyRecord {
    /// The record as one string, to be published.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.key.as_ref().map_or(KeyKind::Rsa, PublicKey::kind);
        f.write_str("v=DKIM1")?;
        if !self.hashes.is_empty() {
            write!(f, "; h={}", self.hashes.join(":"))?;
        }
        write!(f, "; k={}", kind.name())?;
        for (name, value) in [("g", &self.granularity), ("n", &self.note)] {
            if let Some(value) = value {
                write!(f, "; {name}={value}")?;
            }
        }
        for (name, list) in [("s", &self.services), ("t", &self.flags)] {
            if !list.is_empty() {
                write!(f, "; {name}={}", list.join(":"))?;
            }
        }
        let octets = self.key.as_ref().map(PublicKey::to_octets).unwrap_or_default();
        write!(f, "; p={}", base64_encode(&octets))
    }
}
