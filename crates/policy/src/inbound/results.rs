//! Reports as an Authentication-Results field (RFC 8601 §2.7.1, RFC 6008).

use auth::{AuthenticationResults, MethodResult};
use dkim::{DomainPolicy, KeyFacts, Kind, Report, ResultWord, Uncovered};

/// How many results a field has at most. A message may hold a thousand signatures, of which ten are tried; what the
/// field says of those after the fiftieth is their number.
const MOST_RESULTS: usize = 50;
/// How long an identity is at most: 64 octets, an `@`, and 255 octets (RFC 5321 §4.5.3.1).
const LONGEST_IDENTITY: usize = 64 + 1 + 255;

/// What is to be said of a message with these signatures. `smtputf8` allows UTF-8 in it.
#[must_use]
pub fn results(authserv_id: &str, reports: &[Report], smtputf8: bool) -> AuthenticationResults {
    let mut results: Vec<MethodResult> =
        reports.iter().take(MOST_RESULTS).map(|report| result(report, smtputf8)).collect();
    if !reports.iter().any(|report| report.kind == Kind::Dkim) {
        results.insert(0, MethodResult::new(Kind::Dkim.name(), ResultWord::None.as_str()));
    }
    if let (Some(surplus), Some(last)) = (reports.len().checked_sub(MOST_RESULTS + 1), results.last_mut()) {
        last.comment = Some(format!("and {} more signatures not tried", surplus + 1));
    }
    AuthenticationResults { authserv_id: authserv_id.to_owned(), version: None, results }
}

fn result(report: &Report, smtputf8: bool) -> MethodResult {
    let mut result = MethodResult::new(report.kind.name(), report.word().as_str());
    // Only our own words: a comment or a reason is where readers expect no text of the sender.
    result.comment = remarks(report);
    result.reason = report.outcome.as_ref().err().map(ToString::to_string);
    let texts = match report.kind {
        Kind::Dkim => vec![
            ("d", report.domain.as_ref().map(ToString::to_string)),
            ("i", report.identity.as_deref().and_then(|identity| fitting(identity, smtputf8))),
            ("s", report.selector.as_ref().map(ToString::to_string)),
            ("a", report.algorithm.clone()),
            ("b", Some(report.b.clone()).filter(|b| !b.is_empty())),
        ],
        // RFC 5451 §6.2 has the names that are registered for the older family.
        Kind::DomainKeys => {
            vec![("d", report.domain.as_ref().map(ToString::to_string)), sender(report, smtputf8)]
        }
    };
    for (property, text) in texts {
        if let Some(text) = text {
            result = result.property("header", property, text);
        }
    }
    result
}

/// What else there is to say of a signature, in our own words: its key, what its domain says, and fields of which more
/// stand in the message than were signed.
#[must_use]
pub fn remarks(report: &Report) -> Option<String> {
    let key = report.key.as_ref().map(key_words);
    let policy = report.policy.as_ref().map(policy_words);
    // A field that was signed, and stands there once more: readers may be shown the one that nobody signed.
    let surplus = report.uncovered.iter().filter(|field| field.signed > 0 && report.outcome.is_ok());
    let remarks: Vec<_> = key.into_iter().chain(policy).chain(surplus.map(surplus_words)).collect();
    (!remarks.is_empty()).then(|| remarks.join(", "))
}

fn key_words(key: &KeyFacts) -> String {
    let testing = if key.testing { ", testing" } else { "" };
    format!("{}-bit key{testing}", key.bits)
}

fn policy_words(policy: &DomainPolicy) -> String {
    let mail = if policy.signs_all { "all" } else { "some" };
    let testing = if policy.testing { " for a test" } else { "" };
    format!("domain signs {mail} mail{testing}")
}

fn surplus_words(field: &Uncovered) -> String {
    format!("{} of {} {} fields unsigned", field.present - field.signed, field.present, field.name)
}

/// Whose signature it is in the older family: a property by the name of its field.
fn sender(report: &Report, smtputf8: bool) -> (&'static str, Option<String>) {
    let Some(sender) = &report.sender else { return ("from", None) };
    let property = if sender.field == "Sender" { "sender" } else { "from" };
    (property, fitting(&sender.address, smtputf8))
}

/// The identity, or only its domain where the rest cannot stand in a header of this message.
fn fitting(identity: &str, smtputf8: bool) -> Option<String> {
    let is_fit = (smtputf8 || identity.is_ascii())
        && identity.len() <= LONGEST_IDENTITY
        && !identity.chars().any(char::is_control);
    if is_fit {
        return Some(identity.to_owned());
    }
    let domain = identity.rsplit_once('@').and_then(|(_, domain)| mail::Domain::parse(domain).ok());
    domain.map(|domain| format!("@{domain}"))
}
