use super::*;
use crate::outbound::{AddressPattern, Matching};
use crate::tests::*;
use dns::{Unavailable, Zone};
use filter::{Refusal, Verdict};

const MESSAGE: &str = "From: Joe <joe@a.example>\r\nTo: b@b.example\r\nSubject: Hi\r\n\r\nHello.\r\n";

/// The message with a signature by each of these keys.
fn signed(keys: &[&str]) -> String {
    let rule = rule("rule 1", AddressPattern::Domain(domain("a.example")), keys);
    forwarded(&pass(&outbound(Matching::All, vec![rule]), Envelope::default(), MESSAGE), MESSAGE)
}

fn settings() -> InboundSettings {
    InboundSettings::new(AuthservId::new("mx.example.org"))
}

fn judge(settings: InboundSettings, zone: Zone, message: &str) -> Decision {
    pass(&Inbound::new(settings, zone, clock()), Envelope::default(), message)
}

/// The field that was added, on one line.
fn added(decision: &Decision) -> String {
    let Verdict::Forward(edits) = &decision.verdict else { panic!("{:?}", decision.verdict) };
    let [field] = edits.prepend.as_slice() else { panic!("{:?}", edits.prepend) };
    String::from_utf8(field.raw().to_vec()).unwrap().replace("\r\n\t", " ").trim_end().to_owned()
}

/// The first characters of each `b=`, as they stand in the message.
fn b_tags(message: &str) -> Vec<String> {
    let (header, _) = Header::split(message.as_bytes());
    let tag = |field: mail::Field<'_>| {
        let tags = dkim::TagList::salvage(field.value());
        tags.value("b").unwrap().chars().filter(|c| !c.is_whitespace()).take(8).collect()
    };
    header.named("DKIM-Signature").map(|(_, field)| tag(field)).collect()
}

/// A value as RFC 8601 has it: base64 with a slash in it needs quotation marks.
fn quoted(b: &str) -> String {
    if b.contains(['/', '=']) { format!("\"{b}\"") } else { b.to_owned() }
}

#[test]
fn each_signature_has_its_own_result() {
    let message = signed(&["rsa", "ed25519"]);
    let decision = judge(settings(), zone(&["a.example"]), &message);
    let b: Vec<String> = b_tags(&message).iter().map(|b| quoted(b)).collect();
    assert_eq!(
        added(&decision),
        format!(
            "Authentication-Results: mx.example.org; \
             dkim=pass (1024-bit key) header.d=a.example header.i=@a.example header.s=rsa header.a=rsa-sha256 \
             header.b={}; \
             dkim=pass (256-bit key) header.d=a.example header.i=@a.example header.s=ed25519 \
             header.a=ed25519-sha256 header.b={}",
            b[0], b[1]
        )
    );
    assert!(forwarded(&decision, &message).ends_with(&message));
    assert_eq!(decision.account.author.as_deref(), Some("joe@a.example"));
    assert_eq!(decision.account.action, "verified");
    assert_eq!(
        decision.account.detail,
        "dkim=pass d=a.example s=rsa a=rsa-sha256 (1024-bit key); \
         dkim=pass d=a.example s=ed25519 a=ed25519-sha256 (256-bit key)"
    );
}

#[test]
fn a_message_without_signatures_says_so() {
    let decision = judge(settings(), Zone::default(), MESSAGE);
    assert_eq!(added(&decision), "Authentication-Results: mx.example.org; dkim=none");
    assert_eq!(decision.account.detail, "dkim=none");
}

#[test]
fn the_reason_is_in_our_own_words() {
    let broken = signed(&["ed25519"]).replace("Hello.", "Hullo.");
    assert!(added(&judge(settings(), zone(&["a.example"]), &broken)).contains(
        "dkim=fail (256-bit key) reason=\"body hash did not verify\" header.d=a.example header.i=@a.example"
    ));
    let keyless = added(&judge(settings(), Zone::default(), &signed(&["ed25519"])));
    assert!(
        keyless.contains("; dkim=permerror reason=\"no key for signature\" header.d=a.example"),
        "{keyless}"
    );
}

#[test]
fn a_testing_key_is_called_one() {
    let mut zone = Zone::default();
    let record = dkim::KeyRecord::new(ed25519().public_key()).to_string();
    zone.add_txt(&domain("ed25519._domainkey.a.example"), format!("{record}; t=y"));
    let decision = judge(settings(), zone, &signed(&["ed25519"]));
    assert!(added(&decision).contains("dkim=pass (256-bit key, testing) "), "{}", added(&decision));
}

#[test]
fn forged_fields_go_and_all_others_stay_octet_for_octet() {
    let foreign = "Authentication-Results: other.example;\r\n dkim=pass header.d=bank.example\r\n";
    let arc = "ARC-Authentication-Results: i=1; mx.example.org; dkim=pass\r\n";
    let message = format!(
        "Authentication-Results: MX.example.org.; dkim=pass\r\n{foreign}{arc}\
         Authentication-Results :\r\n (x) \"mx.example.org\" 1; none\r\n{MESSAGE}"
    );
    let decision = judge(settings(), Zone::default(), &message);
    let expected = format!("Authentication-Results: mx.example.org; dkim=none\r\n{foreign}{arc}{MESSAGE}");
    assert_eq!(forwarded(&decision, &message), expected);
    assert_eq!(decision.account.detail, "dkim=none; 2 forged Authentication-Results removed");
}

#[test]
fn what_looks_like_text_of_the_sender_stays_out_of_comments_and_reasons() {
    let message = format!("DKIM-Signature: v=1; d=(evil); s=)x; i=\"dkim=pass\"@(; a=<b>; b=;\r\n{MESSAGE}");
    let decision = judge(settings(), Zone::default(), &message);
    assert!(added(&decision).starts_with("Authentication-Results: mx.example.org; dkim=neutral reason="));
    assert!(!added(&decision).contains("evil"), "{}", added(&decision));
    auth::AuthenticationResults::parse(added(&decision).split_once(':').unwrap().1.as_bytes()).unwrap();
}

#[test]
fn utf8_in_an_identity_is_written_only_where_it_may_stand() {
    let report = |smtputf8| {
        let message = signed(&["ed25519"]).replace("d=a.example;", "d=a.example; i=j=C3=B6@a.example;");
        let envelope = Envelope { smtputf8, ..Envelope::default() };
        added(&pass(&Inbound::new(settings(), zone(&["a.example"]), clock()), envelope, &message))
    };
    assert!(report(true).contains(" header.i=jö@a.example "), "{}", report(true));
    assert!(report(false).contains(" header.i=@a.example "), "{}", report(false));
}

#[test]
fn refusing_is_a_setting_and_one_pass_is_enough() {
    let fail = signed(&["rsa"]).replace("Hello.", "Hullo.");
    let mixed = {
        let (broken, sound) = (signed(&["rsa"]), signed(&["ed25519"]));
        let broken = broken.strip_suffix(MESSAGE).unwrap().replace("bh=", "bh=AAAA");
        format!("{broken}{sound}")
    };
    let mut down = Zone::default();
    down.add_trouble(&domain("rsa._domainkey.a.example"), Unavailable::Timeout);
    let error = signed(&["rsa"]);
    let keys = || zone(&["a.example"]);
    for (reject_fail, reject_error, zone, message, expected) in [
        (false, false, keys(), &fail, None),
        (true, false, keys(), &fail, Some((550, "5.7.20"))),
        (false, true, keys(), &fail, None),
        (true, true, keys(), &mixed, None),
        (true, false, down.clone(), &error, None),
        (true, true, down.clone(), &error, Some((451, "4.7.5"))),
        (false, true, down.clone(), &error, Some((451, "4.7.5"))),
        (false, false, down.clone(), &error, None),
        (true, true, keys(), &MESSAGE.to_owned(), None),
        (true, true, Zone::default(), &error, None),
    ] {
        let decision = judge(InboundSettings { reject_fail, reject_error, ..settings() }, zone, message);
        let refused = match &decision.verdict {
            Verdict::Refuse(Refusal { code, enhanced, .. }) => Some((*code, *enhanced)),
            _ => None,
        };
        assert_eq!(refused, expected, "{}", decision.account.detail);
        assert_eq!(decision.account.action, if expected.is_some() { "refused" } else { "verified" });
    }
}

#[test]
fn the_log_says_why_a_key_is_not_to_be_had() {
    let mut down = Zone::default();
    down.add_trouble(&domain("rsa._domainkey.a.example"), Unavailable::ServFail);
    let decision = judge(settings(), down, &signed(&["rsa"]));
    assert!(added(&decision).contains("dkim=temperror reason=\"key unavailable\" "), "{}", added(&decision));
    assert!(
        decision.account.detail.ends_with(": key unavailable, DNS server failure"),
        "{}",
        decision.account.detail
    );
}

#[test]
fn a_message_cannot_ask_for_more_than_its_budget() {
    let budget = Budget { queries: 1, ..Budget::default() };
    let decision =
        judge(InboundSettings { budget, ..settings() }, zone(&["a.example"]), &signed(&["rsa", "ed25519"]));
    assert!(
        decision.account.detail.starts_with("dkim=pass d=a.example s=rsa"),
        "{}",
        decision.account.detail
    );
    assert!(decision.account.detail.ends_with(
        "dkim=temperror d=a.example s=ed25519 a=ed25519-sha256: key unavailable, too many DNS look-ups"
    ));
}

#[test]
fn a_thousand_signatures_are_counted_and_not_listed() {
    let message = format!("{}{MESSAGE}", "DKIM-Signature: v=1; d=a.example\r\n".repeat(1009));
    let field = added(&judge(settings(), Zone::default(), &message));
    assert_eq!(field.matches("dkim=neutral").count(), 50);
    assert!(field.contains("(and 959 more signatures not tried)"), "{field}");
}

#[test]
fn a_domainkeys_result_stands_beside_the_dkim_result() {
    let message =
        format!("DomainKey-Signature: a=rsa-sha1; c=nofws; d=a.example; s=x; q=dns; b=abcd\r\n{MESSAGE}");
    let field = added(&judge(settings(), Zone::default(), &message));
    assert!(
        field.starts_with("Authentication-Results: mx.example.org; dkim=none; domainkeys=permerror "),
        "{field}"
    );
    assert!(field.ends_with(" header.d=a.example header.from=joe@a.example"), "{field}");
}

#[test]
fn what_a_domain_of_the_older_family_says_is_reported() {
    let message = format!(
        "DomainKey-Signature: a=rsa-sha1; c=nofws; d=a.example; s=rsa; q=dns; b=YWFh\r\nSender: Jim <jim@a.example>\r\n{MESSAGE}"
    );
    for (name, policy, expected) in [
        ("_domainkey.a.example", "o=-; t=y", "(1024-bit key, domain signs all mail for a test)"),
        ("_policy._domainkey.a.example", "n=a note; o=~", "(1024-bit key, domain signs some mail)"),
        ("_other.a.example", "o=-", "(1024-bit key)"),
    ] {
        let mut zone = zone(&["a.example"]);
        zone.add_txt(&domain(name), policy);
        let decision = judge(settings(), zone, &message);
        let field = added(&decision);
        assert!(field.contains(&format!("; domainkeys=fail {expected} reason=")), "{field}");
        assert!(field.ends_with(" header.d=a.example header.sender=jim@a.example"), "{field}");
        assert!(decision.account.detail.contains(expected), "{}", decision.account.detail);
    }
}

#[test]
fn a_field_that_nobody_signed_beside_one_that_was_is_told_of() {
    let fields = dkim::FieldSelection {
        names: dkim::FieldNames::Exactly(["From".to_owned()].into()),
        oversign: dkim::Oversign::Names(Vec::new()),
    };
    let request = dkim::DkimRequest::new(domain("a.example"), domain("ed25519"), ed25519());
    let (header, body) = Header::split(MESSAGE.as_bytes());
    let mut signing =
        dkim::Signing::begin(&header, vec![dkim::DkimRequest { fields, ..request }.into()]).unwrap();
    let _ = signing.body(body);
    let field = signing.finish().unwrap().remove(0);
    let field = String::from_utf8_lossy(field.raw()).into_owned();
    for (message, expected) in [
        (format!("{field}{MESSAGE}"), "(256-bit key)"),
        (format!("{field}Subject: x\r\n{MESSAGE}"), "(256-bit key)"),
        (
            format!("{field}From: Eve <e@e.example>\r\n{MESSAGE}"),
            "(256-bit key, 1 of 2 From fields unsigned)",
        ),
    ] {
        let decision = judge(settings(), zone(&["a.example"]), &message);
        assert!(added(&decision).contains(&format!("dkim=pass {expected} ")), "{}", added(&decision));
        assert!(decision.account.detail.ends_with(expected), "{}", decision.account.detail);
    }
}
