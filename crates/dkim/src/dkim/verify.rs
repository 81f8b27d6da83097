//! Verifying one DKIM-Signature field (RFC 6376 §6.1).

use super::signature::{Hashes, Signature, key_name};
use crate::algorithm::{Algorithm, Form};
use crate::canonical::{BodyForm, HeaderForm};
use crate::hash::{BodyHash, BodyHashId, BodyHashSpec};
use crate::key::{Demand, Unusable};
use crate::options::{KeyAnswer, QueryId, VerifyOptions};
use crate::report::{Failure, Report, Uncovered};
use crate::verification::{Evidence, Start};

/// Fields that matter to who reads a message.
const MATTERS: [&str; 10] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Date",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// A signature that is still in the running.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    signature: Signature,
    field: usize,
    query: QueryId,
    body: BodyHashId,
}

impl Pending {
    /// Reads the field, and judges what it says of itself.
    pub(crate) fn begin(start: &mut Start<'_>, report: &mut Report) -> Result<Self, Failure> {
        let value = start.header.field(report.field).map_or(&[][..], |field| field.value());
        let signature = Signature::parse(value, Hashes::Filled)?;
        report.uncovered = uncovered(&signature, start);
        check(&signature, start)?;
        let name = key_name(&signature.selector, &signature.domain).ok_or(Failure::KeyName)?;
        let form = body_form(signature.canonicalization.body);
        let spec = BodyHashSpec {
            limit: signature.body_length,
            ..BodyHashSpec::new(form, signature.algorithm.hash())
        };
        report.key_name = Some(name.clone());
        Ok(Self {
            field: report.field,
            query: start.queries.ask(name),
            body: start.body.request(spec),
            signature,
        })
    }

    /// Which answer it waits for.
    pub(crate) fn query(&self) -> QueryId {
        self.query
    }

    /// Judges key and hashes.
    pub(crate) fn judge(
        &self,
        answer: KeyAnswer,
        evidence: &Evidence<'_>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let signature = &self.signature;
        let demand = Demand {
            algorithm: signature.algorithm,
            subdomain: signature.identity != signature.domain,
            sender: None,
            options: evidence.options,
        };
        let keys = demand.choose(answer).map_err(|Unusable { facts, failure }| {
            report.key = facts;
            failure
        })?;
        report.key = keys.first().map(|usable| usable.facts.clone());
        let body = &evidence.hashes[self.body];
        self.judge_body(body)?;
        let text = signed_text(signature, self.field, evidence);
        let verifies = |key: &crate::key::PublicKey| key.verify(signature.algorithm, &text, &signature.b);
        let usable = keys.into_iter().find(|usable| verifies(&usable.key)).ok_or(Failure::Signature)?;
        report.key = Some(usable.facts);
        if body.tail { Err(Failure::PartlyUnsigned) } else { Ok(()) }
    }

    fn judge_body(&self, body: &BodyHash) -> Result<(), Failure> {
        // RFC 6376 §3.5: "This value MUST NOT be larger than the actual number of octets in the canonicalized message body."
        if self.signature.body_length.is_some_and(|length| length > body.length) {
            return Err(Failure::BodyTooShort);
        }
        if body.digest == self.signature.bh { Ok(()) } else { Err(Failure::BodyHash) }
    }
}

/// The body form that `c=` means.
pub(crate) fn body_form(form: Form) -> BodyForm {
    match form {
        Form::Simple => BodyForm::Simple,
        Form::Relaxed => BodyForm::Relaxed,
    }
}

/// What a signature is computed over: the fields of `h=`, and its own without the value of `b=` (RFC 6376 §3.7).
fn signed_text(signature: &Signature, own: usize, evidence: &Evidence<'_>) -> Vec<u8> {
    let form = HeaderForm::from(signature.canonicalization.header);
    let names = signature.fields.iter().map(String::as_str);
    let mut text = Vec::new();
    for place in evidence.index.select(names, Some(own)) {
        if let Some(field) = evidence.header.field(place) {
            form.put(field, &mut text);
        }
    }
    if let Some(field) = evidence.header.field(own) {
        form.put_cut(field, Some(signature.b_span.clone()), &mut text);
    }
    text
}

/// What can be judged without key and body.
fn check(signature: &Signature, start: &Start<'_>) -> Result<(), Failure> {
    let VerifyOptions { allow_legacy, clock_skew, .. } = *start.options;
    // RFC 6376 §6.1.1: "Verifiers MUST confirm that the domain specified in the "d=" tag is the same as or a parent domain of the domain part of the "i=" tag."
    if !signature.identity.is_within(&signature.domain) {
        return Err(Failure::IdentityOutside);
    }
    if !signature.covers("From") {
        return Err(Failure::FromNotSigned);
    }
    if start.index.places("From").is_empty() {
        return Err(Failure::NoFrom);
    }
    // RFC 8301 §3.1: "rsa-sha1 MUST NOT be used for signing or verifying."
    if signature.algorithm == Algorithm::RsaSha1 && !allow_legacy {
        return Err(Failure::Sha1);
    }
    if signature.expires_at.is_some_and(|expires| start.now > expires.saturating_add(clock_skew)) {
        return Err(Failure::Expired);
    }
    if signature.signed_at.is_some_and(|signed| signed > start.now.saturating_add(clock_skew)) {
        return Err(Failure::SignedInFuture);
    }
    Ok(())
}

/// Fields that matter, of which some are not signed.
fn uncovered(signature: &Signature, start: &Start<'_>) -> Vec<Uncovered> {
    let cover = |name: &'static str| {
        let present = start.index.places(name).len();
        let signed =
            signature.fields.iter().filter(|field| field.eq_ignore_ascii_case(name)).count().min(present);
        Uncovered { name, present, signed }
    };
    MATTERS.into_iter().map(cover).filter(|cover| cover.signed < cover.present).collect()
}
