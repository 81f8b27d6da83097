//! Signatures whose text nobody would write, but whose hashes are right: a signer of its own, which knows nothing of
//! the crate that is tested but the private key.

use crate::keys::Keys;
use crate::message::DOMAIN;
use crate::naive::{canonical_body, canonical_field, signed_fields, split};
use crate::ours::{SIGNED_NAMES, selector, times};
use crate::random::Random;
use base64::prelude::{BASE64_STANDARD, Engine};
use ring::digest::{SHA256, digest};

/// Values that stand in the place of a plain one, by the name of the tag.
const PLAIN: [(&str, &[&str]); 11] = [
    ("v", &["1.0", "2", "", "01", " 1 ", "1\r\n "]),
    ("a", &["RSA-SHA256", "rsa-sha1", "rsa-sha512", "", "rsa -sha256"]),
    (
        "c",
        &[
            "RELAXED/relaxed",
            "relaxed/",
            "",
            "nofws",
            "relaxed / relaxed",
            "/relaxed",
            "relaxed/relaxed/relaxed",
        ],
    ),
    ("d", &["EXAMPLE.org", "example.org.", "org", "", "exa mple.org", "example..org", "sub.example.org"]),
    ("s", &["K0", "k0.", "", "k 0", ".k0"]),
    ("h", &["", "Subject", "From:", ":From", "From::To", "From;"]),
    (
        "i",
        &[
            "@example.org",
            "a@example.org",
            "@sub.example.org",
            "@other.example",
            "example.org",
            "",
            "a=40b@example.org",
            "a=20b@EXAMPLE.ORG",
            "@xample.org",
            "@aexample.org",
            "@example.org.",
            "a@b@example.org",
        ],
    ),
    ("q", &["dns/txt", "http", "http:dns/txt", "dns", "", "dns / txt"]),
    ("t", &["abc", "-1", ""]),
    ("x", &["1", "1e9", "", "99999999999999999999999"]),
    ("l", &["99999999"]),
];

/// Tags that a signature may have besides.
const ADDED: [(&str, &str); 14] = [
    ("z", "From:a|To:b"),
    ("z", ""),
    ("unknown", "x"),
    ("u", ""),
    ("u_1", "y"),
    ("1u", "z"),
    ("", "x"),
    ("n", "caf\u{e9}"),
    ("u-1", "x"),
    ("B", "x"),
    ("V", "1"),
    ("u", "a\u{1}b"),
    ("u", "a=b"),
    ("l", " "),
];

/// The text of a signature, with what is needed to fill it.
struct Draft {
    tags: Vec<(String, String)>,
    names: Vec<String>,
    relaxed_header: bool,
    relaxed_body: bool,
    length: Option<usize>,
}

/// The message with one odd signature on top.
pub(crate) fn signed(message: &[u8], keys: &Keys, random: &mut Random) -> Vec<u8> {
    let ed25519 = random.chance(10);
    let mut draft = Draft::new(ed25519, random);
    let (fields, body) = split(message);
    let mut canonical = canonical_body(body, draft.relaxed_body);
    if let Some(length) = draft.length {
        canonical.truncate(length);
    }
    draft.put("bh", spread(&BASE64_STANDARD.encode(digest(&SHA256, &canonical)), random));
    draft.spoil(random);
    random.shuffle(&mut draft.tags);
    let (before, after) = draft.write(random);
    let own = [&before[..], &after, b"\r\n"].concat();
    let mut text = signed_fields(&fields, &draft.names, draft.relaxed_header);
    let own = canonical_field(&own, draft.relaxed_header);
    text.extend_from_slice(own.strip_suffix(b"\r\n").unwrap_or(&own));
    let key = if ed25519 { &keys.ed25519 } else { &keys.rsa };
    let signature = key.sign(&text).expect("the key is sound");
    let b = spread(&BASE64_STANDARD.encode(signature), random);
    [&before[..], b.as_bytes(), &after, b"\r\n", message].concat()
}

impl Draft {
    fn new(ed25519: bool, random: &mut Random) -> Draft {
        let (relaxed_header, relaxed_body) = (random.chance(60), random.chance(60));
        let mut names = vec!["From".to_owned()];
        names.extend((0..random.below(8)).map(|_| random.pick(&SIGNED_NAMES).to_owned()));
        random.shuffle(&mut names);
        let colon = random.pick(&[":", ":", " : ", ":\r\n\t", "\r\n :"]);
        let tags = vec![];
        let mut draft = Draft { tags, names: names.clone(), relaxed_header, relaxed_body, length: None };
        draft.put("v", "1");
        draft.put("a", if ed25519 { "ed25519-sha256" } else { "rsa-sha256" });
        draft.put("d", DOMAIN);
        draft.put("s", if ed25519 { "ed".to_owned() } else { selector(random) });
        draft.put("h", names.join(colon));
        draft.put("b", "");
        let form = |relaxed| if relaxed { "relaxed" } else { "simple" };
        match (relaxed_header, relaxed_body) {
            (false, false) if random.chance(50) => {}
            (_, false) if random.chance(50) => draft.put("c", form(relaxed_header)),
            _ => draft.put("c", format!("{}/{}", form(relaxed_header), form(relaxed_body))),
        }
        if random.chance(40) {
            let (signed, lifetime) = times(random);
            let expires = signed.zip(lifetime).map(|(signed, lifetime)| signed.saturating_add(lifetime));
            for (name, value) in [("t", signed), ("x", expires)] {
                if let Some(value) = value {
                    draft.put(name, value.to_string());
                }
            }
        }
        if random.chance(8) {
            let length = random.below(80);
            draft.put("l", length.to_string());
            draft.length = Some(length);
        }
        draft
    }

    fn put(&mut self, name: &str, value: impl Into<String>) {
        self.tags.retain(|(known, _)| known != name);
        self.tags.push((name.to_owned(), value.into()));
    }

    fn value(&self, name: &str) -> String {
        self.tags.iter().find(|(known, _)| known == name).map_or_else(String::new, |(_, value)| value.clone())
    }

    /// Writes something else than a plain signature would say.
    fn spoil(&mut self, random: &mut Random) {
        match random.below(10) {
            0..3 => {
                let (name, values) = random.pick(&PLAIN);
                let value = random.pick(values);
                self.put(name, value);
                if name == "h" {
                    self.names = value.split(':').map(str::to_owned).collect();
                }
            }
            3 => {
                let (name, value) = random.pick(&ADDED);
                self.put(name, value);
            }
            4 if random.chance(50) => {
                let name = random.pick(&["v", "a", "d", "s", "h", "bh", "c", "t"]);
                self.tags.retain(|(known, _)| known != name);
            }
            5 if random.chance(50) => {
                let name = random.pick(&["v", "a", "d", "s", "h", "bh"]);
                self.tags.push((name.to_owned(), self.value(name)));
            }
            _ => {}
        }
    }

    /// The field up to where the value of `b=` stands, and from there on.
    fn write(&self, random: &mut Random) -> (Vec<u8>, Vec<u8>) {
        let mut before = random
            .pick(&["DKIM-Signature:", "DKIM-Signature: ", "dkim-signature:\t", "DKIM-Signature:\r\n "])
            .to_owned();
        let mut after = String::new();
        let mut seen = false;
        let between = random.pick(&["; ", ";", ";\r\n\t", " ;\r\n ", ";\t", " ; "]);
        for (at, (name, value)) in self.tags.iter().enumerate() {
            let text = if seen { &mut after } else { &mut before };
            if at > 0 {
                text.push_str(between);
            }
            text.push_str(name);
            text.push_str(if random.chance(5) { random.pick(&[" =", "= ", " = ", "=\r\n\t"]) } else { "=" });
            text.push_str(value);
            if name == "b" {
                // What stands around the value goes with it.
                text.truncate(text.rfind('=').map_or(text.len(), |at| at + 1));
                seen = true;
            }
        }
        let end = if random.chance(80) {
            random.pick(&["", ";"])
        } else {
            random.pick(&[" ; ", ";;", " ", ";\r\n "])
        };
        after.push_str(end);
        // A blank right behind b= would go with its value.
        (before.into_bytes(), trimmed_start(&after).as_bytes().to_vec())
    }
}

fn trimmed_start(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n'])
}

/// Base64 with blanks and line ends in it, or without.
fn spread(base64: &str, random: &mut Random) -> String {
    let between = random.pick(&["", "", " ", "\r\n\t", "\r\n  ", "\t"]);
    let width = random.pick(&[7, 40, 64, 76]);
    base64
        .as_bytes()
        .chunks(width)
        .map(|line| line.escape_ascii().to_string())
        .collect::<Vec<_>>()
        .join(between)
}
