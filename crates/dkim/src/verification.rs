//! Verification of all signatures of a message: questions out, answers in.

use crate::dkim::signature::{self as dkim_signature, decode_identity};
use crate::domainkeys::signature as domainkeys_signature;
use crate::fields::FieldIndex;
use crate::hash::{Appetite, BodyHasher, BodyHashes};
use crate::options::{KeyAnswer, Queries, QueryId, VerifyOptions};
use crate::report::{Failure, Kind, Report};
use crate::tags::TagList;
use crate::{dkim, domainkeys, prefix};
use mail::{Domain, Field, Header};

/// A message on its way through the verifier.
///
/// It keeps a copy of the header if there is a signature, and nothing of the body.
pub struct Verification {
    options: VerifyOptions,
    header: Header,
    index: FieldIndex,
    candidates: Vec<Candidate>,
    queries: Queries,
    body: BodyHasher,
}

/// A signature that is still in the running, or has dropped out already.
struct Candidate {
    report: Report,
    pending: Option<Pending>,
}

/// What is still to be judged, by family.
enum Pending {
    Dkim(dkim::verify::Pending),
    DomainKeys(domainkeys::verify::Pending),
}

/// What a signature field is read with.
pub(crate) struct Start<'a> {
    pub(crate) header: &'a Header,
    pub(crate) index: &'a FieldIndex,
    pub(crate) options: &'a VerifyOptions,
    pub(crate) now: u64,
    pub(crate) queries: &'a mut Queries,
    pub(crate) body: &'a mut BodyHasher,
}

/// What a signature is judged by, besides its key.
pub(crate) struct Evidence<'a> {
    pub(crate) header: &'a Header,
    pub(crate) index: &'a FieldIndex,
    pub(crate) options: &'a VerifyOptions,
    pub(crate) hashes: &'a BodyHashes,
}

impl Verification {
    /// Starts on a header. `now` is in seconds since 1970.
    #[must_use]
    pub fn begin(header: &Header, options: &VerifyOptions, now: u64) -> Self {
        let options = options.clone();
        let mut reports = claims(header, &options);
        if reports.is_empty() {
            return Self::nothing(options);
        }
        prefix::shorten(&mut reports);
        let index = FieldIndex::new(header);
        let (mut queries, mut body) = (Queries::default(), BodyHasher::default());
        let mut start =
            Start { header, index: &index, options: &options, now, queries: &mut queries, body: &mut body };
        let candidates = reports
            .into_iter()
            .enumerate()
            .map(|(at, report)| Candidate::begin(at, report, &mut start))
            .collect();
        Self { header: header.clone(), index, options, candidates, queries, body }
    }

    /// The names whose TXT records are wanted, each of them once, those of keys first.
    pub fn queries(&self) -> impl Iterator<Item = (QueryId, &Domain)> {
        self.queries.iter()
    }

    /// Takes the next chunk of the body. A chunk may end anywhere.
    pub fn body(&mut self, chunk: &[u8]) -> Appetite {
        self.body.update(chunk)
    }

    /// Whether more of the body can change anything.
    pub fn appetite(&self) -> Appetite {
        self.body.appetite()
    }

    /// Ends the message: one report for each signature field, from top to bottom.
    #[must_use]
    pub fn finish(self, mut answer: impl FnMut(QueryId) -> KeyAnswer) -> Vec<Report> {
        let hashes = self.body.finish();
        let evidence =
            Evidence { header: &self.header, index: &self.index, options: &self.options, hashes: &hashes };
        self.candidates.into_iter().map(|candidate| candidate.finish(&mut answer, &evidence)).collect()
    }

    /// A message without signatures.
    fn nothing(options: VerifyOptions) -> Self {
        Self {
            options,
            header: Header::default(),
            index: FieldIndex::default(),
            candidates: Vec::new(),
            queries: Queries::default(),
            body: BodyHasher::default(),
        }
    }
}

impl Candidate {
    /// Reads the signature that is the `at`-th of the message.
    fn begin(at: usize, mut report: Report, start: &mut Start<'_>) -> Self {
        let begun = match report.kind {
            _ if at >= start.options.max_signatures => Err(Failure::NotTried),
            Kind::Dkim => dkim::verify::Pending::begin(start, &mut report).map(Pending::Dkim),
            Kind::DomainKeys => {
                domainkeys::verify::Pending::begin(start, &mut report).map(Pending::DomainKeys)
            }
        };
        let pending = match begun {
            Ok(pending) => Some(pending),
            Err(failure) => {
                report.outcome = Err(failure);
                None
            }
        };
        Self { report, pending }
    }

    fn finish(self, answer: &mut impl FnMut(QueryId) -> KeyAnswer, evidence: &Evidence<'_>) -> Report {
        let Self { mut report, pending } = self;
        if let Some(pending) = pending {
            report.outcome = match pending {
                Pending::Dkim(pending) => pending.judge(answer(pending.query()), evidence, &mut report),
                Pending::DomainKeys(pending) => {
                    report.policy = pending.policy(&mut *answer);
                    pending.judge(answer(pending.query()), evidence, &mut report)
                }
            };
        }
        report
    }
}

/// What each signature field says of itself, true or not.
fn claims(header: &Header, options: &VerifyOptions) -> Vec<Report> {
    let kind = |field: &Field<'_>| match field.name() {
        name if name.eq_ignore_ascii_case(dkim_signature::NAME.as_bytes()) => Some(Kind::Dkim),
        name if name.eq_ignore_ascii_case(domainkeys_signature::NAME.as_bytes()) => {
            options.domainkeys.then_some(Kind::DomainKeys)
        }
        _ => None,
    };
    let fields = header.fields().enumerate();
    fields.filter_map(|(at, field)| kind(&field).map(|kind| claim(kind, at, field.value()))).collect()
}

/// What one signature field says of itself.
fn claim(kind: Kind, field: usize, value: &[u8]) -> Report {
    let tags = TagList::salvage(value);
    let name = |tag| tags.value(tag).and_then(|value| Domain::parse(value).ok());
    let number = |tag| tags.value(tag).and_then(|value| value.parse().ok());
    let domain = name("d");
    let identity = match tags.value("i").filter(|_| kind == Kind::Dkim) {
        Some(value) => decode_identity(value),
        None => domain.as_ref().map(|domain| format!("@{domain}")),
    };
    Report {
        kind,
        field,
        selector: name("s"),
        algorithm: tags.value("a").filter(|value| is_word(value)).map(str::to_ascii_lowercase),
        identity,
        sender: None,
        canonicalization: tags
            .value("c")
            .and_then(crate::Canonicalization::parse)
            .filter(|_| kind == Kind::Dkim),
        b: prefix::compact(tags.value("b").unwrap_or_default()),
        signed_at: number("t"),
        expires_at: number("x"),
        body_length: number("l"),
        wants_reports: tags.value("r") == Some("y"),
        key_name: None,
        key: None,
        uncovered: Vec::new(),
        policy: None,
        outcome: Ok(()),
        domain,
    }
}

/// Whether a text looks like the name of an algorithm.
fn is_word(text: &str) -> bool {
    let plain = text.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
    plain && (1..=64).contains(&text.len())
}
