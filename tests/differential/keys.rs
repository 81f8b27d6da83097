//! The keys of the signers, and the many ways in which they are published.

use crate::message::DOMAIN;
use dkim::{KeyAnswer, KeyRecord, PrivateKey, SigningKey};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The RSA key of RFC 8463 §A.2: the same in every run, and of 1024 bits.
pub(crate) const RSA_PEM: &str = include_str!("../../crates/dkim/tests/data/rfc8463-A.2.rsa.private.pem");
/// An Ed25519 key, the same in every run.
pub(crate) const ED25519_SEED: [u8; 32] = [7; 32];

/// A domain with letters beyond ASCII, as it is looked up; who sees `bücher.example` must find the same.
pub(crate) const INTERNATIONAL: [&str; 2] = ["xn--bcher-kva.example", "bücher.example"];

/// A selector of that sort.
pub(crate) const INTERNATIONAL_SELECTOR: [&str; 2] = ["xn--schlssel-95a", "schlüssel"];

/// Records around `P`, the RSA key; the selector is `k` with the number. The first ones are sound.
pub(crate) const RECORDS: [&str; 35] = [
    "v=DKIM1; k=rsa; p=P",
    "v=DKIM1; p=P",
    "p=P",
    "k=rsa; t=y; p=P",
    "v=DKIM1; k=rsa; h=sha256; p=P",
    "v=DKIM1; h=sha1:sha256; s=email; t=y:x; p=P;",
    "v=DKIM1; s=*; n=a=20note; q=unknown; p=P",
    "v=DKIM1;k=rsa;\t t=s ; p=P",
    " v=DKIM1 ; p = P ",
    "v=DKIM1; k=rsa; g=; p=P",
    "v=DKIM1; k=rsa; g=*; p=P",
    "v=DKIM1; k=rsa; p=S",
    "v=DKIM1; s=tlsrpt:email; p=P",
    "v=DKIM1; h=sha256 : sha1; p=P",
    "v=DKIM1; k=RSA; p=P",
    "v=DKIM1; k=rsa; p=B",
    "k=rsa; v=DKIM1; p=P",
    "v=DKIM2; p=P",
    "v=DKIM1; h=sha1; p=P",
    "v=DKIM1; s=tlsrpt; p=P",
    "v=DKIM1; p=",
    "v=DKIM1; k=rsa",
    "v=DKIM1; k=unknown; p=P",
    "v=DKIM1; k=ed25519; p=P",
    "v=DKIM1; p=O",
    "v=DKIM1; p=AAAA",
    "v=DKIM1; p=not base64!",
    "v=DKIM1; p=P; p=P",
    "v=DKIM1;; p=P",
    "v=DKIM1; broken; p=P",
    "v=spf1 -all",
    "",
    "V=DKIM1; p=P",
    "v=dkim1; p=P",
    "v=DKIM1; k=rsa; p=P; t=s:y",
];
/// How many of these any verifier takes.
pub(crate) const SOUND: usize = 15;

/// Both keys, ready to sign.
pub(crate) struct Keys {
    pub(crate) rsa: Arc<dyn PrivateKey>,
    pub ed25519: Arc<dyn PrivateKey>,
}

impl Keys {
    pub(crate) fn new() -> Keys {
        let rsa = SigningKey::from_pem(RSA_PEM.as_bytes()).expect("the key of the RFC is sound");
        Keys { rsa: Arc::new(rsa), ed25519: Arc::new(SigningKey::from_seed(&ED25519_SEED)) }
    }

    /// All that is published, as the oracle reads it.
    pub(crate) fn zone(&self) -> Map<String, Value> {
        let mut zone = Map::new();
        let public = |key: &dyn PrivateKey| KeyRecord::new(key.public_key()).to_string();
        let rsa = public(&*self.rsa);
        let p = rsa.rsplit_once("p=").expect("a record has a key").1;
        for domain in [DOMAIN, INTERNATIONAL[0], INTERNATIONAL[1]] {
            for (at, record) in RECORDS.iter().enumerate() {
                zone.insert(format!("k{at}._domainkey.{domain}"), json!(filled(record, p)));
            }
            zone.insert(format!("ed._domainkey.{domain}"), json!(public(&*self.ed25519)));
            for selector in INTERNATIONAL_SELECTOR {
                zone.insert(format!("{selector}._domainkey.{domain}"), json!(rsa));
            }
        }
        zone.insert(format!("timeout._domainkey.{DOMAIN}"), json!({"error": "timeout"}));
        zone.insert(format!("servfail._domainkey.{DOMAIN}"), json!({"error": "servfail"}));
        zone
    }
}

/// The record with the key in its place: whole, with blanks, as a bare key, and of somebody else.
fn filled(record: &str, p: &str) -> String {
    let (head, tail) = record.split_once("p=").unwrap_or((record, ""));
    let (first, second) = p.split_at(40);
    let spaced = format!("{first} {second} ");
    // SubjectPublicKeyInfo of RSA 1024: 22 octets stand before the bare key, which is no multiple of three, so
    // the bare key has to be encoded anew.
    let bare = bare(p);
    let other =
        p.replacen("MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ", "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgR", 1);
    let tail = match tail {
        "S" => spaced,
        "B" => bare,
        "O" => other,
        _ => tail.replace('P', p),
    };
    if record.contains("p=") { format!("{head}p={tail}") } else { head.to_owned() }
}

/// The `RSAPublicKey` within a `SubjectPublicKeyInfo`.
fn bare(p: &str) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine};
    let der = BASE64_STANDARD.decode(p).expect("we wrote it");
    BASE64_STANDARD.encode(&der[22..])
}

/// The answer of the zone, as ours wants it.
pub(crate) fn answer(zone: &Map<String, Value>, name: &str) -> KeyAnswer {
    match zone.get(name) {
        Some(Value::String(record)) => KeyAnswer::Records(vec![record.as_bytes().to_vec()]),
        Some(Value::Object(error)) => KeyAnswer::Unavailable(error["error"].to_string()),
        _ => KeyAnswer::Absent,
    }
}
