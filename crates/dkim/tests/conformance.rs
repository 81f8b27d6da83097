//! The messages that other projects test with: the verdicts they expect, and ours.
//!
//! A table gives our words and reasons; where they differ from what the other project expects, it says why.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use dkim::{Report, VerifyOptions};
use serde_json::Value;
use std::fs;
use std::path::Path;
use support::{Zone, conformance, ed25519, record, sign, verify, with_line_ends};

/// A time after all of the messages were signed.
const NOW: u64 = 1_752_000_000;

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn judged(file: &Path, zone: &Zone, now: u64) -> Vec<Report> {
    let message = with_line_ends(&fs::read(file).unwrap());
    verify(&message, zone, &VerifyOptions::default(), now)
}

/// `word` or `word: reason` for each signature.
fn said(reports: &[Report]) -> Vec<String> {
    let say = |report: &Report| match &report.outcome {
        Ok(()) => report.word().to_string(),
        Err(failure) => format!("{}: {failure}", report.word()),
    };
    reports.iter().map(say).collect()
}

/// `Mail::DKIM`'s messages. The key has 768 bits, which passes only with legacy keys allowed.
#[test]
fn domainkeys_messages_of_mail_dkim() {
    let Some(folder) = conformance("domainkeys") else { return };
    let mut count = 0;
    for case in json(&folder.join("expected.json")).as_array().unwrap() {
        let file = case["file"].as_str().unwrap();
        let zone = Zone::default().with_json(&json(&folder.join(case["dns"].as_str().unwrap())));
        let message = with_line_ends(&fs::read(folder.join(file)).unwrap());
        let options = VerifyOptions { allow_legacy: true, ..VerifyOptions::default() };
        let reports = verify(&message, &zone, &options, NOW);
        assert_eq!(
            reports.iter().map(|report| report.word().as_str()).collect::<Vec<_>>(),
            [&case["expect"]],
            "{file}"
        );
        let strict = said(&verify(&message, &zone, &VerifyOptions::default(), NOW));
        assert_eq!(strict, ["permerror: key of 768 bits is too short"], "{file}");
        count += 1;
    }
    assert_eq!(count, 6);
}

/// The examples of the RFCs, with the key in both of its encodings.
#[test]
fn messages_of_the_rfcs() {
    let Some(folder) = conformance("rfc") else { return };
    let no_key = "permerror: no key for signature";
    for (file, records, expected) in [
        ("rfc6376-A.2.eml", "dns.json", &["pass"][..]),
        ("rfc6376-A.2.eml", "dns-pkcs1.json", &["pass"]),
        // As it is printed, its blanks are not those that were signed.
        ("rfc6376-A.2-as-printed.eml", "dns.json", &["fail: body hash did not verify"]),
        ("rfc8463-A.3.eml", "dns.json", &["pass", "pass"]),
        ("rfc8463-A.3.eml", "dns-pkcs1.json", &[no_key, no_key]),
    ] {
        let zone = Zone::default().with_json(&json(&folder.join(records)));
        assert_eq!(said(&judged(&folder.join(file), &zone, NOW)), expected, "{file} with {records}");
    }
    for (file, bits) in [
        ("rfc6376-C.private.pem", 1024),
        ("rfc8463-A.1.ed25519.seed.b64", 256),
        ("rfc8463-A.2.rsa.private.pem", 1024),
    ] {
        let key = dkim::SigningKey::from_pem(&fs::read(folder.join(file)).unwrap());
        assert_eq!(dkim::PrivateKey::public_key(&key.unwrap()).bits(), bits, "{file}");
    }
}

/// Real messages that mail-auth verifies at the time of the last of them.
#[test]
fn messages_of_mail_auth() {
    let Some(folder) = conformance("mail-auth") else { return };
    for (number, signatures) in [(1, 2), (2, 1), (3, 2), (4, 1), (5, 1), (6, 1)] {
        let zone = Zone::default().with_json(&json(&folder.join(format!("00{number}.dns.json"))));
        let reports = judged(&folder.join(format!("00{number}.eml")), &zone, 1_667_863_000);
        assert_eq!(said(&reports), vec!["pass"; signatures], "{number}");
    }
}

/// What DKIM Verifier, the add-on for Thunderbird, expects to fail, and what we say. All else it expects to pass.
const DKIM_VERIFIER_FAILURES: [(&str, &[&str]); 12] = [
    ("Missing v-tag in signature", &["neutral: tag v= is missing"]),
    ("Revoked key", &["permerror: key revoked"]),
    (
        "Hash algorithm is not in the allowed list of the DKIM key",
        &["permerror: inappropriate hash algorithm"],
    ),
    (
        "Wrong key signature algorithm",
        &["permerror: inappropriate key algorithm", "permerror: inappropriate key algorithm"],
    ),
    ("DKIM key with other service tag", &["permerror: key is not for electronic mail"]),
    (
        "DKIM key with 's' flag  - AUID is subdomain of SDID",
        &["permerror: key forbids an identity in a subdomain"],
    ),
    ("Body modified", &["fail: body hash did not verify"]),
    ("Signed header subject modified", &["fail: signature did not verify"]),
    // RFC 6376 §8.15 leaves it to who uses the result what an added field means; it is reported as a fact.
    ("Added From header", &["pass"]),
    ("Added Subject header", &["pass"]),
    ("Added Date header", &["pass"]),
    ("Added To header", &["pass"]),
];

#[test]
fn messages_of_dkim_verifier() {
    let Some(folder) = conformance("dkim_verifier") else { return };
    let mut failures = 0;
    for case in json(&folder.join("expected.json")).as_array().unwrap() {
        let mut zone = Zone::default().with_json(&json(&folder.join("dns.json")));
        if let Some(records) = case.get("dns_override") {
            zone = zone.with_json(records);
        }
        let reports = judged(&folder.join(case["file"].as_str().unwrap()), &zone, NOW);
        let test = case["test"].as_str().unwrap();
        let expected = DKIM_VERIFIER_FAILURES.iter().find(|(name, _)| *name == test);
        failures += usize::from(expected.is_some());
        let expected = expected.map_or_else(|| vec!["pass"; reports.len()], |(_, said)| said.to_vec());
        assert_eq!(said(&reports), expected, "{test}");
        assert!(!reports.is_empty(), "{test}");
        if let Some(name) = test.strip_prefix("Added ").and_then(|rest| rest.strip_suffix(" header")) {
            let uncovered: Vec<_> = reports[0].uncovered.iter().map(|field| field.name).collect();
            assert_eq!(uncovered, [name], "{test}");
        }
    }
    assert_eq!(failures, DKIM_VERIFIER_FAILURES.len());
}

/// Messages of other tests of DKIM Verifier: what matters there is not the signature.
#[test]
fn other_messages_of_dkim_verifier() {
    let Some(folder) = conformance("dkim_verifier") else { return };
    let zone = Zone::default().with_json(&json(&folder.join("dns.json")));
    for (file, expected) in [
        ("bimi/rfc6376-A.2-with_bimi.eml", &["pass"][..]),
        ("rfc6376-A.2-ill_formed-list_id.eml", &["pass"]),
        ("ill_formed-from.eml", &[]),
        ("fakePayPal.eml", &[]),
    ] {
        assert_eq!(said(&judged(&folder.join(file), &zone, NOW)), expected, "{file}");
    }
}

/// Real messages; the keys of some of them are not at hand.
#[test]
fn original_messages_of_dkim_verifier() {
    let Some(folder) = conformance("dkim_verifier") else { return };
    let zone = Zone::default().with_json(&json(&folder.join("dns.json")));
    let no_key = "permerror: no key for signature";
    for (file, expected) in [
        ("Fastmail from Amazon - Verify your new Amazon account.eml", &["pass", no_key][..]),
        ("Fastmail from CNN - Thanks for subscribing to 5 Things.eml", &["pass"]),
        ("Fastmail from CNN - Welcome to CNN Breaking News.eml", &["pass"]),
        ("Fastmail from Fastmail - How to keep your email private.eml", &["pass", no_key]),
        ("Fastmail from Fastmail - Welcome! Get set up in 3 steps..eml", &["pass", no_key]),
    ] {
        assert_eq!(
            said(&judged(&folder.join("original").join(file), &zone, 1_698_098_000)),
            expected,
            "{file}"
        );
    }
}

#[test]
fn messages_of_dkimpy() {
    let Some(folder) = conformance("dkimpy") else { return };
    let record = |file: &str| fs::read_to_string(folder.join(file)).unwrap().trim().to_owned();
    let zone = Zone::default()
        .with("test._domainkey.football.example.com", &record("test.txt"))
        .with(
            "brisbane._domainkey.football.example.com",
            "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        )
        .with("sed._domainkey.test.ex", &record("eximtest.dns"));
    for (file, expected) in [
        ("rfc6376.signed.msg", &["pass", "pass"][..]),
        ("rfc6376.signed.rsa.msg", &["pass"]),
        // Its t= was taken out and an x= put in, so that it cannot verify; dkimpy tests only that it does not crash.
        ("rfc6376.signed.no_t.msg", &["fail: signature did not verify"]),
        ("ed25519test2.msg", &["pass"]),
        ("test.message.baddomain", &["neutral: tag d= is malformed"]),
        ("test2.message", &["permerror: no key for signature"]),
        ("message.mbox", &["permerror: no key for signature"]),
    ] {
        assert_eq!(said(&judged(&folder.join(file), &zone, NOW)), expected, "{file}");
    }
}

/// The messages that dkimpy signs in its own tests; it is told to refuse the one without From, and so are we.
#[test]
fn messages_that_dkimpy_signs() {
    let Some(folder) = conformance("dkimpy") else { return };
    let name = |name: &str| mail::Domain::parse(name).unwrap();
    let zone = Zone::default().with("s._domainkey.a.example", &record(&*ed25519()));
    for (file, expected) in [
        ("test.message", Ok(vec!["pass".to_owned()])),
        ("test_extra.message", Ok(vec!["pass".to_owned()])),
        ("ed25519test.msg", Ok(vec!["pass".to_owned()])),
        ("rfc6376.msg", Ok(vec!["pass".to_owned()])),
        ("rfc6376.w1258.msg", Ok(vec!["pass".to_owned()])),
        ("test_nofrom.message", Err("the message has no From field".to_owned())),
    ] {
        let message = with_line_ends(&fs::read(folder.join(file)).unwrap());
        let request = dkim::DkimRequest::new(name("a.example"), name("s"), ed25519());
        let made = sign(&message, vec![request.into()]).map_err(|error| error.to_string());
        let found = made.map(|fields| {
            let message = [fields[0].raw(), &message].concat();
            said(&verify(&message, &zone, &VerifyOptions::default(), NOW))
        });
        assert_eq!(found, expected, "{file}");
    }
}

/// Records that dkimpy must refuse, and such as it takes.
#[test]
fn key_records_of_dkimpy() {
    let Some(folder) = conformance("dkimpy") else { return };
    for (file, expected) in [
        ("test.txt", Ok(1024)),
        ("test2.txt", Ok(1024)),
        ("1024_testkey_wo_markers.pub.txt", Ok(1024)),
        ("1024_testkey_wo_markers.pub.rsa.txt", Ok(1024)),
        ("2048_testkey_wo_markers.pub.txt", Ok(2048)),
        ("2048_testkey_wo_markers.pub.rsa.txt", Ok(2048)),
        ("ed25519test.dns", Ok(256)),
        ("eximtest.dns", Ok(256)),
        ("test_tlsrpt.txt", Ok(1024)),
        ("badk.txt", Err("unknown key type")),
        ("badversion.txt", Err("unsupported version of the key record")),
        ("test_bad.txt", Err("not an RSA public key")),
    ] {
        let record = dkim::KeyRecord::parse(&fs::read(folder.join(file)).unwrap());
        let bits =
            record.map(|record| record.key.map_or(0, |key| key.bits())).map_err(|error| error.to_string());
        assert_eq!(bits, expected.map_err(str::to_owned), "{file}");
    }
}

/// Every private key file that dkimpy takes.
#[test]
fn private_keys_of_dkimpy() {
    let Some(folder) = conformance("dkimpy") else { return };
    for (file, bits) in [
        ("1024_testkey.key", 1024),
        ("2048_testkey.key", 2048),
        ("2048_testkey_PKCS8.key", 2048),
        ("test.private", 1024),
        ("test2.private", 1024),
        ("ed25519test.key", 256),
        ("rfc8032_7_1.key", 256),
    ] {
        let key = dkim::SigningKey::from_pem(&fs::read(folder.join(file)).unwrap());
        let key = key.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(dkim::PrivateKey::public_key(&key).bits(), bits, "{file}");
    }
}
