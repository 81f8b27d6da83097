//! The verdicts of `dkimgate verify`, cause by cause, on messages that `dkimgate sign` made: words, reasons, statuses.

#![allow(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

mod desk;

use desk::{Desk, json, status, text};
use serde_json::{Value, json};

/// A time of signing.
const NOW: u64 = 1_700_000_000;
/// RFC 8463 §A.1 and §A.2.
const SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=\n";
const P: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const NAME: &str = "s._domainkey.example.org";
/// Sound tags, which a case changes or adds to.
const TAGS: &str = "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=s; h=From:To:Subject; bh=; b=";
const MESSAGE: &str = "From: a@example.org\r\nTo: b@b.example\r\nSubject: Hello\r\n\r\nHello,  you \r\n";

/// A verification that is about to be made.
struct Trial<'a> {
    desk: &'a Desk,
    message: Vec<u8>,
    zone: String,
    options: Vec<String>,
}

impl<'a> Trial<'a> {
    fn of(desk: &'a Desk, message: impl AsRef<[u8]>) -> Self {
        let zone = json!({ NAME: record() }).to_string();
        let options = vec!["--now".to_owned(), NOW.to_string()];
        Self { desk, message: message.as_ref().to_vec(), zone, options }
    }

    fn zone(self, zone: &Value) -> Self {
        self.zone_file(&zone.to_string())
    }

    fn zone_file(self, zone: &str) -> Self {
        Self { zone: zone.to_owned(), ..self }
    }

    fn at(mut self, now: u64) -> Self {
        self.options[1] = now.to_string();
        self
    }

    fn with(mut self, option: &str) -> Self {
        self.options.push(option.to_owned());
        self
    }

    /// The status, and what was printed.
    fn judged(&self) -> (i32, Value) {
        let zone = self.desk.file("zone", &self.zone);
        let mut arguments = vec!["verify", "--json", "--zone", &zone];
        arguments.extend(self.options.iter().map(String::as_str));
        let out = self.desk.run(&arguments, &self.message);
        assert!(matches!(status(&out), 0 | 1 | 75), "{}", text(&out.stderr));
        (status(&out), json(&out))
    }

    /// Of the only signature `word` or `word: reason`.
    fn said(&self) -> String {
        let (_, found) = self.judged();
        let [signature] = &found["signatures"].as_array().unwrap()[..] else { panic!("{found}") };
        words(signature)
    }
}

fn words(signature: &Value) -> String {
    let word = signature["result"].as_str().unwrap().to_owned();
    match &signature["reason"] {
        Value::Null => word,
        reason => word + ": " + reason.as_str().unwrap(),
    }
}

fn record() -> String {
    format!("v=DKIM1; k=ed25519; p={P}")
}

/// A message under a signature with these tags, made by `dkimgate sign`.
fn signed(desk: &Desk, tags: &str, message: impl AsRef<[u8]>) -> Vec<u8> {
    signed_as(desk, &format!("DKIM-Signature: {tags}"), message)
}

fn signed_as(desk: &Desk, field: &str, message: impl AsRef<[u8]>) -> Vec<u8> {
    let (key, template) = (desk.file("seed", SEED), desk.file("template", field));
    let out = desk.run(&["sign", "--raw", "--key", &key, "--template", &template], message);
    assert_eq!(status(&out), 0, "{field}: {}", text(&out.stderr));
    out.stdout
}

/// The message under a signature that nobody computed.
fn claimed(tags: &str) -> String {
    format!("DKIM-Signature: {tags}\r\n{MESSAGE}")
}

#[test]
fn whatever_the_grammar_allows_passes() {
    let desk = Desk::new();
    let added = |tag: &str| format!("{TAGS}; {tag}");
    for tags in [
        TAGS.to_owned(),
        format!("{TAGS};"),
        format!("{TAGS} ; "),
        TAGS.replace("; ", ";"),
        TAGS.replace("; ", " ;\r\n\t"),
        TAGS.replace('=', "\r\n\t=\r\n "),
        TAGS.replace("h=From:To:Subject", "h=from :\r\n\tTO\r\n : Subject"),
        TAGS.replace("h=From:To:Subject", "h=Subject:Subject:From:From:X-None:To:x-none"),
        TAGS.replace("d=example.org", "d=EXAMPLE.Org"),
        TAGS.replace("s=s", "s=S"),
        TAGS.replace("ed25519-sha256", "Ed25519-SHA256"),
        TAGS.replace("c=relaxed/relaxed", "c=Relaxed"),
        TAGS.replace("c=relaxed/relaxed", "c=simple/relaxed"),
        TAGS.replace(" c=relaxed/relaxed;", ""),
        added("i=@example.org"),
        added("i=@a.b.EXAMPLE.org"),
        added("i=joe=40x=3B=20y@example.org"),
        added("i=\"joe@home\"@example.org"),
        added("i=jo\r\n\te@example.org"),
        added("i=jö@example.org"),
        added("q=dns/txt"),
        added("q=http/x : DNS/txt:foo"),
        added("t=1699999999; x=1700000001"),
        added("x=1699999700"),
        added("x=99999999999999999999999999"),
        added("l=12"),
        added("z=From:a@b|Subject:=20x"),
        added("r=y; r2=; unknown=a=b/%&(; X_1=ü"),
        added("V=2; B=*; A=rsa-sha1"),
    ] {
        let trial = Trial::of(&desk, signed(&desk, &tags, MESSAGE));
        let (exit, found) = trial.judged();
        assert_eq!((exit, trial.said().as_str()), (0, "pass"), "{tags:?}: {found}");
    }
}

#[test]
fn a_malformed_signature_is_neutral_and_says_why() {
    let desk = Desk::new();
    let sound = "v=1; a=rsa-sha256; c=relaxed; d=example.org; s=s; h=From; bh=YWFh; b=YWFh";
    let swap = |from: &str, to: &str| sound.replacen(from, to, 1);
    let added = |tag: &str| format!("{sound}; {tag}");
    let mut cases =
        vec![(String::new(), "empty tag list".to_owned()), (" ; ".to_owned(), "empty tag list".to_owned())];
    let mut say = |tags: String, reason: &str| cases.push((tags, reason.to_owned()));
    for tag in ["v", "a", "d", "s", "h", "bh", "b"] {
        let gone: Vec<&str> = sound.split("; ").filter(|one| !one.starts_with(&format!("{tag}="))).collect();
        say(gone.join("; "), &format!("tag {tag}= is missing"));
        say(added(&format!("{tag}=x")), "tag given twice");
    }
    for tag in ["c=relaxed", "unknown=x; unknown", "t=1; t=2", "i=@example.org; i=@example.org"] {
        say(added(tag), if tag == "unknown=x; unknown" { "tag without a value" } else { "tag given twice" });
    }
    for junk in [";; t=1", "; ; t=1", ";", "; t"] {
        say(format!("{sound}{junk};"), "tag without a value");
    }
    for name in ["=1", "1t=1", "t t=1", "t-t=1", "ü=1", "(t)=1"] {
        say(added(name), "malformed tag name");
    }
    for (tag, values) in [
        (
            "d",
            &["", ".", "example", "example..org", ".example.org", "example.org.", "exa mple.org", "a@b.org"]
                [..],
        ),
        ("s", &["", ".", "s.", "s..t", "s t", "s/t", "*"]),
        ("h", &["", ":", "From:", ":From", "From::To", "From:T o", "Frö"]),
        ("bh", &["", "*", "YWFhY", "YW=Fh", "===="]),
        ("b", &["", "YWFh*", "YWFhY", "YW=Fh"]),
        (
            "i",
            &[
                "",
                "joe",
                "joe@",
                "@",
                "joe=4@example.org",
                "joe=zz@example.org",
                "@example.org.",
                "@.example.org",
            ],
        ),
        ("l", &["", "-1", "+1", "1 2", "0x1", "1.0", "x"]),
        ("t", &["", "-1", "+1", "1 2", "now"]),
        ("x", &["", "-1", "+1", "1 2", "1e9"]),
    ] {
        for value in values {
            let without: Vec<&str> =
                sound.split("; ").filter(|one| !one.starts_with(&format!("{tag}="))).collect();
            say(format!("{}; {tag}={value}", without.join("; ")), &format!("tag {tag}= is malformed"));
        }
    }
    for version in ["", "0", "2", "1.0", "01", "DKIM1"] {
        say(swap("v=1", &format!("v={version}")), "unsupported version");
    }
    for algorithm in ["", "rsa", "rsa-md5", "rsa-sha512", "rsa_sha256", "ed25519", "rsa-sha256:rsa-sha1"] {
        say(swap("a=rsa-sha256", &format!("a={algorithm}")), "unknown algorithm");
    }
    for form in
        ["", "nofws", "relaxed/", "/relaxed", "relaxed/nofws", "relaxed / simple", "simple/simple/simple"]
    {
        say(swap("c=relaxed", &format!("c={form}")), "unknown canonicalization");
    }
    for methods in ["", "dns", "dns/mx", "http/txt", "dns /txt", "dnstxt"] {
        say(added(&format!("q={methods}")), "unknown query method");
    }
    for times in ["t=5; x=5", "t=6; x=5", "x=1; t=1700000000"] {
        say(added(times), "expiration is not after the time of signing");
    }
    say(added("t=\u{1}1"), "control character in tag list");
    for (tags, reason) in cases {
        let trial = Trial::of(&desk, claimed(&tags));
        let (exit, found) = trial.judged();
        assert_eq!((exit, trial.said()), (1, format!("neutral: {reason}")), "{tags:?}: {found}");
    }
}

#[test]
fn what_a_malformed_signature_does_not_say_is_null() {
    let desk = Desk::new();
    let of = |tags: &str| Trial::of(&desk, claimed(tags)).judged().1["signatures"][0].clone();
    let nothing = of("nonsense");
    let names = ["domain", "selector", "algorithm", "identity", "key_bits", "b"];
    assert!(names.into_iter().all(|name| nothing[name].is_null()), "{nothing}");
    let all: Vec<&String> = nothing.as_object().unwrap().keys().collect();
    assert_eq!(
        all.len(),
        ["kind", "domain", "selector", "algorithm", "identity", "result", "reason", "key_bits", "b"].len()
    );
    let some = of("a=what-ever; d=Example.ORG; s=s; b= AbCd\r\n\tEfGh Ij;;");
    let expected = json!({
        "kind": "dkim", "domain": "example.org", "selector": "s", "algorithm": "what-ever",
        "identity": "@example.org", "result": "neutral", "reason": "tag without a value", "key_bits": null,
        "b": "AbCdEfGh",
    });
    assert_eq!(some, expected);
    assert!(of("d=a b; i=a=4@b.example; a=rsa(sha)").as_object().unwrap()["domain"].is_null());
}

#[test]
fn what_the_signature_says_is_judged_before_its_key_and_its_hashes() {
    let desk = Desk::new();
    let tags = "v=1; a=rsa-sha1; d=example.org; s=s; h=To; bh=YWFh; b=YWFh; x=1; i=@b.example; l=x";
    let better = |from: &str, to: &str, tags: &str| tags.replacen(from, to, 1);
    let mut tags = tags.to_owned();
    // Each cause is taken away once it was named, so that the next one is.
    for (expected, from, to) in [
        ("neutral: tag l= is malformed", "; l=x", ""),
        ("permerror: identity outside the signing domain", "; i=@b.example", ""),
        ("permerror: From field not signed", "h=To", "h=From"),
        ("permerror: rsa-sha1 is not acceptable", "a=rsa-sha1", "a=ed25519-sha256"),
        ("policy: signature expired", "; x=1", ""),
    ] {
        // Neither key nor DNS is asked for what the signature tells by itself.
        let down = json!({ NAME: { "error": "timeout" } });
        let trial = Trial::of(&desk, claimed(&tags)).zone(&down);
        assert_eq!((trial.judged().0, trial.said().as_str()), (1, expected), "{tags}");
        tags = better(from, to, &tags);
    }
    assert_eq!(Trial::of(&desk, claimed(&tags)).zone(&json!({})).said(), "permerror: no key for signature");
    assert_eq!(Trial::of(&desk, claimed(&tags)).said(), "fail: body hash did not verify");
    let message = signed(&desk, TAGS, MESSAGE);
    let message = String::from_utf8(message).unwrap().replace("Subject: Hello", "Subject: Bye");
    assert_eq!(Trial::of(&desk, &message).said(), "fail: signature did not verify");
    let both = message.replace("you", "all");
    assert_eq!(Trial::of(&desk, &both).said(), "fail: body hash did not verify");
    let nobody = claimed(&tags).replace("From: a@example.org\r\n", "");
    assert_eq!(Trial::of(&desk, nobody).said(), "permerror: no From field");
}

#[test]
fn the_clocks_may_be_five_minutes_apart() {
    let desk = Desk::new();
    let both = signed(&desk, &format!("t=1000000; x=1000600; {TAGS}"), MESSAGE);
    for (now, expected) in [
        (999_699, "policy: signed in the future"),
        (999_700, "pass"),
        (1_000_000, "pass"),
        (1_000_600, "pass"),
        (1_000_900, "pass"),
        (1_000_901, "policy: signature expired"),
    ] {
        assert_eq!(Trial::of(&desk, &both).at(now).said(), expected, "{now}");
    }
}

#[test]
fn a_length_covers_its_part_of_the_body_and_no_more() {
    let desk = Desk::new();
    let with = |tags: &str, body: &str| {
        let message = MESSAGE.split_once("\r\n\r\n").unwrap().0.to_owned() + "\r\n\r\n" + body;
        String::from_utf8(signed(&desk, &format!("{tags}; {TAGS}"), message)).unwrap()
    };
    let (whole, none) = (with("l=6", "body\r\n"), with("l=0", ""));
    for (message, expected) in [
        (whole.clone(), "pass"),
        (whole.clone() + "\r\n\r\n", "pass"),
        (whole.clone() + "more\r\n", "policy: body partly unsigned"),
        (whole.clone() + "\r\n\r\nmore\r\n", "policy: body partly unsigned"),
        (whole.replace("body\r\n", "boda\r\n") + "more\r\n", "fail: body hash did not verify"),
        (whole.replace("Subject: Hello", "Subject: x") + "more\r\n", "fail: signature did not verify"),
        (whole.replace("body\r\n", "bod"), "permerror: body is shorter than the signed length"),
        (whole.replace("\r\n\r\nbody\r\n", "\r\n"), "permerror: body is shorter than the signed length"),
        (whole.replace("l=6", "l=18446744073709551617"), "permerror: body is shorter than the signed length"),
        (none.clone(), "pass"),
        (none.clone() + "\r\n\r\n", "pass"),
        (none.clone() + "x", "policy: body partly unsigned"),
    ] {
        let trial = Trial::of(&desk, &message).with("--raw");
        assert_eq!(trial.said(), expected, "{message}");
        assert_eq!(trial.judged().0, i32::from(expected != "pass"), "{message}");
    }
}

#[test]
fn a_key_record_is_taken_by_the_letter() {
    let desk = Desk::new();
    let message = signed(&desk, &format!("{TAGS}; i=@sub.example.org"), MESSAGE);
    let key = |tags: &str| format!("{tags}; k=ed25519; p={P}");
    let spki = format!("k=ed25519; p=MCowBQYDK2VwAyEA{P}");
    let (head, tail) = P.split_at(20);
    for (record, expected) in [
        (record(), "pass"),
        (record().replace("; ", ";") + ";", "pass"),
        (format!("v = DKIM1 ; k\t= ed25519 ; p = {head} \t{tail} ; "), "pass"),
        (format!("k=ed25519;\r\n\tp={head}\r\n\t{tail}"), "pass"),
        (format!("p={P}; k=ED25519"), "pass"),
        (record().trim_end_matches('=').to_owned(), "pass"),
        (spki, "pass"),
        (key("v=DKIM1; h=sha256"), "pass"),
        (key("v=DKIM1; h=sha1 : sha256:sha3"), "pass"),
        (key("v=DKIM1; s=email"), "pass"),
        (key("v=DKIM1; s=*:tlsrpt"), "pass"),
        (key("v=DKIM1; t=y"), "pass"),
        (key("v=DKIM1; t=unknown:y"), "pass"),
        (key("v=DKIM1; g=; n=note =20 x; x-1=y").replace("; x-1=y", "; x1=y"), "pass"),
        (key("v=DKIM1; g=other; n="), "pass"),
        (key("K=rsa; P=; V=DKIM2"), "pass"),
        (key("v=DKIM1; h=sha1"), "permerror: inappropriate hash algorithm"),
        (key("v=DKIM1; h="), "permerror: inappropriate hash algorithm"),
        (key("v=DKIM1; s=tlsrpt"), "permerror: key is not for electronic mail"),
        (key("v=DKIM1; s="), "permerror: key is not for electronic mail"),
        (key("v=DKIM1; t=s"), "permerror: key forbids an identity in a subdomain"),
        (key("v=DKIM1; t=y : s"), "permerror: key forbids an identity in a subdomain"),
        ("v=DKIM1; k=ed25519; p=".to_owned(), "permerror: key revoked"),
        ("v=DKIM1; p= \t".to_owned(), "permerror: key revoked"),
        ("p=".to_owned(), "permerror: key revoked"),
        (key("v=DKIM2"), "permerror: key record unusable"),
        (key("v=dkim1"), "permerror: key record unusable"),
        (key("n=x; v=DKIM1"), "permerror: key record unusable"),
        (key("v=DKIM1; v=DKIM1"), "permerror: key record unusable"),
        (key("v=DKIM1; ; t=y"), "permerror: key record unusable"),
        (key("v=DKIM1; t"), "permerror: key record unusable"),
        (key("v=DKIM1; x-y=z"), "permerror: key record unusable"),
        (key("\"v=DKIM1"), "permerror: key record unusable"),
        ("v=DKIM1; k=ed25519".to_owned(), "permerror: key record unusable"),
        (record().replace("ed25519", "ed448"), "permerror: key record unusable"),
        (record().replace("k=ed25519; ", ""), "permerror: key record unusable"),
        (record() + "*", "permerror: key record unusable"),
        (record().replace("p=", "p=YWFh"), "permerror: key record unusable"),
        (record().replace(P, &P[..30]), "permerror: key record unusable"),
        ("v=spf1 -all".to_owned(), "permerror: key record unusable"),
        (String::new(), "permerror: key record unusable"),
    ] {
        let trial = Trial::of(&desk, &message).zone(&json!({ NAME: record }));
        assert_eq!(trial.said(), expected, "{record:?}");
    }
    let testing = Trial::of(&desk, &message).zone(&json!({ NAME: key("v=DKIM1; t=y") })).judged().1;
    let field = testing["authentication_results"].as_str().unwrap();
    assert!(field.contains("dkim=pass (256-bit key, testing) "), "{field}");
}

#[test]
fn a_zone_in_either_form_answers_as_the_dns_does() {
    let desk = Desk::new();
    let message = signed(&desk, TAGS, MESSAGE);
    let record = record();
    let (head, tail) = record.split_at(15);
    let other = "v=DKIM1; k=ed25519; p=O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=";
    for (zone, exit, expected) in [
        (json!({ NAME: [&record] }).to_string(), 0, "pass"),
        (json!({ NAME: ["v=spf1 -all", &record] }).to_string(), 0, "pass"),
        (json!({ NAME: [other, &record] }).to_string(), 0, "pass"),
        (json!({ NAME: ["v=DKIM1; p=", &record] }).to_string(), 0, "pass"),
        (json!({ "S._DomainKey.Example.ORG.": &record }).to_string(), 0, "pass"),
        (json!({ "*._domainkey.example.org": &record }).to_string(), 0, "pass"),
        (format!("\n \t{}", json!({ NAME: &record })), 0, "pass"),
        (json!({ NAME: other }).to_string(), 1, "fail: signature did not verify"),
        (json!({ NAME: null }).to_string(), 1, "permerror: no key for signature"),
        (json!({ NAME: [] }).to_string(), 1, "permerror: no key for signature"),
        ("{}".to_owned(), 1, "permerror: no key for signature"),
        (String::new(), 1, "permerror: no key for signature"),
        (json!({ NAME: { "error": "timeout" } }).to_string(), 75, "temperror: key unavailable"),
        (json!({ NAME: { "error": "servfail" } }).to_string(), 75, "temperror: key unavailable"),
        (format!("{NAME}. 300 IN TXT \"{record}\"\n"), 0, "pass"),
        (format!("{NAME} TXT ( \"{head}\"\n\t\"{tail}\" ) ; the key\n"), 0, "pass"),
        (format!("$ORIGIN example.org.\n$TTL 1h\ns._domainkey TXT \"{record}\"\n"), 0, "pass"),
        (format!("$ORIGIN example.org.\ns._domainkey CNAME k\nk TXT \"{record}\"\n"), 0, "pass"),
        (format!("$ORIGIN example.org.\n*._domainkey TXT \"{record}\"\n"), 0, "pass"),
        (
            format!("$ORIGIN example.org.\n_domainkey A 192.0.2.1\n* TXT \"{record}\"\n"),
            1,
            "permerror: no key for signature",
        ),
        (format!("{NAME}. A 192.0.2.1\n"), 1, "permerror: no key for signature"),
        (format!("{NAME}. CNAME {NAME}.\n"), 75, "temperror: key unavailable"),
    ] {
        let trial = Trial::of(&desk, &message).zone_file(&zone);
        assert_eq!((trial.judged().0, trial.said().as_str()), (exit, expected), "{zone}");
    }
    for zone in
        ["{", "{\"a\": 5}", "{\"a\": {\"error\": \"nxdomain\"}}", "[]", "a TXT \"b\n", "hello\n", "\u{0}"]
    {
        let file = desk.file("zone", zone);
        let out = desk.run(&["verify", "--json", "--zone", &file], &message);
        assert_eq!((status(&out), out.stdout.len()), (2, 0), "{zone:?}");
        assert!(text(&out.stderr).contains("line 1"), "{}", text(&out.stderr));
    }
}

#[test]
fn each_signature_has_its_own_result_in_the_order_of_the_fields() {
    let desk = Desk::new();
    let pass = String::from_utf8(signed(&desk, TAGS, MESSAGE)).unwrap();
    let field = pass.strip_suffix(MESSAGE).unwrap();
    let fields = [
        "DKIM-Signature: nonsense\r\n".to_owned(),
        field.replace("s=s;", "s=absent;"),
        field.replace("s=s;", "s=slow;"),
        "DomainKey-Signature: a=rsa-sha1; d=example.org; s=absent; c=nofws; q=dns; b=YWFh\r\n".to_owned(),
        field.to_owned(),
    ];
    let message = fields.concat() + MESSAGE;
    let zone = json!({ NAME: record(), "slow._domainkey.example.org": { "error": "timeout" } });
    let trial = Trial::of(&desk, &message).zone(&zone);
    let (exit, found) = trial.judged();
    let all: Vec<_> = found["signatures"].as_array().unwrap().iter().map(words).collect();
    let expected = [
        "neutral: tag without a value",
        "permerror: no key for signature",
        "temperror: key unavailable",
        "permerror: no key for signature",
        "pass",
    ];
    assert_eq!((exit, &all[..]), (0, &expected.map(String::from)[..]));
    assert_eq!(found["signatures"][3]["kind"], "domainkeys");
    // RFC 6008 §4: the same signature thrice has to be shown whole to be told apart, or not at all.
    assert!(found["signatures"][4]["b"].as_str().unwrap().len() > 80, "{found}");
    let last = message.replace(field, "");
    assert_eq!(Trial::of(&desk, &last).zone(&zone).judged().0, 75, "nothing passed, and the DNS was down");
    // Past the limit of ten none is tried, and each is listed.
    let many = field.replace("h=From", "h=X:From").repeat(10) + &pass;
    let (exit, found) = Trial::of(&desk, many).judged();
    let all: Vec<_> = found["signatures"].as_array().unwrap().iter().map(words).collect();
    assert_eq!((exit, all.len(), all[10].as_str()), (1, 11, "neutral: not tried, too many signatures"));
    let (exit, found) = Trial::of(&desk, MESSAGE).judged();
    assert_eq!((exit, &found["signatures"]), (1, &json!([])));
    assert!(found["authentication_results"].as_str().unwrap().ends_with("; dkim=none"), "{found}");
}

/// Line ends, and messages without this or that.
#[test]
fn a_message_is_taken_as_it_is_or_mended_first() {
    let desk = Desk::new();
    let seed = desk.file("seed", SEED);
    let sign = |canonicalization: &str, raw: bool, message: &str| {
        let mut arguments = vec!["sign", "--domain", "example.org", "--selector", "s", "--key", &seed];
        arguments.extend(["--time", "1700000000", "--canonicalization", canonicalization]);
        arguments.extend(raw.then_some("--raw"));
        let out = desk.run(&arguments, message);
        assert_eq!(status(&out), 0, "{message:?}: {}", text(&out.stderr));
        text(&out.stdout)
    };
    for message in [
        "From: a@example.org",
        "From: a@example.org\r\n",
        "From: a@example.org\r\n\r\n",
        "From: a@example.org\r\n\r\n\r\n\r\n",
        "From: a@example.org\r\n\r\nno line end",
        "From: a@example.org\r\n\r\nblank \t",
        "From: a@example.org\r\n\r\n \r\n\t\r\n",
        "From: a@example.org\r\n\r\nbare\rcr \r\r\n.\r\n..\r\n",
        "From: a@example.org\r\n\r\n\r",
        "\u{feff}x: y\r\nno field\r\nFrom: a@example.org\r\n\r\n\u{0}\r\n",
        "From: Zo\u{eb} <a@example.org>\r\nSubject: \u{65e5}\u{672c}\r\n\r\n\u{e9}\r\n",
        "From : a@example.org\r\nSubject:\r\n \r\n\tx\r\n\r\nbody\r\n",
    ] {
        for form in ["simple/simple", "relaxed/relaxed"] {
            let made = sign(form, true, message);
            assert!(made.ends_with(message), "{message:?}");
            assert_eq!(Trial::of(&desk, &made).with("--raw").said(), "pass", "{form} {message:?}");
            let lf = message.replace("\r\n", "\n");
            // The same with bare line feeds, on either way; but a CR before one makes a whole line end.
            if !lf.contains("\r\n") {
                assert_eq!(sign(form, false, &lf), made, "{form} {message:?}");
                let made = made.replace("\r\n", "\n");
                if !made.contains("\r\n") {
                    assert_eq!(Trial::of(&desk, made).said(), "pass", "{form} {message:?}");
                }
            }
        }
    }
    let lf = sign("relaxed/relaxed", false, "From: a@example.org\n\nbody\n").replace("\r\n", "\n");
    let raw = Trial::of(&desk, lf).with("--raw").judged().1;
    assert_eq!(raw["signatures"][0]["result"], "neutral", "a bare LF is no line end: {raw}");
}
