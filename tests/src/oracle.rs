//! Three other implementations judge a signature: `Mail::DKIM`, dkimpy and libopendkim, by `../shared/oracle.py`.

use crate::binary::checkout;
use crate::{Message, skip};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

/// Debian's Python, for which Debian's packages of the judges are installed; another may come first in the path.
const PYTHON: &str = "/usr/bin/python3";

/// What each judge says about one signature.
#[derive(Debug)]
pub struct Judgement {
    /// `a=`.
    pub algorithm: String,
    /// The verdict of each judge, by its name: pass, fail, permerror, temperror, absent or crash.
    pub verdicts: BTreeMap<String, String>,
}

/// Whether the scenario must end because the judges are not there; see [`skip::missing`].
#[must_use]
pub fn is_missing() -> bool {
    skip::missing("oracle", script().exists())
}

fn script() -> PathBuf {
    checkout().join("../shared/oracle.py")
}

/// The judges' verdicts on each signature of `message`, with `zone` (JSON) as the DNS.
pub fn judges(message: &Message, zone: &str) -> Vec<Judgement> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (file, records) = (folder.path().join("message.eml"), folder.path().join("records.json"));
    std::fs::write(&file, &message.bytes).expect("the temporary folder is ours");
    std::fs::write(&records, zone).expect("the temporary folder is ours");
    let output = Command::new(PYTHON)
        .arg(script())
        .args(["--raw".as_ref(), file.as_os_str(), records.as_os_str()])
        .output();
    let output = output.unwrap_or_else(|fault| panic!("{PYTHON}: {fault}"));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|fault| {
        panic!("the oracle's answer: {fault}\n{}", String::from_utf8_lossy(&output.stderr))
    });
    let signatures = answer["sigs"].as_array().cloned().unwrap_or_default();
    signatures.iter().map(Judgement::of).collect()
}

/// Every signature passes: RSA before all three judges, Ed25519 before dkimpy, and before no judge does it fail.
/// (Debian's `Mail::DKIM` and libopendkim do not know Ed25519.)
pub fn all_pass(message: &Message, zone: &str) {
    let judgements = judges(message, zone);
    assert!(!judgements.is_empty(), "no signature in:\n{}", message.text());
    for Judgement { algorithm, verdicts } in &judgements {
        let said: Vec<&str> = verdicts.values().map(String::as_str).collect();
        if algorithm == "ed25519-sha256" {
            assert_eq!(
                verdicts.get("dkimpy").map(String::as_str),
                Some("pass"),
                "{verdicts:?}\n{}",
                message.text()
            );
            assert!(!said.contains(&"fail"), "{verdicts:?}\n{}", message.text());
        } else {
            assert_eq!(said, ["pass"; 3], "{verdicts:?}\n{}", message.text());
        }
    }
}

impl Judgement {
    fn of(signature: &Value) -> Judgement {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let verdicts = signature["verdict"].as_object().cloned().unwrap_or_default();
        let verdicts = verdicts.into_iter().map(|(judge, verdict)| (judge, text(&verdict))).collect();
        Judgement { algorithm: text(&signature["a"]), verdicts }
    }
}
