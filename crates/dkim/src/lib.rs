//! DKIM (RFC 6376, 8301, 8463, 8616) and DomainKeys (RFC 4870) signatures, streaming and without I/O.
//!
//! Nothing here waits, asks a clock or looks a name up. A verification gives its questions out and takes the answers
//! in; signing takes the time as a number. Both read the body once, chunk by chunk, for all signatures together:
//!
//! ```text
//!   header ──► Verification::begin ──► queries() ──► (the caller's DNS) ──┐
//!   body   ──► Verification::body                                         ▼
//!              Verification::finish ◄──────────────────────────────── KeyAnswer
//!                     └──► one Report for each signature field
//!
//!   header, requests ──► Signing::begin ──► body ──► finish ──► one NewField for each request
//! ```
//!
//! `canonical` and `hash` are the pass over the body; `tags` and `encoding` read the text of fields and records; `key`
//! has the records and both halves of a key; `dkim` and `domainkeys` are the two families, with the same
//! files in each; `report` says what came of it, and
//! `diagnosis` why.

mod algorithm;
mod canonical;
mod diagnosis;
mod dkim;
mod domainkeys;
mod encoding;
mod fields;
mod fill;
mod hash;
mod key;
mod options;
mod prefix;
mod report;
mod request;
mod signing;
mod tags;
mod verification;

pub use algorithm::{Algorithm, Canonicalization, Form, HashAlgorithm, KeyKind};
pub use canonical::{BodyCanonicalizer, BodyForm};
pub use diagnosis::{BodyChange, Finding, HeaderChange, diagnose, names_to_ask};
pub use domainkeys::signature::OldForm;
pub use hash::{Appetite, BodyHash, BodyHashId, BodyHashSpec, BodyHasher, BodyHashes};
pub use key::{
    KeyFlaw, KeyRecord, KeyRecordError, PrivateKey, PrivateKeyError, PublicKey, PublicKeyError, SigningKey,
    key_flaws,
};
pub use options::{KeyAnswer, QueryId, VerifyOptions};
pub use report::{
    DomainPolicy, Failure, KeyFacts, Kind, Report, ResultWord, Sender, SignatureError, Uncovered,
};
pub use request::{
    BodyLength, DEFAULT_FIELDS, DkimRequest, DomainKeysRequest, FieldNames, FieldSelection, OVERSIGNED,
    Oversign, SignatureRequest, TemplateRequest,
};
pub use signing::{Prehash, SignError, Signing};
pub use tags::{Tag, TagError, TagList};
pub use verification::Verification;
