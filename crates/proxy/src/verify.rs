//! `dkimgate verify`: the signatures of one message, judged, and explained where that is asked for.

use crate::cli::VerifyArgs;
use crate::input::{self, InputError};
use crate::key::resolver::{ResolverError, with_resolver};
use crate::{exit, host};
use dkim::{
    DomainPolicy, Finding, KeyAnswer, Kind, Report, ResultWord, Uncovered, Verification, VerifyOptions,
    diagnose, names_to_ask,
};
use dns::{AnyResolver, Budget, TxtAnswer, txt_within};
use mail::{Domain, Header};
use policy::inbound::{key_answer, remarks, results};
use serde_json::{Value, json};
use std::process::ExitCode;
use thiserror::Error;

/// Why nothing could be verified.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The message cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// No look-ups are possible.
    #[error(transparent)]
    Resolver(#[from] ResolverError),
}

/// A signature, judged.
struct Judged {
    report: Report,
    /// What most likely happened; nothing if that was not asked for.
    findings: Vec<Finding>,
}

/// Verifies, prints what came of it, and tells the exit status.
pub fn verify(arguments: &VerifyArgs) -> Result<ExitCode, VerifyError> {
    let message = input::message(arguments.file.as_deref(), arguments.raw)?;
    let (header, body) = Header::split(&message);
    let judged = with_resolver(&arguments.dns, async |resolver| {
        let reports = judge(&resolver, arguments, (&header, body)).await;
        explain(&resolver, arguments.explain, (&header, body), reports).await
    })?;
    let reports: Vec<Report> = judged.iter().map(|judged| judged.report.clone()).collect();
    let field = authentication_results(&reports);
    if arguments.json {
        println!("{}", as_json(&judged, arguments.explain, &field));
    } else {
        print!("{}", as_text(&judged, &field));
    }
    Ok(status(&reports))
}

async fn judge(
    resolver: &AnyResolver,
    arguments: &VerifyArgs,
    (header, body): (&Header, &[u8]),
) -> Vec<Report> {
    let options = VerifyOptions { allow_legacy: arguments.allow_legacy, ..VerifyOptions::default() };
    let mut verification = Verification::begin(header, &options, arguments.now.unwrap_or_else(host::now));
    let (queries, names): (Vec<_>, Vec<_>) =
        verification.queries().map(|(id, name)| (id, name.clone())).unzip();
    let _ = verification.body(body);
    let answers = txt_within(resolver, &names, Budget::default()).await;
    verification.finish(|id| {
        let at =
            queries.iter().position(|query| *query == id).expect("only names that were asked for are used");
        key_answer(&answers[at])
    })
}

async fn explain(
    resolver: &AnyResolver,
    wanted: bool,
    (header, body): (&Header, &[u8]),
    reports: Vec<Report>,
) -> Vec<Judged> {
    let mut judged = Vec::with_capacity(reports.len());
    for report in reports {
        let mut findings = Vec::new();
        if wanted {
            let names = names_to_ask(&report);
            let budget = Budget { queries: names.len(), ..Budget::default() };
            let answers = txt_within(resolver, &names, budget).await;
            findings = diagnose(header, body, &report, |name| answer(&names, &answers, name));
        }
        judged.push(Judged { report, findings });
    }
    judged
}

fn answer(names: &[Domain], answers: &[TxtAnswer], name: &Domain) -> KeyAnswer {
    let at = names.iter().position(|known| known == name);
    at.map_or(KeyAnswer::Absent, |at| key_answer(&answers[at]))
}

/// The field that the inbound listener would add, unfolded and without its name.
fn authentication_results(reports: &[Report]) -> String {
    let field = results(&host::name(), reports, false).write();
    let text = String::from_utf8_lossy(field.raw()).replace("\r\n\t", " ");
    text.split_once(": ").map_or("", |(_, value)| value).trim_end().to_owned()
}

fn status(reports: &[Report]) -> ExitCode {
    let dkim = || reports.iter().filter(|report| report.kind == Kind::Dkim).map(Report::word);
    if dkim().any(|word| word == ResultWord::Pass) {
        ExitCode::SUCCESS
    } else if dkim().any(|word| word == ResultWord::TempError) {
        exit::TEMPORARY.into()
    } else {
        ExitCode::FAILURE
    }
}

fn as_json(judged: &[Judged], explained: bool, field: &str) -> Value {
    let signature = |Judged { report, findings }: &Judged| {
        let mut signature = json!({
            "kind": report.kind.name(),
            "domain": report.domain.as_ref().map(ToString::to_string),
            "selector": report.selector.as_ref().map(ToString::to_string),
            "algorithm": report.algorithm,
            "identity": report.identity,
            "result": report.word().as_str(),
            "reason": report.outcome.as_ref().err().map(ToString::to_string),
            "key_bits": report.key.as_ref().map(|key| key.bits),
            "b": Some(&report.b).filter(|b| !b.is_empty()),
        });
        if explained {
            signature["explanation"] = findings.iter().map(finding).collect();
            signature["unsigned"] = report.uncovered.iter().map(unsigned).collect();
            signature["policy"] = report.policy.as_ref().map_or(Value::Null, domain_policy);
        }
        signature
    };
    let signatures: Vec<_> = judged.iter().map(signature).collect();
    json!({ "signatures": signatures, "authentication_results": field })
}

fn finding(finding: &Finding) -> Value {
    json!({ "code": finding.code(), "text": finding.to_string(), "remedy": finding.remedy() })
}

/// A field that matters to readers, of which the message has more than are signed.
fn unsigned(field: &Uncovered) -> Value {
    json!({ "field": field.name, "present": field.present, "signed": field.signed })
}

/// What a domain of the older family says of its mail.
fn domain_policy(policy: &DomainPolicy) -> Value {
    json!({ "name": policy.name.to_string(), "signs_all": policy.signs_all, "testing": policy.testing })
}

fn as_text(judged: &[Judged], field: &str) -> String {
    let mut text: String = judged.iter().map(lines).collect();
    if judged.is_empty() {
        text += "none       the message has no signature\n";
    }
    text + "\nAuthentication-Results: " + field + "\n"
}

/// A signature, and behind it what most likely happened to it.
fn lines(Judged { report, findings }: &Judged) -> String {
    let mut text = line(report) + "\n";
    for finding in findings {
        text = text + "           - " + &finding.to_string() + "\n";
        if let Some(remedy) = finding.remedy() {
            text = text + "             " + remedy + "\n";
        }
    }
    text
}

fn line(report: &Report) -> String {
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
    let mut line = format!(
        "{:<10} {} d={} s={} a={}",
        report.word(),
        report.kind.name(),
        or_unknown(report.domain.as_ref().map(ToString::to_string)),
        or_unknown(report.selector.as_ref().map(ToString::to_string)),
        or_unknown(report.algorithm.clone()),
    );
    if let Some(remarks) = remarks(report) {
        line = line + " (" + &remarks + ")";
    }
    if let Err(failure) = &report.outcome {
        line = line + ": " + &failure.to_string();
    }
    line
}
