//! Signatures of our own making: what they say, how they are folded, and that they verify.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod support;

use dkim::{
    BodyLength, Canonicalization, DkimRequest, DomainKeysRequest, FieldNames, FieldSelection, Form, Kind,
    OldForm, Oversign, PrivateKey, SignError, SignatureRequest, TemplateRequest, VerifyOptions,
};
use mail::{Domain, Header};
use std::sync::Arc;
use support::{NOW, Zone, ed25519, record, rsa_1024, sign, signed, verify, words};

const MESSAGE: &[u8] =
    b"Received: by here\r\nFrom: a@a.example\r\nTo: b@b.example,\r\n\tc@b.example\r\nSubject: x\r\n\
    Date: now\r\n\r\nHello  you \r\n\r\nBye\r\n\r\n";

fn domain(name: &str) -> Domain {
    Domain::parse(name).unwrap()
}

fn request(key: Arc<dyn PrivateKey>) -> DkimRequest {
    DkimRequest::new(domain("a.example"), domain("s"), key)
}

fn zone(key: &Arc<dyn PrivateKey>) -> Zone {
    Zone::default().with("s._domainkey.a.example", &record(&**key))
}

fn field(request: impl Into<SignatureRequest>) -> String {
    let fields = sign(MESSAGE, vec![request.into()]).unwrap();
    String::from_utf8(fields[0].raw().to_vec()).unwrap()
}

fn refusal(message: &[u8], request: impl Into<SignatureRequest>) -> String {
    sign(message, vec![request.into()]).unwrap_err().to_string()
}

fn exactly(names: &str) -> FieldSelection {
    let names = FieldNames::Exactly(names.split(':').map(String::from).collect());
    FieldSelection { names, oversign: Oversign::Names(Vec::new()) }
}

#[test]
fn every_form_and_both_keys_verify() {
    for key in [ed25519(), rsa_1024()] {
        for header in [Form::Simple, Form::Relaxed] {
            for body in [Form::Simple, Form::Relaxed] {
                let canonicalization = Canonicalization { header, body };
                let message =
                    signed(MESSAGE, vec![DkimRequest { canonicalization, ..request(key.clone()) }.into()]);
                assert_eq!(words(&message, &zone(&key)), ["pass"], "{key:?} {canonicalization}");
            }
        }
    }
}

#[test]
fn several_signatures_at_once() {
    let rsa = DkimRequest { selector: domain("rsa"), ..request(rsa_1024()) };
    let old = DomainKeysRequest {
        domain: domain("a.example"),
        selector: domain("rsa"),
        key: rsa_1024(),
        form: OldForm::Nofws,
        fields: None,
    };
    let message = signed(MESSAGE, vec![request(ed25519()).into(), rsa.into(), old.into()]);
    let zone = zone(&ed25519()).with("rsa._domainkey.a.example", &record(&*rsa_1024()));
    let reports = verify(&message, &zone, &VerifyOptions::default(), NOW);
    let all: Vec<_> = reports.iter().map(|report| (report.kind, report.word().as_str())).collect();
    assert_eq!(all, [(Kind::Dkim, "pass"), (Kind::Dkim, "pass"), (Kind::DomainKeys, "pass")]);
}

#[test]
fn a_field_says_all_that_it_was_asked_to_say() {
    let request = DkimRequest {
        identity: Some("j o=e@Sub.A.example".to_owned()),
        signed_at: Some(NOW),
        lifetime: Some(3600),
        body_length: BodyLength::Whole,
        copy_fields: true,
        say_query: true,
        ask_for_reports: true,
        fields: exactly("From:Subject:To"),
        ..request(ed25519())
    };
    let text = field(request.clone());
    let (before, _) = text.split_once(" b=").unwrap();
    let expected = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=a.example; s=s;\r\n\
        \ti==22j=20o=3De=22@sub.a.example; l=18; q=dns/txt; r=y; t=1700000000;\r\n\
        \tx=1700003600; h=From:Subject:To; z=From:=20a@a.example|Subject:=20x|\r\n\
        \tTo:=20b@b.example,=0D=0A=09c@b.example;\r\n\
        \tbh=";
    assert_eq!(&before[..expected.len()], expected);
    let message = signed(MESSAGE, vec![request.into()]);
    let reports = verify(&message, &zone(&ed25519()), &VerifyOptions::default(), NOW);
    assert_eq!(reports[0].outcome, Ok(()));
    assert_eq!(reports[0].identity.as_deref(), Some("\"j o=e\"@sub.a.example"));
    assert!(reports[0].wants_reports);
}

/// No line of ours is longer than 78 columns, so that no MTA sees reason to fold it anew.
#[test]
fn our_fields_are_folded() {
    let names = vec!["X-Some-Header-Field"; 40].join(":");
    let long =
        DkimRequest { fields: exactly(&format!("From:{names}")), copy_fields: true, ..request(rsa_1024()) };
    for text in [field(request(rsa_1024())), field(long)] {
        for line in text.split_terminator("\r\n") {
            let columns: usize = line.chars().map(|c| if c == '\t' { 8 } else { 1 }).sum();
            assert!(columns <= 78 && !line.trim().is_empty(), "{line:?}");
        }
    }
}

/// RFC 6376 §3.5: blanks may stand before and behind the value of `i=`, and nowhere in it.
#[test]
fn an_identity_is_one_word_whatever_its_length() {
    for length in [1, 40, 64, 65, 300, 980] {
        let identity = format!("{}@a.example", "a".repeat(length));
        let request = DkimRequest { identity: Some(identity.clone()), ..request(ed25519()) };
        let text = field(request.clone());
        assert!(text.contains(&format!("i={identity};")), "{text}");
        assert!(text.lines().all(|line| line.len() < 998), "{text}");
        let message = signed(MESSAGE, vec![request.into()]);
        let report = &verify(&message, &zone(&ed25519()), &VerifyOptions::default(), NOW)[0];
        assert_eq!((&report.outcome, report.identity.as_deref()), (&Ok(()), Some(&*identity)));
    }
}

/// What an MTA may do to folding, where `c=` says relaxed.
#[test]
fn our_fields_survive_another_folding() {
    let key = rsa_1024();
    let message = String::from_utf8(signed(MESSAGE, vec![request(key.clone()).into()])).unwrap();
    for (from, to) in [("\r\n\t", "\r\n "), ("\r\n\t", " "), ("; ", ";\r\n\t"), ("\r\n\t", "\r\n\t\t ")] {
        let (field, rest) = message.split_at(message.find("Received:").unwrap());
        let refolded = field.replace(from, to) + rest;
        assert_eq!(words(refolded.as_bytes(), &zone(&key)), ["pass"], "{refolded}");
    }
}

#[test]
fn refusals() {
    let two = [b"From: x@a.example\r\n", MESSAGE].concat();
    assert_eq!(refusal(b"To: a\r\n\r\n", request(ed25519())), "the message has no From field");
    assert_eq!(
        refusal(b" x; l=0\r\nFrom: a@a.example\r\n\r\n", request(ed25519())),
        "the message begins with a line that continues no field"
    );
    assert_eq!(refusal(&two, request(ed25519())), "the message has more than one From field");
    for (changed, expected) in [
        (
            DkimRequest { fields: exactly("To:Subject"), ..request(ed25519()) },
            "the From field is not among the fields to sign",
        ),
        (
            DkimRequest { fields: exactly("From:T o"), ..request(ed25519()) },
            "the name of a field to sign is malformed",
        ),
        (
            DkimRequest { identity: Some("@b.example".to_owned()), ..request(ed25519()) },
            "the identity is not within the signing domain",
        ),
        (
            DkimRequest { identity: Some("joe".to_owned()), ..request(ed25519()) },
            "the identity is not an address",
        ),
        (
            DkimRequest { identity: Some("a\nb@a.example".to_owned()), ..request(ed25519()) },
            "the identity is not an address",
        ),
        (
            DkimRequest { identity: Some("a".repeat(985) + "@a.example"), ..request(ed25519()) },
            "the identity is too long for a line",
        ),
        (
            DkimRequest { lifetime: Some(1), ..request(ed25519()) },
            "a signature expires some seconds after the time of signing, and needs both",
        ),
        (
            DkimRequest { signed_at: Some(999_999_999_999), lifetime: Some(1), ..request(ed25519()) },
            "the time of signing or expiry has more than twelve digits",
        ),
        (
            DkimRequest { signed_at: Some(u64::MAX), lifetime: Some(1), ..request(ed25519()) },
            "the time of signing or expiry has more than twelve digits",
        ),
        (
            DkimRequest { signed_at: Some(1_000_000_000_000), ..request(ed25519()) },
            "the time of signing or expiry has more than twelve digits",
        ),
        (
            DkimRequest { domain: domain("localhost"), ..request(ed25519()) },
            "the signing domain has no dot in it",
        ),
        (
            DkimRequest { body_length: BodyLength::Octets(1_000), ..request(ed25519()) },
            "the body is shorter than the length to sign",
        ),
    ] {
        assert_eq!(refusal(MESSAGE, changed), expected);
    }
}

/// RFC 6376 §3.7: the field that is being made is not in its own `h=`, and others may be.
#[test]
fn only_other_signatures_are_signed() {
    let own = "DKIM-Signature is named more often than the message has it, and no signature signs itself";
    let fields = |names: &str, oversign: &[&str]| {
        let oversign = Oversign::Names(oversign.iter().map(|&name| name.to_owned()).collect());
        let fields = FieldSelection { oversign, ..exactly(names) };
        SignatureRequest::from(DkimRequest { fields, ..request(ed25519()) })
    };
    let template = |names: &str| {
        let tags = format!("v=1; a=ed25519-sha256; c=relaxed/relaxed; d=a.example; s=s; h={names}; bh=; b=");
        TemplateRequest { field: format!("DKIM-Signature: {tags}").into_bytes(), key: ed25519() }.into()
    };
    let signed_once = signed(MESSAGE, vec![request(ed25519()).into()]);
    for (message, request, sound) in [
        (MESSAGE, fields("from:dkim-signature", &[]), false),
        (MESSAGE, fields("from", &["DKIM-Signature"]), false),
        (MESSAGE, template("from:DKIM-signature"), false),
        (&signed_once, fields("from:dkim-signature", &[]), true),
        (&signed_once, template("from:dkim-signature"), true),
        (&signed_once, fields("from:dkim-signature:dkim-signature", &[]), false),
        (&signed_once, fields("from", &["dkim-signature"]), false),
        (&signed_once, template("dkim-signature:from:dkim-signature"), false),
    ] {
        let made = sign(message, vec![request.clone()]).map_err(|error| error.to_string());
        if !sound {
            assert_eq!(made.unwrap_err(), own, "{request:?}");
            continue;
        }
        let text = String::from_utf8(signed(message, vec![request])).unwrap();
        assert_eq!(words(text.as_bytes(), &zone(&ed25519())), ["pass", "pass"]);
        let (new, old) = text.split_at(text.rfind("v=1").unwrap());
        let altered = format!("{new}n=o; {old}");
        assert_eq!(words(altered.as_bytes(), &zone(&ed25519())), ["fail", "fail"]);
    }
}

#[test]
fn refused_templates() {
    let sound = "DKIM-Signature: v=1; a=ed25519-sha256; d=a.example; s=s; h=From; bh=; b=";
    let swap = |from: &str, to: &str| sound.replacen(from, to, 1);
    for (template, expected) in [
        (swap("ed25519-sha256", "rsa-sha1"), "signing with rsa-sha1 is refused"),
        (swap("ed25519", "rsa"), "the key is of another type than the algorithm"),
        (swap("h=From", "h=To"), "the From field is not among the fields to sign"),
        (swap("bh=", "bh=YWFh"), "the template has the hash of another body"),
        (swap("s=s", "s=s; l=99"), "the body is shorter than the length to sign"),
        (swap("s=s", "s=s; i=@b.example"), "the identity is not within the signing domain"),
        (swap("v=1", "v=2"), "the template is malformed: unsupported version"),
        (swap("DKIM", "X"), "the template is not a DKIM-Signature or DomainKey-Signature field"),
        (format!("{sound}\r\nX: y"), "the template is not a DKIM-Signature or DomainKey-Signature field"),
        (String::new(), "the template is not a DKIM-Signature or DomainKey-Signature field"),
        (
            "DomainKey-Signature: d=a.example; s=s; b=".to_owned(),
            "the key is of another type than the algorithm",
        ),
    ] {
        let request = TemplateRequest { field: template.clone().into_bytes(), key: ed25519() };
        assert_eq!(refusal(MESSAGE, request), expected, "{template}");
    }
}

#[test]
fn a_short_key_is_refused() {
    #[derive(Debug)]
    struct Short;
    impl PrivateKey for Short {
        fn public_key(&self) -> dkim::PublicKey {
            let octets =
                [&[0x30, 0x47, 0x02, 0x40, 0x7f][..], &[0xff; 63], &[0x02, 0x03, 0x01, 0x00, 0x01]].concat();
            dkim::PublicKey::parse(dkim::KeyKind::Rsa, &octets).unwrap()
        }
        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, dkim::PrivateKeyError> {
            Err(dkim::PrivateKeyError::Unsupported)
        }
    }
    let result = sign(MESSAGE, vec![request(Arc::new(Short)).into()]);
    assert!(matches!(result, Err(SignError::KeyTooShort(511))), "{result:?}");
}

/// Tags, their order and their folding stay; only `bh=` and `b=` are filled.
#[test]
fn a_template_is_filled_and_nothing_else() {
    let before = "dkim-signature:\tb=";
    let between =
        " ; bh= ;\r\n  h = from :\r\n  subject; s=s; \r\n  d=a.example; x_y=z; a=ed25519-sha256; v=1";
    let template = TemplateRequest { field: format!("{before}{between};").into_bytes(), key: ed25519() };
    let made = field(template.clone());
    let after = between.replace("bh= ;", "bh=");
    let (head, tail) = after.split_once("bh=").unwrap();
    assert!(made.starts_with(before) && made.contains(&format!("=={head}bh=")), "{made}");
    assert!(made.ends_with(&format!("= ;{tail};\r\n")), "{made}");
    assert_eq!(words(&signed(MESSAGE, vec![template.into()]), &zone(&ed25519())), ["pass"]);
}

#[test]
fn domainkeys_signatures_verify() {
    let names = |list: &str| Some(list.split(':').map(String::from).collect::<Vec<_>>());
    for form in [OldForm::Simple, OldForm::Nofws] {
        for fields in [None, names("From:To"), names("from:received:subject:date:to")] {
            let request = DomainKeysRequest {
                domain: domain("a.example"),
                selector: domain("s"),
                key: rsa_1024(),
                form,
                fields: fields.clone(),
            };
            let message = signed(MESSAGE, vec![request.into()]);
            let zone = zone(&rsa_1024())
                .with("_domainkey.a.example", "t=y; o=-; n=test")
                .with("_policy._domainkey.a.example", "o=~");
            let reports = verify(&message, &zone, &VerifyOptions::default(), NOW);
            assert_eq!(reports[0].outcome, Ok(()), "{form:?} {fields:?}");
            assert_eq!(reports[0].identity.as_deref(), Some("@a.example"));
            let sender = reports[0].sender.as_ref().unwrap();
            assert_eq!((sender.field, &*sender.address), ("From", "a@a.example"));
            let policy = reports[0].policy.clone().unwrap();
            assert!(policy.signs_all && policy.testing && policy.name.as_str() == "_domainkey.a.example");
            let text = String::from_utf8(message).unwrap();
            assert_eq!(words(text.replace("Bye", "By").as_bytes(), &zone), ["fail"]);
            assert_eq!(words(text.replace("From: a@", "From: aa@").as_bytes(), &zone), ["fail"]);
            let above = format!("X: y\r\n{text}");
            assert_eq!(words(above.as_bytes(), &zone), ["pass"]);
        }
    }
}

#[test]
fn domainkeys_signs_only_names_that_fields_can_bear() {
    for (names, expected) in [
        (&["from", "x\ny"][..], "the name of a field to sign is malformed"),
        (&["a b", "from"], "the name of a field to sign is malformed"),
        (&["from;z=1"], "the name of a field to sign is malformed"),
        (&["from", ""], "the name of a field to sign is malformed"),
        (&["to"], "the From field is not among the fields to sign"),
        (&[], "the From field is not among the fields to sign"),
    ] {
        let request = DomainKeysRequest {
            domain: domain("a.example"),
            selector: domain("s"),
            key: rsa_1024(),
            form: OldForm::Nofws,
            fields: Some(names.iter().map(|&name| name.to_owned()).collect()),
        };
        assert_eq!(refusal(MESSAGE, request), expected, "{names:?}");
    }
}

#[test]
fn domainkeys_has_its_own_rules() {
    let sound = "a=rsa-sha1; q=dns; c=nofws; d=a.example; s=s; b=";
    let sign_with = |tags: &str, message: &[u8]| {
        let field = format!("DomainKey-Signature: {tags}").into_bytes();
        signed(message, vec![TemplateRequest { field, key: rsa_1024() }.into()])
    };
    let message = sign_with(sound, MESSAGE);
    let key = record(&*rsa_1024());
    for (record, expected) in [
        (key.clone(), "pass"),
        (key.replace("v=DKIM1;", "g=a;"), "pass"),
        (key.replace("v=DKIM1;", "g=;"), "pass"),
        (key.replace("v=DKIM1;", "g=b*;"), "permerror: key is not for this sender"),
    ] {
        let zone = Zone::default().with("s._domainkey.a.example", &record);
        let report = &verify(&message, &zone, &VerifyOptions::default(), NOW)[0];
        let reason = report.outcome.as_ref().err().map(|failure| format!(": {failure}")).unwrap_or_default();
        assert_eq!(format!("{}{reason}", report.word()), expected, "{record}");
    }
    let sent = [b"Sender: c@c.example\r\n", MESSAGE].concat();
    for (message, expected) in [
        ([b"DomainKey-Signature: d=a.example; s=s; b=YWFh\r\n", &sent[..]].concat(), "permerror"),
        ([b"DomainKey-Signature: d=a.example; s=s; h=to; b=YWFh\r\n", MESSAGE].concat(), "permerror"),
        ([b"DomainKey-Signature: d=a.example; s=s; c=relaxed; b=YWFh\r\n", MESSAGE].concat(), "neutral"),
        ([b"DomainKey-Signature: d=a.example; s=s; a=rsa-sha256; b=YWFh\r\n", MESSAGE].concat(), "neutral"),
        ([b"DomainKey-Signature: d=a.example; s=s; q=http; b=YWFh\r\n", MESSAGE].concat(), "neutral"),
        ([b"DomainKey-Signature: s=s; b=YWFh\r\n", MESSAGE].concat(), "neutral"),
    ] {
        assert_eq!(words(&message, &Zone::default().with("s._domainkey.a.example", &key)), [expected]);
    }
}

/// RFC 8616: names beyond ASCII are read, and written as A-labels.
#[test]
fn internationalised_names() {
    let zone = Zone::default().with("xn--sel-sla._domainkey.xn--bcher-kva.example", &record(&*ed25519()));
    let message = "From: ä@bücher.example\r\nSubject: Grüße\r\n\r\nHallo\r\n".as_bytes();
    let request = DkimRequest {
        identity: Some("ä@bücher.example".to_owned()),
        ..DkimRequest::new(domain("bücher.example"), domain("selä"), ed25519())
    };
    let made = signed(message, vec![request.into()]);
    let reports = verify(&made, &zone, &VerifyOptions::default(), NOW);
    assert_eq!(reports[0].outcome, Ok(()), "{:?}", reports[0]);
    assert_eq!(reports[0].identity.as_deref(), Some("ä@xn--bcher-kva.example"));
    assert!(String::from_utf8_lossy(&made).contains("i==C3=A4@xn--bcher-kva.example;"));

    let template = "DKIM-Signature: v=1; a=ed25519-sha256; d=bücher.example; s=SELÄ; i=ö@sub.bücher.example;\r\n \
        h=From:Subject; bh=; b=";
    let template = TemplateRequest { field: template.as_bytes().to_vec(), key: ed25519() };
    let made = signed(message, vec![template.into()]);
    assert_eq!(words(&made, &zone), ["pass"]);
    let other = String::from_utf8(made).unwrap().replace("d=bücher.example", "d=xn--bcher-kva.example");
    assert_eq!(words(other.as_bytes(), &zone), ["fail"], "the hash is over the name as it is written");
}

#[test]
fn a_header_without_a_body_is_signed_too() {
    for message in [&b"From: a@a.example\r\n"[..], b"From: a@a.example", b"From: a@a.example\r\n\r\n"] {
        let field = &sign(message, vec![request(ed25519()).into()]).unwrap()[0];
        let made = [field.raw(), message].concat();
        assert_eq!(words(&made, &zone(&ed25519())), ["pass"], "{}", message.escape_ascii());
    }
    assert!(Header::parse(Vec::new()).is_empty());
}
