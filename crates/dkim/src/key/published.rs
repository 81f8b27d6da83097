//! What is published for a key, held against the key: every flaw with its remedy (RFC 6376 §3.6).
//!
//! [`key_flaws`] takes what the DNS answered and the public half of a private key. It asks nobody. `record` looks at one
//! text, `difference` at two base64 texts that should be one.

mod difference;
mod record;

use super::PublicKey;
use crate::algorithm::KeyKind;
use crate::tags::TagError;
use difference::Difference;
use std::fmt::Display;
use thiserror::Error;

/// As many records as are tried as pieces of one; more are not put together by mistake.
const MOST_PIECES: usize = 4;

/// What is wrong with a published key. The texts say it to the administrator of the domain.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum KeyFlaw {
    /// No TXT record at the name.
    #[error("no record is published")]
    Absent,
    /// More key records than one.
    #[error("{0} key records are published at one name, and verifiers may take any of them")]
    Several(usize),
    /// Texts beside the key record that are none.
    #[error("{0} other TXT records stand at the name")]
    OtherTexts(usize),
    /// The strings of one record, each as a record of its own.
    #[error("the record is published in pieces, as {0} records")]
    InPieces(usize),
    /// A line of a zone file, whole.
    #[error("the record holds a whole line of a zone file instead of its text")]
    ZoneLine,
    /// Quotation marks that belong to the zone file.
    #[error("quotation marks stand in the text of the record")]
    Quotes,
    /// Backslashes that belong to the zone file.
    #[error("backslashes stand in the text of the record")]
    Backslashes,
    /// No tag list.
    #[error("the record is no tag list: {0}")]
    TagList(TagError),
    /// `v=` is not first, or not `DKIM1`.
    #[error("the record does not begin with v=DKIM1;, but says v={0}")]
    Version(String),
    /// No `v=`.
    #[error("the record does not begin with v=DKIM1;")]
    NoVersion,
    /// No `p=`.
    #[error("the record has no p=")]
    NoKey,
    /// `p=` is empty.
    #[error("the key is revoked: p= is empty")]
    Revoked,
    /// The example of some manual.
    #[error("a placeholder stands in p= instead of the key: {0}")]
    Placeholder(String),
    /// The lines around the key in a PEM file.
    #[error("the lines BEGIN and END of a key file stand in p=")]
    Armour,
    /// The key that nobody else may have.
    #[error("p= holds a PRIVATE key: everybody can sign as this domain with it")]
    PrivateKey,
    /// A character that base64 does not have.
    #[error("the base64 of p= is broken at octet {octet} by {character:?}")]
    Base64 {
        /// Where in `p=`, blanks left out, from 1.
        octet: usize,
        /// Which.
        character: char,
    },
    /// Base64 of our key with something done to it.
    #[error("{0}")]
    Damaged(Difference),
    /// No public key.
    #[error("p= holds no key of type {}", .0.name())]
    NotAKey(KeyKind),
    /// `k=` is none that is known.
    #[error("k={0} is no type of key")]
    UnknownKind(String),
    /// A key, or `k=`, of another type.
    #[error("the record is of type {}, and the private key of type {}", published.name(), ours.name())]
    OtherKind {
        /// What is published.
        published: KeyKind,
        /// What we sign with.
        ours: KeyKind,
    },
    /// A sound key that is not ours.
    #[error("another key is published, of {bits} bits")]
    OtherKey {
        /// Its size.
        bits: u32,
    },
    /// `s=` without e-mail.
    #[error("s= does not allow mail")]
    Service,
    /// `h=` without SHA-256.
    #[error("h= does not allow sha256")]
    Hash,
    /// `t=y`.
    #[error("t=y is set: the domain says that it is only testing")]
    Testing,
    /// White space within the base64.
    #[error("white space stands within p=; the standard allows it, some verifiers do not")]
    Blanks,
    /// The base64 lacks its `=`.
    #[error("the base64 of p= lacks the = at its end; some verifiers refuse that")]
    Unpadded,
    /// `RSAPublicKey` in place of `SubjectPublicKeyInfo`.
    #[error("p= holds a bare RSAPublicKey; many verifiers take a SubjectPublicKeyInfo only")]
    Bare,
    /// A small RSA key.
    #[error("the key has {0} bits")]
    Short(u32),
}

/// Everything that is wrong with what is published for `key`; nothing if all is well.
///
/// `records` are the TXT records of the name, each with its strings put together.
#[must_use]
pub fn key_flaws(records: &[Vec<u8>], key: &PublicKey) -> Vec<KeyFlaw> {
    let mut flaws = published_flaws(records, key);
    if key.kind() == KeyKind::Rsa && key.bits() < KeyFlaw::GOOD_BITS {
        flaws.push(KeyFlaw::Short(key.bits()));
    }
    flaws
}

fn published_flaws(records: &[Vec<u8>], key: &PublicKey) -> Vec<KeyFlaw> {
    match records {
        [] => return vec![KeyFlaw::Absent],
        [only] => return record::flaws(only, key),
        _ => {}
    }
    if is_one_in_pieces(records, key) {
        return vec![KeyFlaw::InPieces(records.len())];
    }
    let candidates: Vec<&Vec<u8>> = records.iter().filter(|text| record::looks_like_one(text)).collect();
    let of_each = candidates.iter().map(|text| record::flaws(text, key));
    // Several may be there in the midst of a change; the one that comes nearest is spoken of.
    let nearest = of_each.min_by_key(|flaws| flaws.iter().filter(|flaw| flaw.is_fatal()).count());
    let mut flaws = nearest.unwrap_or_else(|| vec![KeyFlaw::Absent]);
    if candidates.len() > 1 {
        flaws.insert(0, KeyFlaw::Several(candidates.len()));
    }
    if let others @ 1.. = records.len() - candidates.len() {
        flaws.push(KeyFlaw::OtherTexts(others));
    }
    flaws
}

/// Whether the records, put together in some order, are the one that should be there.
fn is_one_in_pieces(records: &[Vec<u8>], key: &PublicKey) -> bool {
    let is_sound = |text: &[u8]| !record::flaws(text, key).iter().any(KeyFlaw::is_fatal);
    let alone_sound = records.iter().any(|text| is_sound(text));
    !alone_sound
        && records.len() <= MOST_PIECES
        && orders(records.len())
            .any(|order| is_sound(&order.iter().flat_map(|&at| records[at].clone()).collect::<Vec<u8>>()))
}

/// Every order of `count` things.
fn orders(count: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..count.pow(u32::try_from(count).unwrap_or(u32::MAX))).filter_map(move |number| {
        let digits: Vec<usize> = (0..count)
            .scan(number, |rest, _| {
                let digit = *rest % count;
                *rest /= count;
                Some(digit)
            })
            .collect();
        (0..count).all(|at| digits.contains(&at)).then_some(digits)
    })
}

impl KeyFlaw {
    /// RFC 8301 §3.2: "Signers SHOULD use RSA keys of at least 2048 bits."
    const GOOD_BITS: u32 = 2048;
    /// RFC 8301 §3.2: "Verifiers MUST NOT consider signatures using RSA keys of less than 1024 bits as valid signatures."
    const LEAST_BITS: u32 = 1024;

    /// Whether signatures fail for it, at some verifiers at least; the others are only doubtful.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::OtherTexts(_)
            | Self::NoVersion
            | Self::Testing
            | Self::Blanks
            | Self::Unpadded
            | Self::Bare => false,
            Self::Short(bits) => *bits < Self::LEAST_BITS,
            Self::Absent
            | Self::Several(_)
            | Self::InPieces(_)
            | Self::ZoneLine
            | Self::Quotes
            | Self::Backslashes
            | Self::TagList(_)
            | Self::Version(_)
            | Self::NoKey
            | Self::Revoked
            | Self::Placeholder(_)
            | Self::Armour
            | Self::PrivateKey
            | Self::Base64 { .. }
            | Self::Damaged(_)
            | Self::NotAKey(_)
            | Self::UnknownKind(_)
            | Self::OtherKind { .. }
            | Self::OtherKey { .. }
            | Self::Service
            | Self::Hash => true,
        }
    }

    /// One word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Several(_) => "several-records",
            Self::OtherTexts(_) => "other-texts",
            Self::InPieces(_) => "in-pieces",
            Self::ZoneLine => "zone-line",
            Self::Quotes => "quotes",
            Self::Backslashes => "backslashes",
            Self::TagList(_) => "tag-list",
            Self::Version(_) => "version",
            Self::NoVersion => "no-version",
            Self::NoKey => "no-key",
            Self::Revoked => "revoked",
            Self::Placeholder(_) => "placeholder",
            Self::Armour => "armour",
            Self::PrivateKey => "private-key",
            Self::Base64 { .. } => "base64",
            Self::Damaged(difference) => difference.code(),
            Self::NotAKey(_) => "not-a-key",
            Self::UnknownKind(_) => "unknown-type",
            Self::OtherKind { .. } => "other-type",
            Self::OtherKey { .. } => "other-key",
            Self::Service => "service",
            Self::Hash => "hash",
            Self::Testing => "testing",
            Self::Blanks => "blanks",
            Self::Unpadded => "unpadded",
            Self::Bare => "bare",
            Self::Short(_) => "short",
        }
    }

    /// What to do about it, where the right record is `name` with `text`.
    #[must_use]
    pub fn remedy(&self, name: &dyn Display, text: &dyn Display) -> String {
        match self {
            Self::Absent => format!("publish a TXT record at {name}: {text}"),
            Self::Several(_) => format!("delete all TXT records at {name} but one: {text}"),
            Self::OtherTexts(_) => {
                format!("delete them, or the wildcard that they come from: {name} is for the key alone")
            }
            Self::InPieces(_) => {
                format!("make one record of them, with several strings where your server needs that: {text}")
            }
            Self::ZoneLine => format!("enter {name} as the name, and only this as the text: {text}"),
            Self::Quotes | Self::Backslashes => {
                format!("enter the text as it is, without marks around or within it: {text}")
            }
            Self::PrivateKey => {
                "delete the record now, make another key with another selector, and publish its public half"
                    .to_owned()
            }
            Self::Revoked => {
                "make another key with another selector and sign with that; a revoked one does not come back"
                    .to_owned()
            }
            Self::OtherKey { .. } => format!(
                "sign with the key whose record this is, or publish yours, if nothing signs with the other one: {text}"
            ),
            Self::OtherKind { .. } => {
                format!("give each key a selector of its own; at {name} belongs: {text}")
            }
            Self::Damaged(difference) => format!("{}: {text}", difference.remedy()),
            Self::Testing => {
                "take t=y out once signatures verify; until then receivers may treat mail as unsigned"
                    .to_owned()
            }
            Self::Short(_) => {
                "make a key of 2048 bits with another selector, publish it, then sign with it".to_owned()
            }
            Self::TagList(_)
            | Self::Version(_)
            | Self::NoVersion
            | Self::NoKey
            | Self::Placeholder(_)
            | Self::Armour
            | Self::Base64 { .. }
            | Self::NotAKey(_)
            | Self::UnknownKind(_)
            | Self::Service
            | Self::Hash
            | Self::Blanks
            | Self::Unpadded
            | Self::Bare => format!("publish it anew: {text}"),
        }
    }
}

#[cfg(test)]
mod tests;
