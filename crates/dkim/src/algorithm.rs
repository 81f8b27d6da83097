//! Algorithms and canonical forms, as the tags `a=` and `c=` name them (RFC 6376 §3.3, §3.4; RFC 8463 §3).

use std::fmt;

/// A hash function (the second half of `a=`).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum HashAlgorithm {
    /// SHA-1: read in old signatures, and all that DomainKeys knows.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl HashAlgorithm {
    /// The name in `h=` of a key record.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }
}

/// A type of key (`k=` of a key record).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum KeyKind {
    /// RSA with PKCS #1 v1.5 padding.
    Rsa,
    /// Ed25519 (RFC 8463).
    Ed25519,
}

impl KeyKind {
    /// The name in `k=` of a key record.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// A signature algorithm (`a=`).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Algorithm {
    /// `rsa-sha1`
    RsaSha1,
    /// `rsa-sha256`
    RsaSha256,
    /// `ed25519-sha256`
    Ed25519Sha256,
}

impl Algorithm {
    /// Every algorithm there is.
    pub const ALL: [Self; 3] = [Self::RsaSha1, Self::RsaSha256, Self::Ed25519Sha256];

    /// Reads the value of `a=`. The names are literals of an ABNF, so case does not matter.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The value of `a=`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RsaSha1 => "rsa-sha1",
            Self::RsaSha256 => "rsa-sha256",
            Self::Ed25519Sha256 => "ed25519-sha256",
        }
    }

    /// What sort of key it needs.
    #[must_use]
    pub fn key_kind(self) -> KeyKind {
        match self {
            Self::RsaSha1 | Self::RsaSha256 => KeyKind::Rsa,
            Self::Ed25519Sha256 => KeyKind::Ed25519,
        }
    }

    /// What it hashes with.
    #[must_use]
    pub fn hash(self) -> HashAlgorithm {
        match self {
            Self::RsaSha1 => HashAlgorithm::Sha1,
            Self::RsaSha256 | Self::Ed25519Sha256 => HashAlgorithm::Sha256,
        }
    }
}

impl From<KeyKind> for Algorithm {
    /// The algorithm that a key of this kind signs with.
    fn from(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Rsa => Self::RsaSha256,
            KeyKind::Ed25519 => Self::Ed25519Sha256,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One half of `c=`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Form {
    /// Hardly any change is forgiven.
    #[default]
    Simple,
    /// Changes of white space are forgiven.
    Relaxed,
}

impl Form {
    /// Reads one half of `c=`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Simple, Self::Relaxed].into_iter().find(|form| form.name().eq_ignore_ascii_case(name))
    }

    /// The name in `c=`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Relaxed => "relaxed",
        }
    }
}

/// The canonical forms of header and body (`c=`).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Canonicalization {
    /// The form of the header.
    pub header: Form,
    /// The form of the body.
    pub body: Form,
}

impl Canonicalization {
    /// `relaxed/relaxed`
    pub const RELAXED: Self = Self { header: Form::Relaxed, body: Form::Relaxed };
    /// `simple/simple`
    pub const SIMPLE: Self = Self { header: Form::Simple, body: Form::Simple };

    /// Reads the value of `c=`.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        // RFC 6376 §3.5: "If only one algorithm is named, that algorithm is used for the header and "simple" is used for the body."
        let (header, body) = value.split_once('/').unwrap_or((value, "simple"));
        Some(Self { header: Form::parse(header)?, body: Form::parse(body)? })
    }
}

impl fmt::Display for Canonicalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.header.name(), self.body.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(algorithm.name()), Some(algorithm));
        }
        assert_eq!(Algorithm::parse("RSA-Sha256"), Some(Algorithm::RsaSha256));
        assert_eq!(Algorithm::parse("rsa-md5"), None);
    }

    #[test]
    fn canonical_forms() {
        let simple = Canonicalization::SIMPLE;
        for (text, expected) in [
            ("simple", Some(simple)),
            ("simple/simple", Some(simple)),
            ("relaxed", Some(Canonicalization { header: Form::Relaxed, ..simple })),
            ("simple/relaxed", Some(Canonicalization { body: Form::Relaxed, ..simple })),
            ("relaxed/relaxed", Some(Canonicalization::RELAXED)),
            ("relaxed/", None),
            ("", None),
            ("relaxed/nofws", None),
            ("relaxed/simple/simple", None),
        ] {
            assert_eq!(Canonicalization::parse(text), expected, "{text}");
        }
        assert_eq!(Canonicalization::RELAXED.to_string(), "relaxed/relaxed");
    }
}
