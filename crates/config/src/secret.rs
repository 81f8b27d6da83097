//! Private keys where none belongs: pasted in the place of a path, or a key file named in the place of another.
//!
//! What is wrong with a file is shown with its lines, and logged. So a key in PEM is taken out of the text of a file
//! before anything else is done with it, and of what else looks like a key only `[key]` is shown.

use std::ops::Range;

/// What stands in the place of a key.
pub(crate) const HIDDEN: &str = "[key]";
/// An Ed25519 key has 44 characters in base64; no word is so long.
pub(crate) const SHORTEST_KEY: usize = 40;
pub(crate) const BEGIN: &str = "-----BEGIN";
pub(crate) const END: &str = "-----END";
/// The end of the lines around a key in PEM: public keys and certificates are no secrets.
const PRIVATE: &str = "PRIVATE KEY-----";
/// The folders in a path have fewer letters than stand between two slashes of a key, of which every 64th is one.
const USUAL_FOLDER: usize = 12;
/// So many characters of a value are shown.
const MOST_SHOWN: usize = 160;

/// A text without what its private keys in PEM hold; every line stays where it was.
pub(crate) fn without_keys(text: String) -> String {
    let mut shown = String::new();
    let mut done = 0;
    while let Some(inside) = next_key(&text, done) {
        shown.push_str(&text[done..inside.start]);
        hide_words(&text[inside.clone()], &mut shown);
        done = inside.end;
    }
    if done == 0 {
        return text;
    }
    shown.push_str(&text[done..]);
    shown
}

/// What the next private key in PEM holds, from here on.
fn next_key(text: &str, from: usize) -> Option<Range<usize>> {
    let mut at = from;
    loop {
        let begin = at + text[at..].find(BEGIN)?;
        let label = &text[begin..];
        let label = label.lines().next().unwrap_or(label);
        let Some(start) = label.find(PRIVATE).map(|private| begin + private + PRIVATE.len()) else {
            at = begin + BEGIN.len();
            continue;
        };
        let rest = &text[start..];
        let end = rest.find("-----").filter(|end| rest[*end..].starts_with(END));
        // Where the end is missing, the next line with a colon is something else.
        let end = end.unwrap_or_else(|| {
            let lines = rest.split_inclusive('\n').scan(0, |at, line| {
                *at += line.len();
                Some((*at - line.len(), line))
            });
            let other = lines.skip(1).find(|(_, line)| line.contains([':', '-']));
            other.map_or(rest.len(), |(at, _)| at)
        });
        return Some(start..start + end);
    }
}

/// Takes a key over, line for line, with `[key]` for all that may be secret.
fn hide_words(key: &str, shown: &mut String) {
    let mut is_hidden = false;
    // A line end may stand there as `\n`.
    for (number, piece) in key.split('\\').enumerate() {
        let named = piece.chars().next().filter(|c| number > 0 && matches!(c, 'n' | 'r'));
        shown.push_str(if number > 0 { "\\" } else { "" });
        shown.extend(named);
        for char in piece[named.map_or(0, char::len_utf8)..].chars() {
            if !is_base64(char) {
                shown.push(char);
            } else if !is_hidden {
                shown.push_str(HIDDEN);
                is_hidden = true;
            }
        }
    }
}

/// Whether a text holds what may be a private key, or a piece of one.
pub(crate) fn may_be_key(text: &str) -> bool {
    text.split(|char| !is_base64(char)).any(|word| {
        let has = |is: fn(&u8) -> bool| word.bytes().any(|byte| is(&byte));
        let is_path = word.starts_with('/') || word.matches('/').count() * USUAL_FOLDER > word.len();
        word.len() >= SHORTEST_KEY && !is_path && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
    })
}

/// Whether a text in the place of a path is a private key: in PEM, or in base64 of DER, which begins with a sequence.
pub(crate) fn is_key(text: &str) -> bool {
    text.contains(BEGIN) && text.contains(PRIVATE)
        || (text.starts_with("MI") || text.starts_with("MC")) && may_be_key(text)
}

/// A text as it is shown in a fault: in quotes, on one line, not longer than anybody reads, and without keys.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", shown(text))
}

/// The same without the quotes.
pub(crate) fn shown(text: &str) -> String {
    if is_key(text) || may_be_key(text) {
        return HIDDEN.to_owned();
    }
    let cut = text.char_indices().nth(MOST_SHOWN).map(|(at, _)| &text[..at]);
    format!("{}{}", cut.unwrap_or(text).escape_debug(), if cut.is_some() { "…" } else { "" })
}

fn is_base64(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '+' | '/' | '=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_in_pem_holds_is_taken_out_and_every_line_stays() {
        for (text, shown) in [
            ("a: b\n", "a: b\n"),
            (
                "k: |\n  -----BEGIN PRIVATE KEY-----\n  MIIE\n  ab==\n  -----END PRIVATE KEY-----\nl: x\n",
                "k: |\n  -----BEGIN PRIVATE KEY-----\n  [key]\n  \n  -----END PRIVATE KEY-----\nl: x\n",
            ),
            (
                "k: \"-----BEGIN RSA PRIVATE KEY-----\\nMI/E\\nab==\\n-----END RSA PRIVATE KEY-----\\n\"\n",
                "k: \"-----BEGIN RSA PRIVATE KEY-----\\n[key]\\n\\n-----END RSA PRIVATE KEY-----\\n\"\n",
            ),
            ("-----BEGIN PRIVATE KEY-----\nMIIE\nab", "-----BEGIN PRIVATE KEY-----\n[key]\n"),
            (
                "k: -----BEGIN PRIVATE KEY-----\n  MIIE\nl: x\n",
                "k: -----BEGIN PRIVATE KEY-----\n  [key]\nl: x\n",
            ),
            (
                "-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----\n",
                "-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----\n",
            ),
        ] {
            assert_eq!(without_keys(text.to_owned()), shown);
        }
    }

    #[test]
    fn a_quoted_text_is_short_and_no_key() {
        assert_eq!(quoted("a\nb"), "`a\\nb`");
        assert_eq!(quoted(&"x".repeat(1000)), format!("`{}…`", "x".repeat(MOST_SHOWN)));
        assert_eq!(quoted("dkim(key=MC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEB)"), "`[key]`");
        let path = "/var/lib/Dkimgate/keys/with/a/rather/long/path/example.org/s1.pem";
        assert_eq!(quoted(path), format!("`{path}`"));
    }
}
