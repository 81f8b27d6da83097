//! The verdicts of `dkimgate verify`, cause by cause, on messages that `dkimgate sign` made: words, reasons, statuses.

#![allow(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

#[path = "../desk/mod.rs"]
mod desk;
mod keys;
mod malformed;

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
