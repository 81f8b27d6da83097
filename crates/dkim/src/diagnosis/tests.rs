use super::*;
use crate::algorithm::Canonicalization;
use crate::key::{KeyRecord, PrivateKey, SigningKey};
use crate::request::{DkimRequest, FieldNames, FieldSelection, Oversign};
use crate::signing::Signing;
use crate::verification::Verification;
use std::sync::Arc;

const NAME: &str = "s._domainkey.a.example";
const MESSAGE: &str = "From: Joe <joe@a.example>\r\nTo: b@b.example,\r\n c@b.example\r\nSubject: Hello\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\nDear all,\r\n\r\nGr\u{fc}\u{df}e \r\n.\r\n";

fn rsa() -> Arc<dyn PrivateKey> {
    Arc::new(SigningKey::from_pem(include_bytes!("../../tests/data/rfc8463-A.2.rsa.private.pem")).unwrap())
}

fn request() -> DkimRequest {
    let name = |name: &str| Domain::parse(name).unwrap();
    let names = "From:To:Subject:Content-Transfer-Encoding".split(':').map(String::from).collect();
    let fields = FieldSelection { names: FieldNames::Exactly(names), oversign: Oversign::From };
    DkimRequest { fields, ..DkimRequest::new(name("a.example"), name("s"), rsa()) }
}

fn signed(request: DkimRequest) -> String {
    let (header, body) = Header::split(MESSAGE.as_bytes());
    let mut signing = Signing::begin(&header, vec![request.into()]).unwrap();
    let _ = signing.body(body);
    String::from_utf8_lossy(signing.finish().unwrap()[0].raw()).into_owned() + MESSAGE
}

/// What is found, by its sentences, for a message and the records at some names.
fn found(message: &str, records: &[(&str, &str)]) -> Vec<String> {
    let answer = |name: &Domain| {
        let texts: Vec<_> = records
            .iter()
            .filter(|(known, _)| *known == name.as_str())
            .map(|(_, text)| text.as_bytes().to_vec())
            .collect();
        if texts.is_empty() { KeyAnswer::Absent } else { KeyAnswer::Records(texts) }
    };
    let (header, body) = Header::split(message.as_bytes());
    let mut verification = Verification::begin(&header, &VerifyOptions::default(), 0);
    let names: Vec<_> = verification.queries().map(|(id, name)| (id, name.clone())).collect();
    let _ = verification.body(body);
    let reports = verification.finish(|id| answer(&names.iter().find(|(known, _)| *known == id).unwrap().1));
    diagnose(&header, body, &reports[0], answer).iter().map(ToString::to_string).collect()
}

fn after(message: &str) -> Vec<String> {
    let record = KeyRecord::new(rsa().public_key()).to_string();
    let all = found(message, &[(NAME, &record)]);
    all.into_iter().filter(|text| !text.contains("did not verify")).collect()
}

const BODY_INTACT: &str = "the body is as it was signed";
const HEADER_INTACT: &str = "the header fields are as they were signed, and the key is the right one";

#[test]
fn a_good_signature_needs_no_words() {
    assert_eq!(after(&signed(request())), Vec::<String>::new());
}

#[test]
fn what_happened_to_a_body() {
    let relaxed = signed(request());
    let simple = signed(DkimRequest { canonicalization: Canonicalization::SIMPLE, ..request() });
    let body = MESSAGE.split_once("\r\n\r\n").unwrap().1;
    let quoted = body.replace('\u{fc}', "=C3=BC").replace('\u{df}', "=C3=9F").replace("e \r", "e=20\r");
    let with = |message: &str, new: &str| message.replace(body, new);
    for (message, expected) in [
        (
            with(&relaxed, &format!("{body}-- \r\nA \u{7}list\r\n")),
            "14 octets were added at the end of the body: \"-- \\r\\nA \\u{7}list\"",
        ),
        (
            with(&relaxed, &format!("CAUTION!\r\n{body}")),
            "10 octets were added at the top of the body: \"CAUTION!\"",
        ),
        (
            with(&relaxed, &body.replace("\r\n", "\n")),
            "the body fits once its bare line feeds are CR LF: it was signed with, or repaired to, other line ends",
        ),
        (
            with(&simple, &body.replace(" \r\n", "\r\n")),
            "the body was changed after signing, in none of the usual ways",
        ),
        (with(&relaxed, &quoted), "the body was converted to quoted-printable after signing"),
        (
            with(&relaxed, &body.replace("\r\n.", "\r\n..")),
            "dots at the start of lines were doubled or lost after signing",
        ),
        (with(&relaxed, "other"), "the body was changed after signing, in none of the usual ways"),
    ] {
        let message = if message.contains("=C3") {
            message.replace("Encoding: 8bit", "Encoding: quoted-printable")
        } else {
            message
        };
        assert_eq!(after(&message)[0], expected, "{message}");
    }
}

/// A conversion shows in both halves.
#[test]
fn a_conversion_is_found_in_body_and_header() {
    let message = signed(request())
        .replace("8bit", "quoted-printable")
        .replace('\u{fc}', "=C3=BC")
        .replace("\u{df}e ", "=C3=9Fe=20");
    assert_eq!(
        after(&message),
        [
            "the body was converted to quoted-printable after signing",
            "Content-Transfer-Encoding was changed from 8bit"
        ]
    );
}

#[test]
fn parts_that_were_converted_are_found() {
    let decoded = |body: &str| {
        let header = Header::parse(b"Content-Type: multipart/mixed;\r\n boundary=\"a b\"\r\n".to_vec());
        let (name, text) = encoding::decoded(&header, body.as_bytes()).unwrap();
        assert_eq!(name, "quoted-printable");
        String::from_utf8(text).unwrap()
    };
    let part = "content-transfer-encoding: Quoted-Printable";
    for (body, expected) in [
        (
            format!("x=41\r\n--a b\r\n{part}\r\n\r\n=41=\r\nB\r\n--a\r\n--a b--\r\n=41"),
            "x=41\r\n--a b\r\ncontent-transfer-encoding: 8bit\r\n\r\nAB\r\n--a\r\n--a b--\r\n=41",
        ),
        (
            format!("--a b\r\nContent-Type: multipart/x; boundary=in\r\n\r\n--in\r\n{part}\r\n\r\n=C3=BC"),
            "--a b\r\nContent-Type: multipart/x; boundary=in\r\n\r\n--in\r\n\
             content-transfer-encoding: 8bit\r\n\r\n\u{fc}",
        ),
        ("--a b\r\n\r\n=41\r\n".to_owned(), "--a b\r\n\r\n=41\r\n"),
        (format!("--other\r\n{part}\r\n\r\n=41"), &format!("--other\r\n{part}\r\n\r\n=41")),
    ] {
        assert_eq!(decoded(&body), expected, "{body}");
    }
}

#[test]
fn what_happened_to_a_header() {
    let relaxed = signed(request());
    let simple = signed(DkimRequest { canonicalization: Canonicalization::SIMPLE, ..request() });
    for (message, expected) in [
        (
            relaxed.replace("Subject: ", "Subject: [list] "),
            &["\"[list]\" was put in front of the subject"][..],
        ),
        (
            relaxed.replace("Subject: ", "Subject: ***SPAM*** "),
            &["\"***SPAM***\" was put in front of the subject"],
        ),
        (
            relaxed.replace("Subject: ", "Subject: EXTERNAL: "),
            &["\"EXTERNAL:\" was put in front of the subject"],
        ),
        (relaxed.replace("To: b@", "To: d@d.example\r\nTo: b@"), &[]),
        (relaxed.replace("Subject: H", "Subject: one more\r\nSubject: H"), &[]),
        (
            relaxed.replace("Subject: Hello\r\n", "Subject: Hello\r\nSubject: one more\r\n"),
            &["a field Subject was added"],
        ),
        (simple.replace("example,\r\n c", "example,\r\n\tc"), &["the field To was folded anew"]),
        (
            simple.replace("example,\r\n c", "example, c"),
            &["the key is the right one, but a signed header field was changed, in none of the usual ways"],
        ),
        (
            relaxed.replace(
                "From: Joe <joe@a.example>",
                "From: Joe via List <list@l.example>\r\nReply-To: Joe <joe@a.example>",
            ),
            &["From was rewritten; the original one is in Reply-To"],
        ),
        (
            relaxed
                .replace(
                    "From: Joe <joe@a.example>",
                    "From: L <l@l.example>\r\nX-Original-From: Joe <joe@a.example>",
                )
                .replace("Subject: ", "Subject: [L] "),
            &[
                "\"[L]\" was put in front of the subject",
                "From was rewritten; the original one is in X-Original-From",
            ],
        ),
        (
            relaxed.replace("Subject: Hello", "Subject: Bye"),
            &["the key is the right one, but a signed header field was changed, in none of the usual ways"],
        ),
    ] {
        let expected: Vec<&str> = if expected.is_empty() {
            Vec::new()
        } else {
            [BODY_INTACT].into_iter().chain(expected.iter().copied()).collect()
        };
        assert_eq!(after(&message), expected, "{message}");
    }
}

#[test]
fn the_copies_in_the_signature_show_what_was_changed() {
    let message = signed(DkimRequest { copy_fields: true, ..request() });
    assert_eq!(
        after(&message.replace("Subject: Hello", "Subject: Good\u{7}bye")),
        [
            BODY_INTACT,
            "the field Subject was changed: signed as \"Hello\", and now \"Good\\u{7}bye\"",
            "the field Subject was changed; with the value in z= the signature verifies"
        ]
    );
}

#[test]
fn only_the_body_or_only_the_key() {
    let message = signed(request());
    let record =
        KeyRecord::new(SigningKey::generate(crate::KeyKind::Rsa, 1024).unwrap().public_key()).to_string();
    let all = found(&message, &[(NAME, &record)]);
    assert_eq!(
        all,
        [
            "signature did not verify",
            BODY_INTACT,
            "the signature was not made with the key that is published"
        ]
    );
    assert_eq!(after(&message.replace("Dear all", "Dear one"))[1], HEADER_INTACT);
}

#[test]
fn what_is_wrong_with_a_record() {
    let message = signed(request());
    let sound = KeyRecord::new(rsa().public_key()).to_string();
    let p = sound.split_once("p=").unwrap().1;
    let (head, tail) = sound.split_at(100);
    let ed25519 = KeyRecord::new(SigningKey::from_seed(&[1; 32]).public_key()).to_string();
    let of = |record: &str| found(&message, &[(NAME, record)]);
    for (record, expected) in [
        (ed25519, "the record holds a key of type ed25519, and the signature needs one of type rsa"),
        (sound.replace("p=MIG", "p=\"MIG"), "quotation marks stand in the text of the record"),
        (
            sound.replace(p, "YOUR_PUBLIC_KEY"),
            "a placeholder stands in p= instead of the key: YOUR_PUBLIC_KEY",
        ),
        ("v=DKIM1; k=rsa; p=".to_owned(), "the key is revoked: p= is empty"),
        (sound.replace("p=MIGf", "p=MI!f"), "the base64 of p= is broken at octet 3 by '!'"),
    ] {
        assert_eq!(of(&record)[0], expected, "{record}");
    }
    assert_eq!(
        found(&message, &[(NAME, tail), (NAME, head)]),
        ["2 TXT records stand at the name, which are one key record together"]
    );
    let long =
        KeyRecord::new(SigningKey::generate(crate::KeyKind::Rsa, 2048).unwrap().public_key()).to_string();
    assert_eq!(of(&long[..254])[0], "the key ends after 177 of 294 octets: a piece of the record is missing");
}

#[test]
fn a_record_near_by_is_found() {
    let message = signed(request());
    let record = KeyRecord::new(rsa().public_key()).to_string();
    for name in [
        "s._domainkey.a.example.a.example",
        "s.a.example",
        "s1._domainkey.a.example",
        "mail._domainkey.a.example",
    ] {
        assert_eq!(
            found(&message, &[(name, &record)]),
            [format!("there is no key at {NAME}, but there is one at {name}")]
        );
    }
    assert_eq!(found(&message, &[]), ["no key for signature"]);
}

#[test]
fn other_failures_speak_for_themselves() {
    let message = signed(DkimRequest { signed_at: Some(1_000), ..request() });
    let all = found(&message, &[]);
    assert_eq!(all, ["signed in the future"]);
}

/// Without limits, each of these takes minutes or gigabytes.
#[test]
fn what_was_made_to_keep_us_busy_does_not() {
    let sound = signed(request());
    let (own, rest) = sound.split_once("From: ").unwrap();
    let many = |count: usize, text: &dyn Fn(usize) -> String| (0..count).map(text).collect::<String>();
    let copies = many(60_000, &|at| format!("X{}:=20a|", at % 20_000));
    let fields = many(20_000, &|at| format!("X{at}: b\r\n"));
    let same = many(2_000, &|_| "X0: b\r\n".to_owned());
    let boundaries = many(20_000, &|at| format!("boundary=b{at}\r\n"));
    for message in [
        format!("{}{fields}From: {rest}", own.replace("c=", &format!("z={copies}X:y; c="))),
        format!("{}{same}From: {rest}", own.replace("c=", &format!("z={}X:y; c=", "X0:=20a|".repeat(9_000)))),
        sound.replace("Dear", &boundaries),
    ] {
        let findings = after(&message);
        assert!((1..=COPIES_AND_MORE).contains(&findings.len()), "{} findings", findings.len());
    }
}

/// Two hundred copies in `z=` differ at most, and there is little else to say.
const COPIES_AND_MORE: usize = 205;
