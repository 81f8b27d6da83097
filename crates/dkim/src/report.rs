//! What came of a signature, and the word that stands for it (RFC 8601 §2.7.1).

use crate::algorithm::{Canonicalization, KeyKind};
use crate::tags::TagError;
use mail::Domain;
use std::fmt;
use thiserror::Error;

/// A family of signatures.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// `DKIM-Signature` (RFC 6376)
    Dkim,
    /// `DomainKey-Signature` (RFC 4870)
    DomainKeys,
}

impl Kind {
    /// The method name in `Authentication-Results`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dkim => "dkim",
            Self::DomainKeys => "domainkeys",
        }
    }
}

/// What came of one signature field. What a malformed field does not say is `None`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// The family.
    pub kind: Kind,
    /// Where the field stands in the header, counted from the top.
    pub field: usize,
    /// `d=`
    pub domain: Option<Domain>,
    /// `s=`
    pub selector: Option<Domain>,
    /// `a=`, also if we do not know it.
    pub algorithm: Option<String>,
    /// `i=` decoded, and `@` with the domain where it is absent, as it always is in the older family. Only the domain
    /// half has been checked.
    pub identity: Option<String>,
    /// Whom a DomainKeys signature speaks for; DKIM's speak for the identity.
    pub sender: Option<Sender>,
    /// `c=`
    pub canonicalization: Option<Canonicalization>,
    /// The beginning of `b=` that tells this signature from the others of the message (RFC 6008 §4), without blanks.
    pub b: String,
    /// `t=`, in seconds since 1970.
    pub signed_at: Option<u64>,
    /// `x=`, in seconds since 1970.
    pub expires_at: Option<u64>,
    /// `l=`
    pub body_length: Option<u64>,
    /// Whether `r=y` asks for failure reports (RFC 6651 §3.1).
    pub wants_reports: bool,
    /// The name of the key record.
    pub key_name: Option<Domain>,
    /// What is known of the key that was used or refused.
    pub key: Option<KeyFacts>,
    /// Fields that matter to a reader, of which the message has more than are signed.
    pub uncovered: Vec<Uncovered>,
    /// The policy that a DomainKeys domain publishes, if it was asked for and found.
    pub policy: Option<DomainPolicy>,
    /// Whether the signature verified.
    pub outcome: Result<(), Failure>,
}

impl Report {
    /// The result word.
    #[must_use]
    pub fn word(&self) -> ResultWord {
        self.outcome.as_ref().map_or_else(Failure::word, |()| ResultWord::Pass)
    }

    /// Whether the domain says that it is only trying things out (`t=y`).
    #[must_use]
    pub fn is_testing(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.testing)
    }
}

/// What is known of a public key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyFacts {
    /// Its type.
    pub kind: KeyKind,
    /// Its size: of the modulus for RSA.
    pub bits: u32,
    /// `t=y`: the domain is testing.
    pub testing: bool,
    /// `t=s`: no subdomain in `i=`.
    pub strict: bool,
}

/// A field name of which a message has instances that a signature does not cover.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Uncovered {
    /// The name.
    pub name: &'static str,
    /// How many the message has.
    pub present: usize,
    /// How many of these are signed; the lowest ones.
    pub signed: usize,
}

/// The sending address of a message, as DomainKeys has it (RFC 4870 §3.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sender {
    /// The field it stands in: `Sender`, or `From` if there is none.
    pub field: &'static str,
    /// The address.
    pub address: String,
}

/// What a domain says of its mail (RFC 4870 §3.6).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DomainPolicy {
    /// The name of the record.
    pub name: Domain,
    /// `o=-`: all mail of the domain is signed.
    pub signs_all: bool,
    /// `t=y`: the domain is testing.
    pub testing: bool,
}

/// A result word of `Authentication-Results` (RFC 8601 §2.7.1).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ResultWord {
    /// `none`: there is no signature.
    None,
    /// `pass`
    Pass,
    /// `fail`
    Fail,
    /// `policy`
    Policy,
    /// `neutral`
    Neutral,
    /// `temperror`
    TempError,
    /// `permerror`
    PermError,
}

impl ResultWord {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::None, Self::Pass, Self::Fail, Self::Neutral, Self::Policy, Self::TempError, Self::PermError];

    /// The word as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Policy => "policy",
            Self::Neutral => "neutral",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

impl fmt::Display for ResultWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is wrong with the text of a signature field.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SignatureError {
    /// No tag list.
    #[error(transparent)]
    TagList(#[from] TagError),
    /// A required tag is not there.
    #[error("tag {0}= is missing")]
    Missing(&'static str),
    /// A tag whose value is not what its grammar says.
    #[error("tag {0}= is malformed")]
    Malformed(&'static str),
    /// `v=` is not 1.
    #[error("unsupported version")]
    Version,
    /// An algorithm that we do not know.
    #[error("unknown algorithm")]
    Algorithm,
    /// A canonical form that we do not know.
    #[error("unknown canonicalization")]
    Canonicalization,
    /// No query method that we know.
    #[error("unknown query method")]
    Query,
    /// `x=` is not after `t=`.
    #[error("expiration is not after the time of signing")]
    Lifetime,
}

/// Why a signature does not pass. The texts hold nothing of the sender's.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// The field cannot be read.
    #[error(transparent)]
    Syntax(#[from] SignatureError),
    /// The message has more signatures than the limit.
    #[error("not tried, too many signatures")]
    NotTried,
    /// The message has no From field.
    #[error("no From field")]
    NoFrom,
    /// `h=` does not have From.
    #[error("From field not signed")]
    FromNotSigned,
    /// `i=` is not within `d=`.
    #[error("identity outside the signing domain")]
    IdentityOutside,
    /// `x=` has passed.
    #[error("signature expired")]
    Expired,
    /// `t=` is still to come.
    #[error("signed in the future")]
    SignedInFuture,
    /// SHA-1 (RFC 8301 §3.1).
    #[error("rsa-sha1 is not acceptable")]
    Sha1,
    /// Selector and domain together make no name that the DNS could hold.
    #[error("name of the key record is too long")]
    KeyName,
    /// The DNS did not answer; the resolver's words are for the log.
    #[error("key unavailable")]
    KeyUnavailable(String),
    /// The DNS holds no key.
    #[error("no key for signature")]
    NoKey,
    /// What the DNS holds is no key record.
    #[error("key record unusable")]
    KeyRecord(#[from] crate::key::KeyRecordError),
    /// `p=` is empty.
    #[error("key revoked")]
    KeyRevoked,
    /// `k=` does not fit `a=`.
    #[error("inappropriate key algorithm")]
    KeyKind,
    /// `h=` of the key does not have the hash of `a=`.
    #[error("inappropriate hash algorithm")]
    KeyHash,
    /// `s=` of the key does not have electronic mail.
    #[error("key is not for electronic mail")]
    KeyService,
    /// `t=s` of the key, and a subdomain in `i=`.
    #[error("key forbids an identity in a subdomain")]
    KeyStrict,
    /// `g=` of a DomainKeys record does not fit the sender.
    #[error("key is not for this sender")]
    KeyGranularity,
    /// RFC 8301 §3.2
    #[error("key of {0} bits is too short")]
    KeyTooShort(u32),
    /// More work than we are ready to do.
    #[error("key of {0} bits is too long")]
    KeyTooLong(u32),
    /// The body is shorter than `l=`.
    #[error("body is shorter than the signed length")]
    BodyTooShort,
    /// The body is not the one that was signed.
    #[error("body hash did not verify")]
    BodyHash,
    /// The header is not the one that was signed, or the key is another.
    #[error("signature did not verify")]
    Signature,
    /// All is well, but the body goes on after `l=`.
    #[error("body partly unsigned")]
    PartlyUnsigned,
}

impl Failure {
    /// The word that stands for this failure.
    #[must_use]
    pub fn word(&self) -> ResultWord {
        match self {
            Self::Syntax(_) | Self::NotTried => ResultWord::Neutral,
            Self::NoFrom
            | Self::FromNotSigned
            | Self::IdentityOutside
            | Self::Sha1
            | Self::KeyName
            | Self::NoKey
            | Self::KeyRecord(_)
            | Self::KeyRevoked
            | Self::KeyKind
            | Self::KeyHash
            | Self::KeyService
            | Self::KeyStrict
            | Self::KeyGranularity
            | Self::KeyTooShort(_)
            | Self::KeyTooLong(_)
            | Self::BodyTooShort => ResultWord::PermError,
            Self::Expired | Self::SignedInFuture | Self::PartlyUnsigned => ResultWord::Policy,
            Self::KeyUnavailable(_) => ResultWord::TempError,
            Self::BodyHash | Self::Signature => ResultWord::Fail,
        }
    }
}
