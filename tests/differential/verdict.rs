//! What we say of a message, and what the three judges say.

use crate::keys;
use dkim::{Report, Verification, VerifyOptions};
use mail::Header;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The time at which every message is verified, by us and by the judges.
pub(crate) const NOW: u64 = 1_700_000_000;

/// Debian's Python, for which Debian's packages of the judges are installed; another may come first in the path.
pub(crate) const PYTHON: &str = "/usr/bin/python3";

/// What one judge says of one signature.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// pass, fail, permerror, temperror, absent or crash.
    pub(crate) word: String,
    /// Its own words.
    pub(crate) detail: String,
}

/// What the judges say of one signature, by their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) algorithm: String,
    pub(crate) said: BTreeMap<String, Said>,
}

impl Judgement {
    /// How many judges may differ from us without a reason: one of three. Where `Mail::DKIM` cannot judge, as with
    /// Ed25519, the other two must agree; of the older family it is the only judge.
    pub(crate) fn tolerance(&self) -> usize {
        usize::from(self.said.len() > 1 && !self.algorithm.eq_ignore_ascii_case("ed25519-sha256"))
    }

    /// Whether this judge says pass.
    pub(crate) fn passed(&self, judge: &str) -> bool {
        self.said.get(judge).is_some_and(|said| said.word == "pass")
    }

    /// What this judge says in its own words.
    pub(crate) fn detail(&self, judge: &str) -> &str {
        self.said.get(judge).map_or("", |said| &said.detail)
    }

    fn of(signature: &Value) -> Judgement {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let words = signature["verdict"].as_object().cloned().unwrap_or_default();
        let said = words.into_iter().map(|(judge, word)| {
            let detail = text(&signature["detail"][&judge]);
            (judge, Said { word: text(&word), detail })
        });
        Judgement { algorithm: text(&signature["a"]), said: said.collect() }
    }
}

/// Where the judges are.
pub(crate) fn oracle() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/oracle.py")
}

/// What we say of each signature of a message.
pub(crate) fn ours(message: &[u8], zone: &Map<String, Value>) -> Vec<Report> {
    let (header, body) = Header::split(message);
    let mut verification = Verification::begin(&header, &VerifyOptions::default(), NOW);
    let answers: HashMap<_, _> =
        verification.queries().map(|(id, name)| (id, keys::answer(zone, name.as_str()))).collect();
    let _ = verification.body(body);
    verification.finish(|id| answers[&id].clone())
}

/// What the judges say of each signature of each message, in one run of the oracle.
pub(crate) fn judges(messages: &[Vec<u8>], zone: &Map<String, Value>) -> Vec<Vec<Judgement>> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let write = |name: &str, octets: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, octets).expect("the temporary folder is ours");
        path.display().to_string()
    };
    let records = write("records.json", Value::Object(zone.clone()).to_string().as_bytes());
    let lines: Vec<_> = messages
        .iter()
        .enumerate()
        .map(|(at, message)| format!("{}\t{records}\n", write(&format!("{at}.eml"), message)))
        .collect();
    let list = write("list", lines.concat().as_bytes());
    let mut command = Command::new(PYTHON);
    command.arg(oracle()).args(["--batch", "--raw", "--now", &NOW.to_string()]);
    command.stdin(std::fs::File::open(list).expect("we wrote it")).stderr(Stdio::piped());
    let output = command.output().unwrap_or_else(|fault| panic!("{PYTHON}: {fault}"));
    let answers: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().map(judgements).collect();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(answers.len(), messages.len(), "the oracle broke off: {complaint}");
    answers
}

fn judgements(line: &str) -> Vec<Judgement> {
    let answer: Value = serde_json::from_str(line).unwrap_or_else(|fault| panic!("{fault} in {line}"));
    answer["sigs"].as_array().map(|all| all.iter().map(Judgement::of).collect()).unwrap_or_default()
}
