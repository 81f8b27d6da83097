//! Our verdicts beside those of three other verifiers, on messages made by a seeded generator.
//!
//! The three are run by `oracle.py` beside the checkout; without it, or without what it needs, the test is skipped.
//! `DIFFERENTIAL=5000 cargo test -p dkimgate-dkim --test differential` is the long run.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use dkim::{
    BodyLength, Canonicalization, DkimRequest, Failure, FieldNames, FieldSelection, Form, Oversign,
    PrivateKey, Report, SignatureError, VerifyOptions,
};
use mail::Domain;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use support::{NOW, Zone, ed25519, record, rsa_1024, signed, verify};

/// How many messages are tried if nobody says.
const FEW: usize = 60;

fn oracle() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/oracle.py"));
    let ready = path.is_file()
        && Command::new("/usr/bin/python3")
            .args(["-c", "import dkim"])
            .status()
            .is_ok_and(|status| status.success())
        && Command::new("perl")
            .args(["-MMail::DKIM", "-e", "1"])
            .status()
            .is_ok_and(|status| status.success());
    if !ready {
        println!("skipped: there is no oracle at {}, or it lacks a judge", path.display());
    }
    ready.then_some(path)
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[ -~]{0,60}\r\n",
        2 => Just("\r\n".to_owned()),
        1 => "[ \t]{1,5}\r\n",
        1 => "[a-z]{1,8}[ \t]{1,5}[a-z]{1,8}[ \t]{0,3}\r\n",
        1 => "\\.[a-z]{0,3}\r\n",
        1 => "[a-zäß€]{0,10}\r\n",
        1 => "[a-z]{900,1200}\r\n",
    ]
}

fn body() -> impl Strategy<Value = String> {
    let lines = proptest::collection::vec(line(), 0..12).prop_map(|lines| lines.concat());
    (lines, prop_oneof![3 => Just(""), 1 => Just("\r\n\r\n"), 1 => Just(" \r\n")])
        .prop_map(|(lines, end)| lines + end)
}

/// A field whose value other parsers can be trusted to leave alone.
fn field() -> impl Strategy<Value = String> {
    let name =
        prop_oneof![Just("To"), Just("Subject"), Just("X-A"), Just("Received"), Just("x-a"), Just("Cc")];
    (name, "[ \t]{1,2}[a-z]([!-~äß]{0,20} {0,2}){0,3}(\r\n[ \t]{1,3}[!-9;-~]{1,20}){0,2}[ \t]{0,2}")
        .prop_map(|(name, value)| format!("{name}:{value}\r\n"))
}

fn message() -> impl Strategy<Value = String> {
    (proptest::collection::vec(field(), 0..6), any::<prop::sample::Index>(), body()).prop_map(
        |(mut fields, at, body)| {
            fields.insert(at.index(fields.len() + 1), "From: Joe <joe@a.example>\r\n".to_owned());
            format!("{}Date: Mon, 13 Nov 2023 00:00:00 +0000\r\n\r\n{body}", fields.concat())
        },
    )
}

fn request() -> impl Strategy<Value = DkimRequest> {
    let form = || prop_oneof![Just(Form::Simple), Just(Form::Relaxed)];
    let names = ["to", "Subject", "received", "x-none", "X-A", "Cc", "From"];
    let names = proptest::collection::vec(prop::sample::select(names.to_vec()), 0..6);
    let length = prop_oneof![4 => Just(BodyLength::Unsaid), 1 => Just(BodyLength::Whole), 1 => Just(BodyLength::Octets(0))];
    let time = prop_oneof![3 => Just(None), 2 => Just(Some(NOW - 100_000)), 1 => Just(Some(NOW + 50_000))];
    let lifetime = prop_oneof![2 => Just(None), 1 => Just(Some(1_000_000)), 1 => Just(Some(1_000))];
    let keys: [Arc<dyn PrivateKey>; 2] = [ed25519(), rsa_1024()];
    let key = (0..2_usize).prop_map(move |at| keys[at].clone());
    (form(), form(), names, length, time, lifetime, key, any::<bool>()).prop_map(
        |(header, body, names, body_length, signed_at, lifetime, key, extras)| {
            let name = |name: &str| Domain::parse(name).unwrap();
            let names = ["From"].into_iter().chain(names).map(String::from).collect();
            let kind = key.public_key().kind();
            DkimRequest {
                canonicalization: Canonicalization { header, body },
                fields: FieldSelection {
                    names: FieldNames::Exactly(names),
                    oversign: Oversign::Names(Vec::new()),
                },
                copy_fields: extras,
                say_query: extras,
                identity: extras.then(|| "joe=x@sub.a.example".to_owned()),
                lifetime: lifetime.filter(|_| signed_at.is_some()),
                body_length,
                signed_at,
                ..DkimRequest::new(name("a.example"), name(kind.name()), key)
            }
        },
    )
}

/// What happens to a message on its way; the first is nothing.
type Mutation = fn(String, usize) -> String;

const MUTATIONS: [(&str, Mutation); 20] = [
    ("nothing", |text, _| text),
    ("nothing again", |text, _| text),
    ("a letter in the body", |text, _| text + "x\r\n"),
    ("empty lines at the end", |text, _| text + "\r\n\r\n\r\n"),
    ("blanks at the end", |text, _| text + " \t\r\n"),
    ("the last line cut off", |text, _| {
        text[..text.trim_end().rfind("\r\n").map_or(text.len(), |at| at + 2)].to_owned()
    }),
    ("a field on top", |text, _| format!("Received: by somebody\r\n{text}")),
    ("a subject on top", |text, _| format!("Subject: other\r\n{text}")),
    ("names in upper case", |text, _| text.replace("\r\nTo:", "\r\nTO:").replace("From:", "FROM:")),
    ("blanks doubled", |text, _| text.replace(' ', "  ")),
    ("a blank doubled", |text, at| insert(text, at, " ")),
    ("folded at a blank", |text, _| text.replacen(" <", "\r\n <", 1)),
    ("refolded", |text, _| text.replace("\r\n\t", "\r\n ")),
    ("unfolded", |text, _| text.replace("\r\n ", " ")),
    ("an octet lost", |mut text, at| {
        let at = boundary(&text, at);
        text.remove(at);
        text
    }),
    ("an octet added", |text, at| insert(text, at, "q")),
    ("an octet changed", |text, at| insert(MUTATIONS[14].1(text, at), at, "#")),
    ("tags in upper case", |text, _| text.replacen("; s=", "; S=", 1)),
    ("blanks in tags", |text, _| text.replacen("a=", "a = ", 1)),
    ("another expiry", |text, _| text.replacen("x=1", "x=2", 1)),
];

fn boundary(text: &str, at: usize) -> usize {
    (at % text.len()..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn insert(mut text: String, at: usize, inserted: &str) -> String {
    let at = boundary(&text, at);
    text.insert_str(at, inserted);
    text
}

struct Case {
    path: PathBuf,
    text: String,
    what: &'static str,
}

fn cases(folder: &Path, count: usize) -> Vec<Case> {
    let config = Config { rng_seed: RngSeed::Fixed(6376), ..Config::default() };
    let mut runner = TestRunner::new(config);
    let strategy = (message(), request(), 0..MUTATIONS.len(), any::<u16>());
    let mut cases = Vec::new();
    while cases.len() < count {
        let (message, request, mutation, at) = strategy.new_tree(&mut runner).unwrap().current();
        let (what, mutate) = MUTATIONS[mutation];
        let text = String::from_utf8(signed(message.as_bytes(), vec![request.into()])).unwrap();
        let text = mutate(text, usize::from(at));
        if text.replace("\r\n", "").contains(['\r', '\n']) {
            continue;
        }
        let path = folder.join(format!("{}.eml", cases.len()));
        fs::write(&path, &text).unwrap();
        cases.push(Case { path, text, what });
    }
    cases
}

/// What each of the three says to each message.
fn asked(oracle: &Path, folder: &Path, cases: &[Case]) -> Vec<Value> {
    let dns = folder.join("dns.json");
    fs::write(&dns, serde_json::to_vec(&records()).unwrap()).unwrap();
    let list: String = cases.iter().fold(String::new(), |mut list, case| {
        writeln!(list, "{}\t{}", case.path.display(), dns.display()).unwrap();
        list
    });
    let file = folder.join("list");
    fs::write(&file, list).unwrap();
    let output = Command::new("/usr/bin/python3")
        .arg(oracle)
        .args(["--batch", "--raw", "--now", &NOW.to_string()])
        .stdin(fs::File::open(file).unwrap())
        .output()
        .unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn records() -> Value {
    serde_json::json!({
        "ed25519._domainkey.a.example": record(&*ed25519()),
        "rsa._domainkey.a.example": record(&*rsa_1024()),
    })
}

/// Whether two of the three pass a signature; `None` if no two agree. `Mail::DKIM` as Debian has it knows no Ed25519.
fn majority_passes(report: &Report, verdict: &serde_json::Map<String, Value>) -> Option<bool> {
    let abstains = |name: &str| name == "mail_dkim" && report.algorithm.as_deref() == Some("ed25519-sha256");
    let votes = verdict.iter().filter(|(name, _)| !abstains(name)).map(|(_, word)| word == "pass");
    let (ayes, noes): (Vec<bool>, Vec<bool>) = votes.partition(|passes| *passes);
    (ayes.len().max(noes.len()) >= 2).then_some(ayes.len() > noes.len())
}

/// The differences that are meant.
fn is_meant(outcome: &Result<(), Failure>) -> bool {
    match outcome {
        // RFC 6376 §6.1.3: "can choose to treat the signature as if it were invalid"; the three pass what goes on after l=.
        Err(Failure::PartlyUnsigned) => true,
        // RFC 6376 §2.10: base64 ends with its padding; two of the three do not look at what follows it.
        Err(Failure::Syntax(SignatureError::Malformed(tag))) => ["b", "bh"].contains(tag),
        _ => false,
    }
}

/// Two things are not tried:
///
/// * A body that does not end with CR LF, since SMTP has none: RFC 6376 §3.4.4 adds what is missing, as we do;
///   `libopendkim` and `dkimpy` each fail some of them.
/// * A bare CR or LF: the three take it for a line end in one place or another. RFC 6376 §2.8 has only CR LF.
#[test]
fn we_pass_where_two_of_three_do() {
    let Some(oracle) = oracle() else { return };
    let count = std::env::var("DIFFERENTIAL").ok().and_then(|count| count.parse().ok()).unwrap_or(FEW);
    let folder = std::env::temp_dir().join(format!("dkim-differential-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let cases = cases(&folder, count);
    let verdicts = asked(&oracle, &folder, &cases);
    assert_eq!(verdicts.len(), cases.len());
    let zone = Zone::default().with_json(&records());
    let mut differences = String::new();
    for (case, theirs) in cases.iter().zip(&verdicts) {
        let reports = verify(case.text.as_bytes(), &zone, &VerifyOptions::default(), NOW);
        let signatures = theirs["sigs"].as_array().unwrap();
        for (report, theirs) in reports.iter().zip(signatures) {
            let verdict = theirs["verdict"].as_object().unwrap();
            let outcome = &report.outcome;
            let majority = majority_passes(report, verdict).unwrap_or(outcome.is_ok());
            if outcome.is_ok() != majority && !is_meant(outcome) {
                writeln!(
                    differences,
                    "{} ({}): we say {outcome:?}, they {verdict:?}",
                    case.path.display(),
                    case.what
                )
                .unwrap();
            }
        }
    }
    println!("{count} messages");
    if differences.is_empty() {
        fs::remove_dir_all(&folder).unwrap();
    }
    assert!(differences.is_empty(), "\n{differences}");
}
