//! Each cause of a failure, with its word and its reason.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use dkim::{KeyAnswer, KeyRecord, PrivateKey, Report, SigningKey, TemplateRequest, VerifyOptions};
use std::sync::Arc;
use support::{NOW, Zone, ed25519, record, rsa_1024, signed, verify};

const MESSAGE: &str = "From: a@a.example\r\nTo: b@b.example\r\nSubject: x\r\n\r\nHello\r\n";
const NAME: &str = "s._domainkey.a.example";
/// Sound tags that a test may change or add to.
const TAGS: &str = "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=a.example; s=s; h=From:To:Subject; bh=; b=";

fn said(report: &Report) -> String {
    match &report.outcome {
        Ok(()) => report.word().to_string(),
        Err(failure) => format!("{}: {failure}", report.word()),
    }
}

/// The message signed with these tags, and verified.
fn verdict(tags: &str, zone: &Zone) -> String {
    let template = TemplateRequest { field: format!("DKIM-Signature: {tags}").into_bytes(), key: ed25519() };
    judge(&signed(MESSAGE.as_bytes(), vec![template.into()]), zone)
}

fn judge(message: &[u8], zone: &Zone) -> String {
    let reports = verify(message, zone, &VerifyOptions::default(), NOW);
    let [report] = &reports[..] else { panic!("{reports:?}") };
    said(report)
}

/// The message under a signature that is not computed, and judged.
fn unsigned_verdict(tags: &str) -> String {
    judge(format!("DKIM-Signature: {tags}\r\n{MESSAGE}").as_bytes(), &zone())
}

fn zone() -> Zone {
    Zone::default().with(NAME, &record(&*ed25519()))
}

#[test]
fn what_the_field_says_of_itself() {
    let x = |tags: &str| format!("{tags}; {TAGS}");
    for (tags, expected) in [
        (TAGS.to_owned(), "pass"),
        (TAGS.replace("b=", "b=;"), "pass"),
        (x("t=1699999999; x=1700000000"), "pass"),
        (x("x=1699999700"), "pass"),
        (x("x=1699999699"), "policy: signature expired"),
        (x("t=1700000300"), "pass"),
        (x("t=1700000301"), "policy: signed in the future"),
        (x("t=99999999999999999999999999"), "policy: signed in the future"),
        (x("x=99999999999999999999999999"), "pass"),
        (x("q=dns/txt"), "pass"),
        (x("q=dns/foo:DNS/TXT"), "pass"),
        (x("i=@a.example"), "pass"),
        (x("i=@sub.A.Example"), "pass"),
        (x("i=j=40oe@a.example"), "pass"),
        (x("unknown=; also_unknown=%&/"), "pass"),
        (x("r=y"), "pass"),
        (TAGS.replace("h=From:To", "h=\r\n From :\r\n TO:x-none "), "pass"),
        (TAGS.replace("relaxed/relaxed", "simple"), "pass"),
        (TAGS.replace("relaxed/relaxed", "Simple/RELAXED"), "pass"),
        (TAGS.replace("ed25519", "ED25519"), "pass"),
    ] {
        assert_eq!(verdict(&tags, &zone()), expected, "{tags}");
    }
}

#[test]
fn what_is_wrong_with_a_field() {
    let sound = "v=1; a=rsa-sha256; c=relaxed; d=a.example; s=s; h=From; bh=YWFh; b=YWFh";
    let swap = |from: &str, to: &str| sound.replacen(from, to, 1);
    for (tags, expected) in [
        (String::new(), "neutral: empty tag list"),
        ("v=1;;".to_owned(), "neutral: tag without a value"),
        (format!("{sound}; b=YWFh"), "neutral: tag given twice"),
        (format!("{sound}; x\0=1"), "neutral: malformed tag name"),
        (format!("{sound}; x=\0"), "neutral: control character in tag list"),
        (format!("{sound}; x=a\rb"), "neutral: control character in tag list"),
        (format!("{sound}; x=a\nb"), "neutral: control character in tag list"),
        (swap("v=1", "v=2"), "neutral: unsupported version"),
        (swap("v=1", "v=1.0"), "neutral: unsupported version"),
        (swap("v=1; ", ""), "neutral: tag v= is missing"),
        (swap(" a=rsa-sha256;", ""), "neutral: tag a= is missing"),
        (swap(" d=a.example;", ""), "neutral: tag d= is missing"),
        (swap(" s=s;", ""), "neutral: tag s= is missing"),
        (swap(" h=From;", ""), "neutral: tag h= is missing"),
        (swap(" bh=YWFh;", ""), "neutral: tag bh= is missing"),
        (swap("; b=YWFh", ""), "neutral: tag b= is missing"),
        (swap("rsa-sha256", "rsa-md5"), "neutral: unknown algorithm"),
        (swap("rsa-sha256", ""), "neutral: unknown algorithm"),
        (swap("relaxed", "nowsp"), "neutral: unknown canonicalization"),
        (swap("d=a.example", "d=a..example"), "neutral: tag d= is malformed"),
        (swap("d=a.example", "d=example"), "neutral: tag d= is malformed"),
        (swap("d=a.example", "d=a.example."), "neutral: tag d= is malformed"),
        (swap("d=a.example", "d="), "neutral: tag d= is malformed"),
        (swap("d=a.example", "d=a b.example"), "neutral: tag d= is malformed"),
        (swap("s=s", "s=s/t"), "neutral: tag s= is malformed"),
        (swap("h=From", "h="), "neutral: tag h= is malformed"),
        (swap("h=From", "h=From::To"), "neutral: tag h= is malformed"),
        (swap("h=From", "h=From:T o"), "neutral: tag h= is malformed"),
        (swap("bh=YWFh", "bh="), "neutral: tag bh= is malformed"),
        (swap("b=YWFh", "b="), "neutral: tag b= is malformed"),
        (swap("; b=YWFh", "; b=YWF*"), "neutral: tag b= is malformed"),
        (swap("; b=YWFh", "; b=YWFhY"), "neutral: tag b= is malformed"),
        (format!("{sound}; i=joe"), "neutral: tag i= is malformed"),
        (format!("{sound}; i=joe=4@a.example"), "neutral: tag i= is malformed"),
        (format!("{sound}; l=-1"), "neutral: tag l= is malformed"),
        (format!("{sound}; l="), "neutral: tag l= is malformed"),
        (format!("{sound}; l={}", "1".repeat(77)), "neutral: tag l= is malformed"),
        (format!("{sound}; t=+1"), "neutral: tag t= is malformed"),
        (format!("{sound}; x=1 2"), "neutral: tag x= is malformed"),
        (format!("{sound}; t=5; x=5"), "neutral: expiration is not after the time of signing"),
        (format!("{sound}; q=dns/mx"), "neutral: unknown query method"),
        (format!("{sound}; i=@b.example"), "permerror: identity outside the signing domain"),
        (format!("{sound}; i=@xa.example"), "permerror: identity outside the signing domain"),
        (swap("h=From", "h=To"), "permerror: From field not signed"),
        (swap("rsa-sha256", "rsa-sha1"), "permerror: rsa-sha1 is not acceptable"),
        (
            swap("s=s", &format!("s={}", ["s"; 120].join("."))),
            "permerror: name of the key record is too long",
        ),
        (swap("d=a.example", &format!("d={}", ["a"; 130].join("."))), "neutral: tag d= is malformed"),
    ] {
        assert_eq!(unsigned_verdict(&tags), expected, "{tags:?}");
    }
    // The grammar of base64 leaves the padding away at will (RFC 6376 §2.10), and so do Mail::DKIM and libopendkim.
    let unpadded = unsigned_verdict(&swap("; b=YWFh", "; b=YWFhYg"));
    assert!(!unpadded.starts_with("neutral"), "{unpadded}");
    let broken = [b"DKIM-Signature: v=1; x=\xc3\xff\r\n", MESSAGE.as_bytes()].concat();
    assert_eq!(judge(&broken, &zone()), "neutral: malformed UTF-8 in tag list");
}

#[test]
fn what_the_key_forbids() {
    let key = ed25519().public_key();
    let p = record(&*ed25519()).split_once("p=").unwrap().1.to_owned();
    let of =
        |record: &str| verdict(&format!("i=@sub.a.example; {TAGS}"), &Zone::default().with(NAME, record));
    let rsa = record(&*rsa_1024());
    let wrapped = "MCowBQYDK2VwAyEA";
    let spki = [&dkim_base64(wrapped)[..], &key.to_octets()].concat();
    for (text, expected) in [
        (format!("p={p}; k=ed25519"), "pass"),
        (format!("v=DKIM1;k=ed25519;p={p};"), "pass"),
        (format!(" v = DKIM1 ;\tk = ed25519; p = {}\r\n{} ; ", &p[..9], &p[9..]), "pass"),
        (format!("v=DKIM1; k=ed25519; p={}", p.trim_end_matches('=')), "pass"),
        (format!("v=DKIM1; k=ed25519; p={}", base64(&spki)), "pass"),
        (format!("v=DKIM1; k=ed25519; g=nobody; n=a note; t=y; p={p}"), "pass"),
        (format!("v=DKIM1; k=ed25519; h=sha1 : SHA256; s=tlsrpt:email; p={p}"), "pass"),
        (format!("v=DKIM1; k=ed25519; h=sha1; p={p}"), "permerror: inappropriate hash algorithm"),
        (format!("v=DKIM1; k=ed25519; h=; p={p}"), "permerror: inappropriate hash algorithm"),
        (format!("v=DKIM1; k=ed25519; s=tlsrpt; p={p}"), "permerror: key is not for electronic mail"),
        (format!("v=DKIM1; k=ed25519; t=y:s; p={p}"), "permerror: key forbids an identity in a subdomain"),
        ("v=DKIM1; k=ed25519; p=".to_owned(), "permerror: key revoked"),
        ("v=DKIM1; p= ;".to_owned(), "permerror: key revoked"),
        ("v=DKIM1; k=ed25519".to_owned(), "permerror: key record unusable"),
        (format!("v=DKIM2; k=ed25519; p={p}"), "permerror: key record unusable"),
        (format!("k=ed25519; v=DKIM1; p={p}"), "permerror: key record unusable"),
        (format!("v=DKIM1; k=ed448; p={p}"), "permerror: key record unusable"),
        (format!("v=DKIM1; p={p}"), "permerror: key record unusable"),
        (format!("v=DKIM1; k=ed25519; p={p}*"), "permerror: key record unusable"),
        (format!("v=DKIM1; k=ed25519; p=YWFh{p}"), "permerror: key record unusable"),
        ("v=spf1 -all".to_owned(), "permerror: key record unusable"),
        (String::new(), "permerror: key record unusable"),
        (rsa, "permerror: inappropriate key algorithm"),
    ] {
        assert_eq!(of(&text), expected, "{text:?}");
    }
}

fn dkim_base64(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

fn base64(octets: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(octets)
}

#[test]
fn what_the_dns_says() {
    let key = record(&*ed25519()).into_bytes();
    let records =
        |records: &[&[u8]]| KeyAnswer::Records(records.iter().map(|record| record.to_vec()).collect());
    let other = KeyRecord::new(SigningKey::from_seed(&[8; 32]).public_key()).to_string().into_bytes();
    let long = [&key[..], b"; n=", &b"x".repeat(65_536)].concat();
    let junk = vec![0xff; 65_536];
    for (answer, expected) in [
        (KeyAnswer::Absent, "permerror: no key for signature"),
        (records(&[]), "permerror: no key for signature"),
        (KeyAnswer::Unavailable("time-out".to_owned()), "temperror: key unavailable"),
        (records(&[b"v=spf1 -all", &key]), "pass"),
        (records(&[&other, b"", &key]), "pass"),
        (records(&[&other]), "fail: signature did not verify"),
        (records(&[b"v=spf1 -all", b"v=DKIM1; k=ed25519; p="]), "permerror: key revoked"),
        (records(&[&long]), "pass"),
        (records(&[&junk]), "permerror: key record unusable"),
    ] {
        assert_eq!(verdict(TAGS, &Zone::default().with_answer(NAME, answer)), expected);
    }
}

#[test]
fn body_and_header() {
    let message = |tags: &str| {
        let template =
            TemplateRequest { field: format!("DKIM-Signature: {tags}").into_bytes(), key: ed25519() };
        String::from_utf8(signed(MESSAGE.as_bytes(), vec![template.into()])).unwrap()
    };
    let with_length = message(&format!("l=7; {TAGS}"));
    let whole = message(TAGS);
    for (text, expected) in [
        (whole.replace("Hello", "Hallo"), "fail: body hash did not verify"),
        (whole.replace("Subject: x", "Subject: y"), "fail: signature did not verify"),
        (whole.replace("Subject: x\r\n", ""), "fail: signature did not verify"),
        (whole.replace("Subject: x", "subject:  x "), "pass"),
        (whole.replace("Hello", "Hello \t"), "pass"),
        (whole.clone() + "\r\n\r\n", "pass"),
        (with_length.clone(), "pass"),
        (with_length.clone() + "more", "policy: body partly unsigned"),
        (with_length.replace("Subject: x", "Subject: y") + "more", "fail: signature did not verify"),
        (with_length.replace("Hello", "Hallo") + "more", "fail: body hash did not verify"),
        (with_length.replace("Hello\r\n", "Hell"), "permerror: body is shorter than the signed length"),
        (
            with_length.replace("l=7", "l=99999999999999999999"),
            "permerror: body is shorter than the signed length",
        ),
        (whole.replace("From: a@a.example\r\n", ""), "permerror: no From field"),
    ] {
        assert_eq!(judge(text.as_bytes(), &zone()), expected, "{text}");
    }
}

/// Of several causes the one known first counts.
#[test]
fn the_first_cause_counts() {
    let tags = "v=1; a=rsa-sha1; d=a.example; s=s; h=To; bh=YWFh; b=YWFh; x=1";
    for (tags, expected) in [
        (format!("{tags}; l=x"), "neutral: tag l= is malformed"),
        (format!("{tags}; i=@b.example"), "permerror: identity outside the signing domain"),
        (tags.to_owned(), "permerror: From field not signed"),
        (tags.replace("h=To", "h=From"), "permerror: rsa-sha1 is not acceptable"),
        (tags.replace("h=To", "h=From").replace("sha1", "sha256"), "policy: signature expired"),
        (
            tags.replace("h=To", "h=From").replace("sha1", "sha256").replace("; x=1", ""),
            "permerror: inappropriate key algorithm",
        ),
    ] {
        assert_eq!(unsigned_verdict(&tags), expected, "{tags}");
    }
}

#[test]
fn legacy_passes_only_where_it_is_allowed() {
    let name = "s._domainkey.football.example.com";
    // Signed by another implementation.
    let zone = Zone::default().with(name, &record(&*rsa_1024()));
    let message = include_bytes!("data/rsa-sha1.eml");
    for (allow_legacy, expected) in [(false, "permerror: rsa-sha1 is not acceptable"), (true, "pass")] {
        let options = VerifyOptions { allow_legacy, ..VerifyOptions::default() };
        assert_eq!(said(&verify(message, &zone, &options, NOW)[0]), expected);
    }
}

#[test]
fn keys_have_a_least_and_a_greatest_size() {
    let key: Arc<dyn PrivateKey> = rsa_1024();
    let template = format!("DKIM-Signature: {}", TAGS.replace("ed25519", "rsa"));
    let message = signed(
        MESSAGE.as_bytes(),
        vec![TemplateRequest { field: template.into_bytes(), key: key.clone() }.into()],
    );
    let zone = Zone::default().with(NAME, &record(&*key));
    for (min, max, expected) in [
        (1024, 8192, "pass"),
        (1025, 8192, "permerror: key of 1024 bits is too short"),
        (512, 1023, "permerror: key of 1024 bits is too long"),
    ] {
        let options = VerifyOptions { min_rsa_bits: min, max_rsa_bits: max, ..VerifyOptions::default() };
        assert_eq!(said(&verify(&message, &zone, &options, NOW)[0]), expected);
    }
}
