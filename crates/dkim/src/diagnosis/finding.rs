//! Findings, and how they are told.

use crate::algorithm::{Form, KeyKind};
use crate::key::KeyFlaw;
use crate::report::Failure;
use mail::Domain;
use thiserror::Error;

/// One thing that was found out. It prints as a sentence without its full stop, in which text of the message is escaped.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// Nothing more than the failure says.
    #[error("{0}")]
    Said(Failure),
    /// There is a key record, but at another name.
    #[error("there is no key at {wanted}, but there is one at {found}")]
    KeyElsewhere {
        /// Where the signature says that it is.
        wanted: Domain,
        /// Where one is.
        found: Domain,
    },
    /// The record has a flaw.
    #[error("{0}")]
    KeyFlaw(KeyFlaw),
    /// The record has a key for another algorithm.
    #[error("the record holds a key of type {}, and the signature needs one of type {}", published.name(), wanted.name())]
    KeyOfOtherKind {
        /// What is published.
        published: KeyKind,
        /// What `a=` needs.
        wanted: KeyKind,
    },
    /// `p=` ends too early.
    #[error("the key ends after {there} of {wanted} octets: a piece of the record is missing")]
    KeyCut {
        /// How many octets there are.
        there: usize,
        /// How many the key says that it has.
        wanted: usize,
    },
    /// Several records that are one together.
    #[error("{0} TXT records stand at the name, which are one key record together")]
    KeyInPieces(usize),
    /// The body is as it was signed.
    #[error("the body is as it was signed")]
    BodyIntact,
    /// The body was changed like this.
    #[error("{0}")]
    Body(BodyChange),
    /// The body was changed, nobody knows how.
    #[error("the body was changed after signing, in none of the usual ways")]
    BodyUnknown,
    /// The header is as it was signed.
    #[error("the header fields are as they were signed, and the key is the right one")]
    HeaderIntact,
    /// The header was changed like this.
    #[error("{0}")]
    Header(HeaderChange),
    /// `z=` has another value.
    #[error("the field {name} was changed: signed as \"{signed}\", and now \"{now}\"")]
    FieldDiffers {
        /// The field.
        name: String,
        /// What `z=` says.
        signed: String,
        /// What there is.
        now: String,
    },
    /// The signature was made with this key, but over another header.
    #[error("the key is the right one, but a signed header field was changed, in none of the usual ways")]
    HeaderUnknown,
    /// The signature was not made with this key.
    #[error("the signature was not made with the key that is published")]
    OtherKey,
    /// Ed25519 does not tell header and key apart.
    #[error("a signed header field was changed, or the signature was made with another key")]
    HeaderOrKey,
}

/// What happened to a body.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum BodyChange {
    /// It fits with the other canonical form.
    #[error("the body fits if it is canonicalized as {}, which is not what c= says", .0.name())]
    OtherForm(Form),
    /// It fits with each bare LF or CR as CR LF.
    #[error(
        "the body fits once its bare line feeds are CR LF: it was signed with, or repaired to, other line ends"
    )]
    LineEnds,
    /// It fits without its end.
    #[error("{octets} octets were added at the end of the body: \"{text}\"")]
    Footer {
        /// How many.
        octets: usize,
        /// What they begin with.
        text: String,
    },
    /// It fits without its beginning.
    #[error("{octets} octets were added at the top of the body: \"{text}\"")]
    Banner {
        /// How many.
        octets: usize,
        /// What they begin with.
        text: String,
    },
    /// It fits decoded.
    #[error("the body was converted to {0} after signing")]
    Encoded(&'static str),
    /// It fits with dots at line starts doubled or halved.
    #[error("dots at the start of lines were doubled or lost after signing")]
    Dots,
    /// It fits with long lines joined again.
    #[error("lines of about a thousand octets were cut after signing")]
    LongLines,
    /// The signature is that of no body at all.
    #[error("an empty body was signed")]
    Empty,
}

/// What happened to a header.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum HeaderChange {
    /// The subject lost or got a prefix.
    #[error("\"{0}\" was put in front of the subject")]
    SubjectPrefix(String),
    /// One field more than were signed.
    #[error("a field {0} was added")]
    Added(String),
    /// Another folding.
    #[error("the field {0} was folded anew")]
    Refolded(String),
    /// Another transfer encoding.
    #[error("Content-Transfer-Encoding was changed from {0}")]
    TransferEncoding(&'static str),
    /// A mailing list put itself into From.
    #[error("From was rewritten; the original one is in {0}")]
    From(&'static str),
    /// The value that `z=` has fits.
    #[error("the field {0} was changed; with the value in z= the signature verifies")]
    Restored(String),
    /// The other canonical form fits.
    #[error("the header fits if it is canonicalized as {}, which is not what c= says", .0.name())]
    OtherForm(Form),
}

impl Finding {
    /// What to do about it, and who; a sentence without its full stop.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        Some(match self {
            Self::KeyElsewhere { .. } => {
                "the signer names that selector, or publishes the record where it says"
            }
            Self::KeyCut { .. } => {
                "publish the whole record; several strings make one TXT record, split at 255 octets"
            }
            Self::KeyOfOtherKind { .. } => {
                "give each key a selector of its own, and name the one of this key"
            }
            Self::KeyInPieces(_) => "make them the strings of one TXT record",
            Self::KeyFlaw(_) => {
                "publish the record anew, as one TXT record and without anything around the text"
            }
            Self::Body(change) => change.remedy(),
            Self::Header(change) => change.remedy(),
            Self::FieldDiffers { .. } | Self::HeaderUnknown => {
                "sign after the last program that changes header fields, and do not sign fields that others change"
            }
            Self::BodyUnknown => {
                "sign after the last program that changes the body, such as a disclaimer or a filter"
            }
            Self::OtherKey => {
                "publish the public half of the key that signs, or sign with the other selector"
            }
            Self::Said(failure) => return remedy(failure),
            Self::BodyIntact | Self::HeaderIntact | Self::HeaderOrKey => return None,
        })
    }

    /// One word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Said(_) => "reason",
            Self::KeyElsewhere { .. } => "key-elsewhere",
            Self::KeyFlaw(flaw) => flaw.code(),
            Self::KeyOfOtherKind { .. } => "key-of-other-type",
            Self::KeyCut { .. } => "key-cut",
            Self::KeyInPieces(_) => "key-in-pieces",
            Self::BodyIntact => "body-intact",
            Self::Body(change) => change.code(),
            Self::BodyUnknown => "body-changed",
            Self::HeaderIntact => "header-intact",
            Self::Header(change) => change.code(),
            Self::FieldDiffers { .. } => "field-differs",
            Self::HeaderUnknown => "header-changed",
            Self::OtherKey => "other-key",
            Self::HeaderOrKey => "header-or-key",
        }
    }
}

impl BodyChange {
    fn remedy(&self) -> &'static str {
        match self {
            Self::OtherForm(_) => "set c= to what the signer really does",
            Self::LineEnds => "give the signer CR LF line ends, as SMTP has them",
            Self::Footer { .. } | Self::Banner { .. } => {
                "sign after the program that adds the text, such as a mailing list or a disclaimer, or have it sign anew"
            }
            Self::Encoded(_) => {
                "sign after the conversion: do not offer 8BITMIME on the port that signs, so that it comes first"
            }
            Self::Dots => {
                "dots are doubled on the wire only: repair the program that does it within the message"
            }
            Self::LongLines => "break lines before signing: SMTP has 998 octets a line",
            Self::Empty => "repair the signer: it did not see the body",
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::OtherForm(_) => "body-other-form",
            Self::LineEnds => "body-line-ends",
            Self::Footer { .. } => "body-footer",
            Self::Banner { .. } => "body-banner",
            Self::Encoded(_) => "body-encoded",
            Self::Dots => "body-dots",
            Self::LongLines => "body-long-lines",
            Self::Empty => "body-empty",
        }
    }
}

impl HeaderChange {
    fn remedy(&self) -> &'static str {
        match self {
            Self::SubjectPrefix(_) | Self::From(_) => {
                "that is what mailing lists and filters do: have them sign anew, or leave the field alone"
            }
            Self::Added(_) => "have the signer complete the message before it signs",
            Self::Refolded(_) => "sign with c=relaxed, which forgives folding",
            Self::TransferEncoding(_) => {
                "sign after the conversion: do not offer 8BITMIME on the port that signs, so that it comes first"
            }
            Self::Restored(_) => "sign after the last program that changes the field, or do not sign it",
            Self::OtherForm(_) => "set c= to what the signer really does",
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::SubjectPrefix(_) => "subject-prefix",
            Self::Added(_) => "field-added",
            Self::Refolded(_) => "field-refolded",
            Self::TransferEncoding(_) => "transfer-encoding",
            Self::From(_) => "from-rewritten",
            Self::Restored(_) => "field-restored",
            Self::OtherForm(_) => "header-other-form",
        }
    }
}

/// What to do about a failure that explains itself.
fn remedy(failure: &Failure) -> Option<&'static str> {
    Some(match failure {
        Failure::Syntax(_) => "repair the signer: the field is not what RFC 6376 §3.5 says",
        Failure::NotTried => "raise the limit, if so many signatures are meant",
        Failure::NoFrom => "a message has a From field",
        Failure::FromNotSigned => "have the signer list From in h=",
        Failure::IdentityOutside => "let i= name the domain of d=, or one below it",
        Failure::Expired => "deliver sooner, or sign with a later x=",
        Failure::SignedInFuture => "set the clock of the signer, or that of this host",
        Failure::Sha1 => "sign with rsa-sha256 (RFC 8301 §3.1)",
        Failure::KeyName => "choose a shorter selector",
        Failure::KeyUnavailable(_) => "try again; if it stays so, look at the name servers of the domain",
        Failure::NoKey => "publish the key record, or sign with the selector that is published",
        Failure::KeyRecord(_) => "publish the record anew",
        Failure::KeyRevoked => "sign with another selector: this key was withdrawn",
        Failure::KeyKind => "give each key a selector of its own, and name the one of this key",
        Failure::KeyHash => "add sha256 to h= of the key record, or take h= out",
        Failure::KeyService => "add email to s= of the key record, or take s= out",
        Failure::KeyStrict => "take t=s out of the key record, or let i= name the domain of d= itself",
        Failure::KeyGranularity => "take g= out of the key record",
        Failure::KeyTooShort(_) | Failure::KeyTooLong(_) => "make a key of 2048 bits with another selector",
        Failure::BodyTooShort | Failure::PartlyUnsigned => "sign without l=",
        Failure::BodyHash | Failure::Signature => return None,
    })
}
