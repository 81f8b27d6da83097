//! A DNS in memory, and the verifier and signer run over whole messages.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test binary uses its own part of this"
)]

use dkim::{
    KeyAnswer, PrivateKey, Report, SignError, SignatureRequest, Signing, SigningKey, Verification,
    VerifyOptions,
};
use mail::{Header, NewField};
use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A time at which the examples of the RFCs are neither expired nor in the future.
pub const NOW: u64 = 1_700_000_000;

/// Names and what is to be found there.
#[derive(Clone, Debug, Default)]
pub struct Zone(HashMap<String, KeyAnswer>);

impl Zone {
    pub fn with(mut self, name: &str, record: &str) -> Self {
        self.0.insert(name.to_owned(), KeyAnswer::Records(vec![record.as_bytes().to_vec()]));
        self
    }

    pub fn with_answer(mut self, name: &str, answer: KeyAnswer) -> Self {
        self.0.insert(name.to_owned(), answer);
        self
    }

    /// Reads the JSON form: `{"name": "txt" | ["txt", …] | null | {"error": …}}`.
    pub fn parse(json: &str) -> Self {
        Self::default().with_json(&serde_json::from_str(json).unwrap())
    }

    pub fn with_json(mut self, json: &Value) -> Self {
        for (name, value) in json.as_object().unwrap() {
            let record = |value: &Value| value.as_str().unwrap().as_bytes().to_vec();
            let answer = match value {
                Value::String(_) => KeyAnswer::Records(vec![record(value)]),
                Value::Array(values) => KeyAnswer::Records(values.iter().map(record).collect()),
                Value::Null => KeyAnswer::Absent,
                other => KeyAnswer::Unavailable(other.to_string()),
            };
            self.0.insert(name.trim_end_matches('.').to_lowercase(), answer);
        }
        self
    }

    pub fn answer(&self, name: &str) -> KeyAnswer {
        self.0.get(name).cloned().unwrap_or(KeyAnswer::Absent)
    }
}

/// Verifies a whole message.
pub fn verify(message: &[u8], zone: &Zone, options: &VerifyOptions, now: u64) -> Vec<Report> {
    let (header, body) = Header::split(message);
    let mut verification = Verification::begin(&header, options, now);
    let answers: HashMap<_, _> =
        verification.queries().map(|(id, name)| (id, zone.answer(name.as_str()))).collect();
    let _ = verification.body(body);
    verification.finish(|id| answers[&id].clone())
}

/// The result words of a message, one after the other.
pub fn words(message: &[u8], zone: &Zone) -> Vec<&'static str> {
    verify(message, zone, &VerifyOptions::default(), NOW)
        .iter()
        .map(|report| report.word().as_str())
        .collect()
}

/// Signs a whole message.
pub fn sign(message: &[u8], requests: Vec<SignatureRequest>) -> Result<Vec<NewField>, SignError> {
    let (header, body) = Header::split(message);
    let mut signing = Signing::begin(&header, requests)?;
    let _ = signing.body(body);
    signing.finish()
}

/// Signs a whole message, and puts the fields on top.
pub fn signed(message: &[u8], requests: Vec<SignatureRequest>) -> Vec<u8> {
    let fields = sign(message, requests).unwrap();
    fields.iter().map(NewField::raw).chain([message]).collect::<Vec<_>>().concat()
}

/// The record that publishes a key.
pub fn record(key: &dyn PrivateKey) -> String {
    dkim::KeyRecord::new(key.public_key()).to_string()
}

/// An Ed25519 key that is the same every time.
pub fn ed25519() -> Arc<dyn PrivateKey> {
    Arc::new(SigningKey::from_seed(&[7; 32]))
}

/// The RSA key of RFC 8463, appendix A.2: 1024 bits.
pub fn rsa_1024() -> Arc<dyn PrivateKey> {
    Arc::new(SigningKey::from_pem(include_bytes!("../data/rfc8463-A.2.rsa.private.pem")).unwrap())
}

/// The messages that other projects test with, if they are there.
pub fn conformance(folder: &str) -> Option<PathBuf> {
    let path =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance")).join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: there is no folder {}", path.display());
    None
}

/// The message with each bare LF turned into CR LF.
pub fn with_line_ends(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    for (at, &octet) in message.iter().enumerate() {
        if octet == b'\n' && (at == 0 || message[at - 1] != b'\r') {
            out.push(b'\r');
        }
        out.push(octet);
    }
    out
}
