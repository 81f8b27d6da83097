//! Bad input and very much input: a word and a reason, in bounded work.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use dkim::{Appetite, DkimRequest, Failure, KeyAnswer, Verification, VerifyOptions};
use mail::{Domain, Header};
use std::cell::Cell;
use support::{NOW, Zone, ed25519, record, signed, verify};

const NAME: &str = "s._domainkey.a.example";

fn request() -> DkimRequest {
    let name = |name: &str| Domain::parse(name).unwrap();
    DkimRequest::new(name("a.example"), name("s"), ed25519())
}

fn zone() -> Zone {
    Zone::default().with(NAME, &record(&*ed25519()))
}

#[test]
fn signatures_past_the_limit_are_listed_and_not_tried() {
    let message = signed(b"From: a@a.example\r\n\r\nx\r\n", (0..1_009).map(|_| request().into()).collect());
    let reports = verify(&message, &zone(), &VerifyOptions::default(), NOW);
    assert_eq!(reports.len(), 1_009);
    assert!(reports[..10].iter().all(|report| report.outcome == Ok(())));
    assert!(reports[10..].iter().all(|report| report.outcome == Err(Failure::NotTried)));
    assert!(
        reports
            .iter()
            .all(|report| report.domain.as_ref().is_some_and(|domain| domain.as_str() == "a.example"))
    );
    assert!(reports.iter().enumerate().all(|(at, report)| report.field == at));
}

/// Each name is asked for once, and each answer is used as often as it is needed.
#[test]
fn names_are_asked_for_once() {
    let message = signed(b"From: a@a.example\r\n\r\nx\r\n", (0..5).map(|_| request().into()).collect());
    let (header, body) = Header::split(&message);
    let mut verification = Verification::begin(&header, &VerifyOptions::default(), NOW);
    let names: Vec<_> = verification.queries().map(|(_, name)| name.as_str().to_owned()).collect();
    assert_eq!(names, [NAME]);
    let _ = verification.body(body);
    let answers = Cell::new(0);
    let reports = verification.finish(|_| {
        answers.set(answers.get() + 1);
        zone().answer(NAME)
    });
    assert_eq!(answers.get(), 5);
    assert!(reports.iter().all(|report| report.outcome == Ok(())));
}

#[test]
fn a_message_without_signatures_asks_nothing() {
    let header = Header::parse(b"From: a@a.example\r\nX-DKIM-Signature: v=1\r\n".to_vec());
    let mut verification = Verification::begin(&header, &VerifyOptions::default(), NOW);
    assert_eq!(verification.queries().count(), 0);
    assert_eq!(verification.body(b"x"), Appetite::Sated);
    assert!(verification.finish(|_| KeyAnswer::Absent).is_empty());
}

#[test]
fn ten_thousand_fields() {
    let fields = (0..10_000).map(|n| format!("X-{n}: {n}\r\n")).collect::<Vec<_>>().concat();
    let message = format!("{fields}From: a@a.example\r\n{fields}\r\nx\r\n");
    let message = signed(message.as_bytes(), (0..10).map(|_| request().into()).collect());
    let reports = verify(&message, &zone(), &VerifyOptions::default(), NOW);
    assert!(reports.iter().all(|report| report.outcome == Ok(())));
}

/// A list with a hundred thousand names, most of them for fields that are not there.
#[test]
fn a_hundred_thousand_names() {
    let names = (0..100_000).map(|n| format!("From:X-{n}:")).collect::<Vec<_>>().concat();
    let field = format!("DKIM-Signature: v=1; a=ed25519-sha256; d=a.example; s=s; h={names}From; bh=; b=");
    let template = dkim::TemplateRequest { field: field.into_bytes(), key: ed25519() };
    let message = signed(b"From: a@a.example\r\n\r\nx\r\n", vec![template.into()]);
    assert_eq!(verify(&message, &zone(), &VerifyOptions::default(), NOW)[0].outcome, Ok(()));
}

#[test]
fn a_field_of_a_megabyte() {
    for filling in ["x", " ", "\r\n ", "\t\u{e4}", "a b ", "\r", "\0"] {
        let value = filling.repeat(1_000_000 / filling.len());
        let message = format!("From: a@a.example\r\nSubject: {value}y\r\n\r\nx\r\n");
        let message = signed(message.as_bytes(), vec![request().into()]);
        assert_eq!(
            verify(&message, &zone(), &VerifyOptions::default(), NOW)[0].outcome,
            Ok(()),
            "{filling:?}"
        );
        let hostile = format!("DKIM-Signature: {}\r\nFrom: a@a.example\r\n\r\nx", filling.repeat(500_000));
        assert!(verify(hostile.as_bytes(), &zone(), &VerifyOptions::default(), NOW)[0].outcome.is_err());
    }
}

#[test]
fn a_hundred_thousand_tags() {
    let tags = (0..100_000).map(|n| format!("x{n}=;")).collect::<Vec<_>>().concat();
    let text = format!("DKIM-Signature: {tags}\r\nFrom: a@a.example\r\n\r\nx");
    let reports = verify(text.as_bytes(), &zone(), &VerifyOptions::default(), NOW);
    assert_eq!(reports[0].outcome.as_ref().unwrap_err().to_string(), "tag v= is missing");
}

/// What RFC 6008 wants: long enough to tell the signatures apart, eight characters at least.
#[test]
fn the_beginnings_of_b_tell_signatures_apart() {
    let field = |b: &str| format!("DKIM-Signature: d=a.example; b={b}\r\n");
    let message =
        ["abcdefghij", "abcdefghik", "abcd\r\n efgh", "xyz", "xyz", "", "a%b;c"].map(field).concat();
    let message = format!("{message}From: a@a.example\r\n\r\n");
    let reports = verify(message.as_bytes(), &zone(), &VerifyOptions::default(), NOW);
    let all: Vec<_> = reports.iter().map(|report| report.b.as_str()).collect();
    assert_eq!(all, ["abcdefghij", "abcdefghik", "abcdefgh", "xyz", "xyz", "", "ab"]);
}

/// What is reported of a field that cannot be read is what it says all the same.
#[test]
fn a_broken_field_still_says_something() {
    let text = "DKIM-Signature: v=1; a=rsa-md5; d=A.Example; s=S; i=joe@a.example;; b=abcdefghijkl\r\n\
        DKIM-Signature: a=x y; d=-..; s=; i==zz; v\r\nDKIM-Signature: \0\r\nFrom: a@a.example\r\n\r\n";
    let reports = verify(text.as_bytes(), &zone(), &VerifyOptions::default(), NOW);
    let first = &reports[0];
    assert_eq!(first.algorithm.as_deref(), Some("rsa-md5"));
    assert_eq!(first.domain.as_ref().map(Domain::as_str), Some("a.example"));
    assert_eq!(first.selector.as_ref().map(Domain::as_str), Some("s"));
    assert_eq!(first.identity.as_deref(), Some("joe@a.example"));
    assert_eq!(first.b, "abcdefgh");
    for report in &reports[1..] {
        assert_eq!(
            (&report.algorithm, &report.domain, &report.selector, &report.identity),
            (&None, &None, &None, &None)
        );
    }
}

/// A body of which only the beginning is signed is not read to its end.
#[test]
fn a_limit_ends_the_reading() {
    let request = DkimRequest { body_length: dkim::BodyLength::Octets(3), ..request() };
    let message = signed(b"From: a@a.example\r\n\r\nHello\r\n", vec![request.into()]);
    let (header, _) = Header::split(&message);
    let mut verification = Verification::begin(&header, &VerifyOptions::default(), NOW);
    assert_eq!(verification.body(b"Hel"), Appetite::Hungry);
    assert_eq!(verification.body(b"l"), Appetite::Sated);
    let reports = verification.finish(|_| zone().answer(NAME));
    assert_eq!(reports[0].outcome, Err(Failure::PartlyUnsigned));
}
