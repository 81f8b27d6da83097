//! Reports as an Authentication-Results field (RFC 8601 §2.7.1, RFC 6008).

use auth::{AuthenticationResults, MethodResult};
use dkim::{KeyFacts, Kind, Report, ResultWord};

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
    result.comment = report.key.as_ref().map(key_words);
    result.reason = report.outcome.as_ref().err().map(ToString::to_string);
    let texts = match report.kind {
        Kind::Dkim => vec![
            ("d", report.domain.as_ref().map(ToString::to_string)),
            ("i", identity(report, smtputf8)),
            ("s", report.selector.as_ref().map(ToString::to_string)),
            ("a", report.algorithm.clone()),
            ("b", Some(report.b.clone()).filter(|b| !b.is_empty())),
        ],
        // All that is registered for the older family.
        Kind::DomainKeys => vec![("d", report.domain.as_ref().map(ToString::to_string))],
    };
    for (property, text) in texts {
        if let Some(text) = text {
            result = result.property("header", property, text);
        }
    }
    result
}

fn key_words(key: &KeyFacts) -> String {
    let testing = if key.testing { ", testing" } else { "" };
    format!("{}-bit key{testing}", key.bits)
}

/// The identity, or only its domain where the rest cannot stand in a header of this message.
fn identity(report: &Report, smtputf8: bool) -> Option<String> {
    let identity = report.identity.as_ref()?;
    let is_fit = (smtputf8 || identity.is_ascii())
        && identity.len() <= LONGEST_IDENTITY
        && !identity.chars().any(char::is_control);
    if is_fit {
        return Some(identity.clone());
    }
    let domain = identity.rsplit_once('@').and_then(|(_, domain)| mail::Domain::parse(domain).ok());
    domain.map(|domain| format!("@{domain}"))
}
