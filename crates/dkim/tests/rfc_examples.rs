//! The examples of RFC 6376 and RFC 8463.

mod support;

use dkim::{KeyKind, PrivateKey, SigningKey, TemplateRequest, VerifyOptions};
use std::sync::Arc;
use support::{NOW, Zone, sign, verify, words};

const RFC_6376: &[u8] = include_bytes!("data/rfc6376-A.2.eml");
const RFC_8463: &[u8] = include_bytes!("data/rfc8463-A.3.eml");
const SEED: &[u8] = include_bytes!("data/rfc8463-A.1.ed25519.seed.b64");
const RSA: &[u8] = include_bytes!("data/rfc8463-A.2.rsa.private.pem");

fn zone() -> Zone {
    Zone::parse(include_str!("data/rfc.json"))
}

#[test]
fn the_example_of_rfc_6376_verifies() {
    let reports = verify(RFC_6376, &zone(), &VerifyOptions::default(), NOW);
    let [report] = &reports[..] else { panic!("{reports:?}") };
    assert_eq!(report.outcome, Ok(()));
    assert_eq!(report.identity.as_deref(), Some("joe@football.example.com"));
    assert_eq!(report.b, "AuUoFEfD");
    assert_eq!(report.key.as_ref().map(|key| (key.kind, key.bits)), Some((KeyKind::Rsa, 1024)));
}

#[test]
fn both_signatures_of_rfc_8463_verify() {
    let reports = verify(RFC_8463, &zone(), &VerifyOptions::default(), NOW);
    let all: Vec<_> =
        reports.iter().map(|report| (report.algorithm.as_deref(), report.word().as_str())).collect();
    assert_eq!(all, [(Some("ed25519-sha256"), "pass"), (Some("rsa-sha256"), "pass")]);
}

#[test]
fn a_changed_octet_is_noticed() {
    let zone = zone();
    for (from, to) in [("hungry", "angry"), ("Is dinner", "is dinner"), ("Joe SixPack", "Joe  SixPack")] {
        let changed = |message: &[u8]| String::from_utf8_lossy(message).replacen(from, to, 1).into_bytes();
        let expected = if from == "Joe SixPack" { "pass" } else { "fail" };
        assert_eq!(words(&changed(RFC_8463), &zone), [expected; 2], "{to}");
        assert_eq!(words(&changed(RFC_6376), &zone), ["fail"], "{to}");
    }
}

/// Both signatures come out as they are printed: Ed25519 has no randomness, nor has PKCS #1 v1.5.
#[test]
fn the_signatures_of_rfc_8463_are_made_again() {
    let text = String::from_utf8(RFC_8463.to_vec()).unwrap();
    let from = text.find("From:").unwrap();
    let second = text[1..].find("DKIM-Signature:").unwrap() + 1;
    let ed25519: Arc<dyn PrivateKey> = Arc::new(SigningKey::from_pem(SEED).unwrap());
    let rsa: Arc<dyn PrivateKey> = Arc::new(SigningKey::from_pem(RSA).unwrap());
    for (field, key) in [(&text[..second], ed25519), (&text[second..from], rsa)] {
        let (before, b) = field.rsplit_once("b=").unwrap();
        let template = TemplateRequest { field: format!("{before}b=\r\n").into_bytes(), key };
        let made = sign(&text.as_bytes()[from..], vec![template.into()]).unwrap();
        let made = String::from_utf8(made[0].raw().to_vec()).unwrap();
        let (made_before, made_b) = made.rsplit_once("b=").unwrap();
        let unfolded = |b: &str| b.replace(['\r', '\n', ' ', '\t'], "");
        assert_eq!((made_before, unfolded(made_b)), (before, unfolded(b)));
    }
}
