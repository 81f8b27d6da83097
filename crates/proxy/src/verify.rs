//! `dkimgate verify`: the signatures of one message, judged.

use crate::cli::VerifyArgs;
use crate::input::{self, InputError};
use crate::{exit, host};
use dkim::{Kind, Report, ResultWord, Verification, VerifyOptions};
use dns::{AnyResolver, Budget, SystemError, SystemResolver, SystemSettings, Zone, ZoneError, txt_within};
use mail::Header;
use policy::inbound::{key_answer, results};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use thiserror::Error;

/// Why nothing could be verified.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The message or the zone cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The zone file is none.
    #[error("{}: {source}", path.display())]
    Zone {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: ZoneError,
    },
    /// No look-ups are possible.
    #[error(transparent)]
    Resolver(#[from] SystemError),
    /// The runtime for look-ups does not start.
    #[error("cannot look names up: {0}")]
    Runtime(#[source] std::io::Error),
}

/// Verifies, prints what came of it, and tells the exit status.
pub fn verify(arguments: &VerifyArgs) -> Result<ExitCode, VerifyError> {
    let message = input::message(arguments.file.as_deref(), arguments.raw)?;
    let (header, body) = Header::split(&message);
    let options = VerifyOptions { allow_legacy: arguments.allow_legacy, ..VerifyOptions::default() };
    let now = arguments.now.unwrap_or_else(host::now);
    let reports = judge(&header, body, Judgement { options, now, zone: arguments.zone.as_deref() })?;
    let field = authentication_results(&reports);
    if arguments.json {
        println!("{}", as_json(&reports, &field));
    } else {
        print!("{}", as_text(&reports, &field));
    }
    Ok(status(&reports))
}

/// What a message is judged by.
struct Judgement<'a> {
    options: VerifyOptions,
    now: u64,
    zone: Option<&'a Path>,
}

fn judge(header: &Header, body: &[u8], by: Judgement<'_>) -> Result<Vec<Report>, VerifyError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(VerifyError::Runtime)?;
    let _guard = runtime.enter();
    let resolver = resolver(by.zone)?;
    let mut verification = Verification::begin(header, &by.options, by.now);
    let (queries, names): (Vec<_>, Vec<_>) =
        verification.queries().map(|(id, name)| (id, name.clone())).unzip();
    let _ = verification.body(body);
    let answers = runtime.block_on(txt_within(&resolver, &names, Budget::default()));
    Ok(verification.finish(|id| {
        let at =
            queries.iter().position(|query| *query == id).expect("only names that were asked for are used");
        key_answer(&answers[at])
    }))
}

fn resolver(zone: Option<&Path>) -> Result<AnyResolver, VerifyError> {
    let Some(path) = zone else { return Ok(SystemResolver::new(&SystemSettings::default())?.into()) };
    let text = input::bytes(path)?;
    let zone = Zone::parse(&text).map_err(|source| VerifyError::Zone { path: path.to_owned(), source })?;
    Ok(zone.into())
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

fn as_json(reports: &[Report], field: &str) -> serde_json::Value {
    let signature = |report: &Report| {
        json!({
            "kind": report.kind.name(),
            "domain": report.domain.as_ref().map(ToString::to_string),
            "selector": report.selector.as_ref().map(ToString::to_string),
            "algorithm": report.algorithm,
            "identity": report.identity,
            "result": report.word().as_str(),
            "reason": report.outcome.as_ref().err().map(ToString::to_string),
            "key_bits": report.key.as_ref().map(|key| key.bits),
            "b": Some(&report.b).filter(|b| !b.is_empty()),
        })
    };
    let signatures: Vec<_> = reports.iter().map(signature).collect();
    json!({ "signatures": signatures, "authentication_results": field })
}

fn as_text(reports: &[Report], field: &str) -> String {
    let mut text: String = reports.iter().map(|report| line(report) + "\n").collect();
    if reports.is_empty() {
        text += "none       the message has no signature\n";
    }
    text + "\nAuthentication-Results: " + field + "\n"
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
    if let Some(key) = &report.key {
        line += &format!(" ({}-bit key)", key.bits);
    }
    if let Err(failure) = &report.outcome {
        line += &format!(": {failure}");
    }
    line
}
