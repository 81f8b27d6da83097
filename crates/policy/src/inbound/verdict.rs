//! What becomes of a message, and what the log says of it.

use super::InboundSettings;
use super::results::remarks;
use auth::AuthenticationResults;
use dkim::{Failure, Kind, Report, ResultWord};
use filter::{Account, Decision, Edits, Refusal, Verdict};
use std::fmt::Write;

/// What the engine does with messages, and for which sort of reason: action and reason of their accounts.
pub const OUTCOMES: [(&str, &str); 3] =
    [("verified", ""), ("refused", "failed"), ("refused", "key_unavailable")];

/// All that was found out about a message.
pub(super) struct Finding<'a> {
    pub(super) settings: &'a InboundSettings,
    pub(super) reports: &'a [Report],
    pub(super) forged: Vec<usize>,
    pub(super) author: Option<String>,
}

impl Finding<'_> {
    pub(super) fn decide(self, results: &AuthenticationResults) -> Decision {
        let detail = self.detail();
        let refusal = self.refusal();
        let (action, reason) = match &refusal {
            None => ("verified", ""),
            Some(Refusal { code: 451, .. }) => ("refused", "key_unavailable"),
            Some(_) => ("refused", "failed"),
        };
        let counted = counted(self.reports);
        let account = Account { author: self.author, action, reason, results: counted, detail };
        let verdict = match refusal {
            Some(refusal) => Verdict::Refuse(refusal),
            None => Verdict::Forward(Edits { remove: self.forged, prepend: vec![results.write()] }),
        };
        Decision { verdict, account }
    }

    /// One passing signature is enough, and one that may yet pass is not held against a message for ever.
    fn refusal(&self) -> Option<Refusal> {
        // RFC 4870 signatures never stand for a DKIM result.
        let has = |word| self.reports.iter().any(|report| report.kind == Kind::Dkim && report.word() == word);
        if has(ResultWord::Pass) {
            return None;
        }
        if has(ResultWord::TempError) {
            return self.settings.reject_error.then(key_unavailable);
        }
        (self.settings.reject_fail && has(ResultWord::Fail)).then(no_passing_signature)
    }

    /// Each signature with its result; the log may name what the client does not hear.
    fn detail(&self) -> String {
        let mut detail = match self.reports {
            [] => "dkim=none".to_owned(),
            reports => reports.iter().map(words).collect::<Vec<_>>().join("; "),
        };
        if !self.forged.is_empty() {
            let _ = write!(detail, "; {} forged Authentication-Results removed", self.forged.len());
        }
        detail
    }
}

/// Each result in the words of RFC 8601.
fn counted(reports: &[Report]) -> Vec<(&'static str, &'static str)> {
    let mut counted: Vec<_> =
        reports.iter().map(|report| (report.kind.name(), report.word().as_str())).collect();
    if !reports.iter().any(|report| report.kind == Kind::Dkim) {
        counted.push((Kind::Dkim.name(), ResultWord::None.as_str()));
    }
    counted
}

fn words(report: &Report) -> String {
    let mut words = format!("{}={}", report.kind.name(), report.word());
    for (tag, value) in [
        ("d", report.domain.as_ref().map(ToString::to_string)),
        ("s", report.selector.as_ref().map(ToString::to_string)),
        ("a", report.algorithm.clone()),
    ] {
        if let Some(value) = value {
            let _ = write!(words, " {tag}={value}");
        }
    }
    if let Some(remarks) = remarks(report) {
        let _ = write!(words, " ({remarks})");
    }
    match &report.outcome {
        Ok(()) => {}
        Err(failure @ Failure::KeyUnavailable(why)) => _ = write!(words, ": {failure}, {why}"),
        Err(failure) => _ = write!(words, ": {failure}"),
    }
    words
}

/// RFC 7372 §3.1: "This status code is returned when a message did not contain any passing DKIM signatures."
fn no_passing_signature() -> Refusal {
    Refusal { code: 550, enhanced: "5.7.20", text: "No passing DKIM signature found".to_owned() }
}

/// RFC 6376 §6.3: "451 4.7.5 Unable to verify signature - key server unavailable"
fn key_unavailable() -> Refusal {
    Refusal {
        code: 451,
        enhanced: "4.7.5",
        text: "Unable to verify signature - key server unavailable".to_owned(),
    }
}
