//! Why a signature does not verify, as far as that can be computed again.
//!
//! A hash that differs says nothing about the difference. So the usual ones are undone, one after the other, and each
//! time the hash is made again: once it fits, what was undone is what happened. `body` and `header` undo; `key` looks
//! at records, and `names` at names near by where a record may stand by mistake; `finding` has the words.
//!
//! Nothing is looked up here: [`names_to_ask`] says which names are of interest, and [`diagnose`] takes the answers.

mod body;
mod encoding;
mod finding;
mod header;
mod key;
mod names;

pub use finding::{BodyChange, Finding, HeaderChange};
pub use names::names_to_ask;

use crate::dkim::signature::{Hashes, Signature};
use crate::key::Demand;
use crate::options::{KeyAnswer, VerifyOptions};
use crate::report::{Failure, Kind, Report};
use mail::{Domain, Header};

/// What most likely happened to a signature that does not pass, the plainest cause first; nothing for one that passes.
///
/// `answer` is asked for the names of [`names_to_ask`] only.
#[must_use]
pub fn diagnose(
    header: &Header,
    body: &[u8],
    report: &Report,
    answer: impl Fn(&Domain) -> KeyAnswer,
) -> Vec<Finding> {
    let Err(failure) = &report.outcome else { return Vec::new() };
    let mut findings = match failure {
        Failure::NoKey | Failure::KeyRecord(_) | Failure::KeyKind | Failure::KeyRevoked => {
            key::findings(report, &answer)
        }
        _ => Vec::new(),
    };
    if findings.is_empty() {
        findings.push(Finding::Said(failure.clone()));
    }
    if report.kind == Kind::Dkim
        && matches!(failure, Failure::BodyHash | Failure::Signature | Failure::BodyTooShort)
    {
        let value = header.field(report.field).map_or(&[][..], |field| field.value());
        if let Ok(signature) = Signature::parse(value, Hashes::Filled) {
            findings.extend(changes(header, body, report, (&signature, &answer)));
        }
    }
    findings
}

/// What was changed in body and header after signing.
fn changes(
    header: &Header,
    body: &[u8],
    report: &Report,
    (signature, answer): (&Signature, &impl Fn(&Domain) -> KeyAnswer),
) -> Vec<Finding> {
    let mut findings = vec![body::finding(signature, header, body)];
    let options = VerifyOptions { allow_legacy: true, ..VerifyOptions::default() };
    let demand = Demand { algorithm: signature.algorithm, subdomain: false, sender: None, options: &options };
    let answer = report.key_name.as_ref().map_or(KeyAnswer::Absent, answer);
    if let Ok(keys) = demand.choose(answer) {
        findings.extend(header::findings(signature, header, report.field, &keys));
    }
    findings
}

#[cfg(test)]
mod tests;
