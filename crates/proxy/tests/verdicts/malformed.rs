//! Signatures that are not what their grammar says.

use crate::desk::Desk;
use crate::{Trial, claimed};
use serde_json::json;

/// Sound tags, but for their hashes.
const SOUND: &str = "v=1; a=rsa-sha256; c=relaxed; d=example.org; s=s; h=From; bh=YWFh; b=YWFh";

/// Values that the grammar of a tag does not have.
const MALFORMED: [(&str, &[&str]); 9] = [
    ("d", &["", ".", "example", "example..org", ".example.org", "example.org.", "exa mple.org", "a@b.org"]),
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
];

/// Values that mean nothing to us: the tag, the values, and the reason.
const UNKNOWN: [(&str, &[&str], &str); 4] = [
    ("v", &["", "0", "2", "1.0", "01", "DKIM1"], "unsupported version"),
    (
        "a",
        &["", "rsa", "rsa-md5", "rsa-sha512", "rsa_sha256", "ed25519", "rsa-sha256:rsa-sha1"],
        "unknown algorithm",
    ),
    (
        "c",
        &["", "nofws", "relaxed/", "/relaxed", "relaxed/nofws", "relaxed / simple", "simple/simple/simple"],
        "unknown canonicalization",
    ),
    ("q", &["", "dns", "dns/mx", "http/txt", "dns /txt", "dnstxt"], "unknown query method"),
];

/// What makes no tag list when it is added, or no lifetime.
const ADDED: [(&[&str], &str); 5] = [
    (&["; t=1", "; ; t=1", ";", "t", "x=y; t"], "tag without a value"),
    (&["=1", "1t=1", "t t=1", "t-t=1", "ü=1", "(t)=1"], "malformed tag name"),
    (&["c=relaxed", "t=1; t=2", "i=@example.org; i=@example.org", "u=1; w=; u="], "tag given twice"),
    (&["t=\u{1}1", "u=\u{7f}"], "control character in tag list"),
    (&["t=5; x=5", "t=6; x=5", "x=1; t=1700000000"], "expiration is not after the time of signing"),
];

/// The sound tags without one of them.
fn without(tag: &str) -> String {
    let others = SOUND.split("; ").filter(|one| !one.starts_with(&format!("{tag}=")));
    others.collect::<Vec<_>>().join("; ")
}

/// Tags, and the reason why they are neutral.
fn cases() -> Vec<(String, String)> {
    let required = ["v", "a", "d", "s", "h", "bh", "b"].into_iter().flat_map(|tag| {
        let twice = (format!("{SOUND}; {tag}=x"), "tag given twice".to_owned());
        [(without(tag), format!("tag {tag}= is missing")), twice]
    });
    let malformed = MALFORMED.into_iter().flat_map(|(tag, values)| {
        let case =
            move |value| (format!("{}; {tag}={value}", without(tag)), format!("tag {tag}= is malformed"));
        values.iter().map(case)
    });
    let unknown = UNKNOWN.into_iter().flat_map(|(tag, values, reason)| {
        values.iter().map(move |value| (format!("{}; {tag}={value}", without(tag)), reason.to_owned()))
    });
    let added = ADDED.into_iter().flat_map(|(all, reason)| {
        all.iter().map(move |tags| (format!("{SOUND}; {tags};"), reason.to_owned()))
    });
    let empty = ["", " ; "].map(|tags| (tags.to_owned(), "empty tag list".to_owned()));
    required.chain(malformed).chain(unknown).chain(added).chain(empty).collect()
}

#[test]
fn a_malformed_signature_is_neutral_and_says_why() {
    let desk = Desk::new();
    for (tags, reason) in cases() {
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
