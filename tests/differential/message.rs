//! Messages as nobody would write them by hand, but mailers do.

use crate::random::Random;

/// The author domain of every message.
pub(crate) const DOMAIN: &str = "example.org";

/// Names of fields that a message may have, some of them more than once.
const NAMES: [&str; 20] = [
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "Received",
    "Received",
    "Received",
    "X-Mailer",
    "X-Mailer",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "List-Id",
    "List-Unsubscribe",
    "In-Reply-To",
    "Comments",
    "Comments",
    "x",
];

/// What values are made of.
const WORDS: [&str; 16] = [
    "a",
    "word",
    "b@b.example",
    "<a.b@c.example>;",
    "\"quoted string\"",
    "(comment)",
    "=?utf-8?q?caf=C3=A9?=",
    "café",
    "日本",
    "x:y",
    ":",
    ";",
    "=",
    "..",
    "b=abc;",
    "0123456789012345678901234567890123456789012345678901234567890123456789",
];

/// What stands between words.
const BLANKS: [&str; 10] = [" ", " ", " ", "  ", "\t", " \t ", "\r\n ", "\r\n\t", " \r\n  ", "\r\n \r\n "];

/// A message without signatures, its lines ended with CR LF.
pub(crate) fn message(random: &mut Random) -> Vec<u8> {
    let mut text = header(random);
    match random.below(12) {
        // No empty line: the message ends with its header.
        0 => {}
        1 => text.extend_from_slice(b"\r\n"),
        _ => {
            text.extend_from_slice(b"\r\n");
            text.extend_from_slice(&body(random));
        }
    }
    text
}

fn header(random: &mut Random) -> Vec<u8> {
    let count = random.below(12);
    let mut names: Vec<&str> = (0..count).map(|_| random.pick(&NAMES)).collect();
    names.push("From");
    random.shuffle(&mut names);
    names.into_iter().flat_map(|name| field(name, random)).collect()
}

/// One field, its value folded at will.
fn field(name: &str, random: &mut Random) -> Vec<u8> {
    let mut text = match random.below(12) {
        0 => name.to_uppercase(),
        1 => name.to_lowercase(),
        _ => name.to_owned(),
    };
    // RFC 5322 §4.5 allows blanks before the colon in what is read.
    if name != "From" && random.chance(2) {
        text.push_str(random.pick(&[" ", "\t"]));
    }
    text.push(':');
    text.push_str(random.pick(&[" ", " ", " ", "", "  ", "\t", "\r\n "]));
    if name == "From" {
        text.push_str(random.pick(&["", "A", "\"A, B\"", "Zoë"]));
        text.push_str(" <a@");
        text.push_str(DOMAIN);
        text.push('>');
    } else {
        for _ in 0..random.below(8) {
            text.push_str(random.pick(&WORDS));
            text.push_str(random.pick(&BLANKS));
        }
    }
    // A folded value whose last line is blank is one more case of its own.
    if !random.chance(15) {
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
    }
    while text.ends_with("\r\n") {
        text.truncate(text.len() - 2);
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// A body, with what canonical forms stumble over.
pub(crate) fn body(random: &mut Random) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..random.below(10) {
        text.extend_from_slice(&line(random));
        text.extend_from_slice(b"\r\n");
    }
    match random.below(24) {
        0..4 => text.extend_from_slice(b"\r\n\r\n\r\n"),
        4..8 => text.extend_from_slice(b" \r\n\t\r\n"),
        8 => text.extend_from_slice(b"no line end"),
        9 => text.extend_from_slice(b"blank without line end \t"),
        10 => text.extend_from_slice(b"\r"),
        _ => {}
    }
    text
}

fn line(random: &mut Random) -> Vec<u8> {
    let mut text = Vec::new();
    match random.below(12) {
        0 => {}
        1 => text.extend_from_slice(b" \t "),
        2 => text.extend_from_slice(random.pick(&[&b"."[..], b"..", b".a", b". "])),
        3 => text.resize(990 + random.below(9_000), b'x'),
        4 => text.extend_from_slice(b"bare\rCR \r in a line"),
        5 => text.extend_from_slice(b"8 bit: \xe9\xff\x80\xc3\xa9"),
        6 => text.extend_from_slice(b"a\rb\r\rc"),
        _ => {
            for _ in 0..=random.below(12) {
                text.extend_from_slice(random.pick(&WORDS).as_bytes());
                text.extend_from_slice(random.pick(&[" ", " ", "  ", "\t", " \t"]).as_bytes());
            }
        }
    }
    if random.chance(20) {
        text.extend_from_slice(random.pick(&[" ", "\t", "  \t "]).as_bytes());
    }
    text
}
